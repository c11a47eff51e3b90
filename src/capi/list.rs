//! The operations on a network: a configuration list.

use std::ffi::c_char;

use super::buf::libcni_buf;
use super::context::{libcni_context, of_call};
use super::error::libcni_error;
use super::ffi::{Out, boundary, optional_text, required, text};
use super::handle::libcni;
use crate::cni::GcArgs;
use crate::conf::network_conf_from_bytes;
use crate::error::Result;
use crate::types::network::NetworkConfigList;
use crate::types::runtime::RuntimeConf;

/// Gives a list to `then`. Not a function that returns it: what drops it is there once.
///
/// # Safety
/// `list` is NULL or a NUL-terminated string.
unsafe fn with_list(
    list: *const c_char,
    then: &mut dyn FnMut(&NetworkConfigList) -> Result<()>,
) -> Result<()> {
    // SAFETY: as this function's own contract.
    then(&network_conf_from_bytes(unsafe { text("list", list) }?.as_bytes())?)
}

/// Gives the runtime's side of a call to `then`.
///
/// # Safety
/// `rt` is NULL or a NUL-terminated string.
pub(super) unsafe fn with_rt(
    rt: *const c_char,
    then: &mut dyn FnMut(&RuntimeConf) -> Result<()>,
) -> Result<()> {
    // SAFETY: as this function's own contract.
    then(&RuntimeConf::from_json(unsafe { text("rt", rt) }?)?)
}

/// Gives both to `then`.
///
/// # Safety
/// As for each.
unsafe fn with_list_and_rt(
    list: *const c_char,
    rt: *const c_char,
    then: &mut dyn FnMut(&NetworkConfigList, &RuntimeConf) -> Result<()>,
) -> Result<()> {
    // SAFETY: as this function's own contract.
    unsafe { with_list(list, &mut |list| with_rt(rt, &mut |rt| then(list, rt))) }
}

/// ADD: attaches a container to a network, plugin by plugin, and remembers the attachment (CNI
/// specification, section 3). Blocks until the last plugin ended, the deadline passed or the context was
/// cancelled.
///
/// @param cni a runtime.
/// @param ctx NULL or a context.
/// @param list the network configuration list, as in a .conflist file.
/// @param rt a JSON object: `containerId`, `netns` (path of the network namespace), `ifName`, and optionally
///        `cniArgs` (array of [key, value]), `capabilityArgs` (object: capability to value), `cacheDir` (used when the
///        runtime names none), `cacheConfig` (base64: bytes to remember in place of the list), `pluginTypes` (array:
///        the names by which the plugins are found, in the list's order, in place of their types).
/// @param result the last plugin's result; free it with libcni_buf_free().
/// @param err on failure the error, which names the plugin; may be NULL.
/// @return LIBCNI_OK or any failure. What ran before a failing plugin stays, so that DEL should follow, unless the
///         runtime has `rollback`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_add_network_list(
    cni: *const libcni,
    ctx: *const libcni_context,
    list: *const c_char,
    rt: *const c_char,
    result: *mut libcni_buf,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes what the documentation asks for, or NULL.
        unsafe {
            let (cni, ctx) = (required("cni", cni)?, of_call(ctx));
            with_list_and_rt(list, rt, &mut |list, rt| {
                let result = Out::required("result", result)?;
                result.set_text(cni.0.add_network_list_json(&ctx, list, rt)?);
                Ok(())
            })
        }
    })
}

/// CHECK: asks every plugin whether the attachment is as it should be. Plugins get the remembered result
/// of ADD.
///
/// @param cni a runtime.
/// @param ctx NULL or a context.
/// @param list the network configuration list.
/// @param rt as for libcni_add_network_list(); `prevResult` is the result of ADD for a runtime that remembers nothing.
/// @param err on failure the error; may be NULL.
/// @return LIBCNI_OK; LIBCNI_ERR_CHECK_NOT_SUPPORTED below version 0.4.0; LIBCNI_ERR_NOT_ADDED without a remembered
///         attachment; or any other failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_check_network_list(
    cni: *const libcni,
    ctx: *const libcni_context,
    list: *const c_char,
    rt: *const c_char,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes what the documentation asks for, or NULL.
        unsafe {
            let (cni, ctx) = (required("cni", cni)?, of_call(ctx));
            with_list_and_rt(list, rt, &mut |list, rt| cni.0.check_network_list(&ctx, list, rt))
        }
    })
}

/// DEL: undoes an attachment, from the last plugin to the first, and forgets it. Deleting what is not there
/// succeeds. After a failure the attachment is still remembered, so that DEL can be tried again.
///
/// @param cni a runtime.
/// @param ctx NULL or a context.
/// @param list the network configuration list.
/// @param rt as for libcni_check_network_list(); `netns` may be empty when the namespace is gone.
/// @param err on failure the error; may be NULL.
/// @return LIBCNI_OK or any failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_del_network_list(
    cni: *const libcni,
    ctx: *const libcni_context,
    list: *const c_char,
    rt: *const c_char,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes what the documentation asks for, or NULL.
        unsafe {
            let (cni, ctx) = (required("cni", cni)?, of_call(ctx));
            with_list_and_rt(list, rt, &mut |list, rt| cni.0.del_network_list(&ctx, list, rt))
        }
    })
}

/// The remembered result of an ADD, in the list's version. No plugin runs.
///
/// @param cni a runtime.
/// @param list the network configuration list; its `name` and `cniVersion` are enough.
/// @param rt `containerId` and `ifName`, and `cacheDir` if ADD had it.
/// @param result the result, or `null` when there is none; free it with libcni_buf_free().
/// @param err on failure the error; may be NULL.
/// @return LIBCNI_OK, or LIBCNI_ERR_CACHE when the cache cannot be read or its entry is of no use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_get_network_list_cached_result(
    cni: *const libcni,
    list: *const c_char,
    rt: *const c_char,
    result: *mut libcni_buf,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes what the documentation asks for, or NULL.
        unsafe {
            let cni = required("cni", cni)?;
            with_list_and_rt(list, rt, &mut |list, rt| {
                let result = Out::required("result", result)?;
                let cached = cni.0.get_network_list_cached_result(list, rt)?;
                result.set_text(cached.map_or_else(|| String::from("null"), |result| result.to_json()));
                Ok(())
            })
        }
    })
}

/// The remembered configuration of an ADD. No plugin runs.
///
/// @param cni a runtime.
/// @param list the network configuration list; its `name` is enough.
/// @param rt `containerId` and `ifName`, and `cacheDir` if ADD had it.
/// @param config `null` when there is none, else an object: `config` (as JSON; null when it is not JSON),
///        `configBytes` (base64: the exact bytes) and `runtimeConf` (`rt` with the ADD's arguments); free it with libcni_buf_free().
/// @param err on failure the error; may be NULL.
/// @return LIBCNI_OK, or LIBCNI_ERR_CACHE when the cache cannot be read or its entry is of no use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_get_network_list_cached_config(
    cni: *const libcni,
    list: *const c_char,
    rt: *const c_char,
    config: *mut libcni_buf,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes what the documentation asks for, or NULL.
        unsafe {
            let cni = required("cni", cni)?;
            with_list_and_rt(list, rt, &mut |list, rt| {
                let config = Out::required("config", config)?;
                config.set_json(&cni.0.get_network_list_cached_config(list, rt)?)
            })
        }
    })
}

/// Checks that every plugin of the list can be found and supports the list's version, by its VERSION answer.
///
/// @param cni a runtime.
/// @param ctx NULL or a context.
/// @param list the network configuration list.
/// @param capabilities the enabled capabilities of all plugins: a sorted array of names; free it with libcni_buf_free().
/// @param err on failure the error, whose `causes` has every plugin's; may be NULL.
/// @return LIBCNI_OK, LIBCNI_ERR_PLUGIN_NOT_FOUND, LIBCNI_ERR_INCOMPATIBLE_VERSION, or any other failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_validate_network_list(
    cni: *const libcni,
    ctx: *const libcni_context,
    list: *const c_char,
    capabilities: *mut libcni_buf,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes what the documentation asks for, or NULL.
        unsafe {
            let (cni, ctx) = (required("cni", cni)?, of_call(ctx));
            with_list(list, &mut |list| {
                let capabilities = Out::required("capabilities", capabilities)?;
                capabilities.set_json(&cni.0.validate_network_list(&ctx, list)?)
            })
        }
    })
}

/// GC: deletes the remembered attachments of the network that are not valid any more, then, from version
/// 1.1.0, has every plugin remove what belongs to none of the valid ones. Goes on after errors.
///
/// A valid set that was computed before a concurrent ADD does not have the new attachment, which this call
/// then deletes: compute it while no ADD of the network runs.
///
/// @param cni a runtime.
/// @param ctx NULL or a context.
/// @param list the network configuration list.
/// @param args a JSON object: `validAttachments`, an array of objects with `containerId` and `ifName` (other keys are
///        ignored, so that attachments can be passed as they were returned). `[]` makes every attachment stale; `null` does too, and
///        tells the plugins nothing. Must not be NULL.
/// @param err on failure the error, whose `causes` has every failure; may be NULL.
/// @return LIBCNI_OK or the first failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_gc_network_list(
    cni: *const libcni,
    ctx: *const libcni_context,
    list: *const c_char,
    args: *const c_char,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes what the documentation asks for, or NULL.
        unsafe {
            let (cni, ctx) = (required("cni", cni)?, of_call(ctx));
            with_list(list, &mut |list| {
                cni.0.gc_network_list(&ctx, list, &GcArgs::from_json(text("args", args)?)?)
            })
        }
    })
}

/// STATUS: asks every plugin whether it is ready for ADD. Below version 1.1.0 nothing runs.
///
/// @param cni a runtime.
/// @param ctx NULL or a context.
/// @param list the network configuration list.
/// @param err on failure the error of the first plugin that is not ready, as it gave it: code 50, not available; 51, not
///        available and existing containers may have limited connectivity; may be NULL.
/// @return LIBCNI_OK or any failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_get_status_network_list(
    cni: *const libcni,
    ctx: *const libcni_context,
    list: *const c_char,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes what the documentation asks for, or NULL.
        unsafe {
            let (cni, ctx) = (required("cni", cni)?, of_call(ctx));
            with_list(list, &mut |list| cni.0.get_status_network_list(&ctx, list))
        }
    })
}

/// What an operation would run, without running it.
///
/// @param cni a runtime.
/// @param command "ADD", "CHECK", "DEL", "GC" or "STATUS".
/// @param list the network configuration list.
/// @param rt as for the operation; may be NULL for GC and STATUS.
/// @param requests an array in the order of execution: `plugin` (its type), `path`, `env` (the CNI_* variables), `stdin`, and
///        `needsPrevResult`: true where the run would also have a result that only the plugins before it can give; free it with
///        libcni_buf_free().
/// @param err on failure the error; may be NULL.
/// @return LIBCNI_OK or the failure that the operation would meet before it ran a plugin.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_render_network_list(
    cni: *const libcni,
    command: *const c_char,
    list: *const c_char,
    rt: *const c_char,
    requests: *mut libcni_buf,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes what the documentation asks for, or NULL.
        unsafe {
            let requests = Out::required("requests", requests)?;
            let rt_text = optional_text("rt", rt)?;
            let (cni, command) = (required("cni", cni)?, text("command", command)?);
            let mut render = |list: &NetworkConfigList, rt: &RuntimeConf| {
                requests.set_json(&cni.0.render_network_list(command, list, rt)?)
            };
            match rt_text {
                Some(_) => with_list_and_rt(list, rt, &mut render),
                None => with_list(list, &mut |list| render(list, &RuntimeConf::default())),
            }
        }
    })
}
