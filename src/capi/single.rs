//! The operations on one plugin's configuration on its own.

use std::ffi::c_char;

use super::buf::libcni_buf;
use super::context::{libcni_context, of_call};
use super::error::libcni_error;
use super::ffi::{Out, boundary, required, text};
use super::handle::libcni;
use super::list::with_rt;
use crate::conf::{named_conf_from_bytes, plugin_conf_from_bytes};
use crate::error::Result;
use crate::types::network::PluginConfig;
use crate::types::runtime::RuntimeConf;

/// Gives a configuration, as `read` reads it, to `then`.
///
/// # Safety
/// `conf` is NULL or a NUL-terminated string.
unsafe fn with_conf(
    read: fn(&[u8]) -> Result<PluginConfig>,
    conf: *const c_char,
    then: &mut dyn FnMut(&PluginConfig) -> Result<()>,
) -> Result<()> {
    // SAFETY: as this function's own contract.
    then(&read(unsafe { text("conf", conf) }?.as_bytes())?)
}

/// Gives a configuration and the runtime's side of a call to `then`.
///
/// # Safety
/// As for each.
unsafe fn with_conf_and_rt(
    read: fn(&[u8]) -> Result<PluginConfig>,
    conf: *const c_char,
    rt: *const c_char,
    then: &mut dyn FnMut(&PluginConfig, &RuntimeConf) -> Result<()>,
) -> Result<()> {
    // SAFETY: as this function's own contract.
    unsafe { with_conf(read, conf, &mut |conf| with_rt(rt, &mut |rt| then(conf, rt))) }
}

/// libcni_add_network_list() for one plugin on its own, under its own `name` and `cniVersion`.
///
/// @param cni a runtime.
/// @param ctx NULL or a context.
/// @param conf the plugin's configuration, as in a .conf file.
/// @param rt as for libcni_add_network_list().
/// @param result the plugin's result; free it with libcni_buf_free().
/// @param err on failure the error; may be NULL.
/// @return LIBCNI_OK or any failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_add_network(
    cni: *const libcni,
    ctx: *const libcni_context,
    conf: *const c_char,
    rt: *const c_char,
    result: *mut libcni_buf,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes what the documentation asks for, or NULL.
        unsafe {
            let (cni, ctx) = (required("cni", cni)?, of_call(ctx));
            with_conf_and_rt(plugin_conf_from_bytes, conf, rt, &mut |conf, rt| {
                let result = Out::required("result", result)?;
                result.set_text(cni.0.add_network_json(&ctx, conf, rt)?);
                Ok(())
            })
        }
    })
}

/// libcni_check_network_list() for one plugin on its own.
///
/// @param cni a runtime.
/// @param ctx NULL or a context.
/// @param conf the plugin's configuration.
/// @param rt as for libcni_check_network_list().
/// @param err on failure the error; may be NULL.
/// @return LIBCNI_OK or any failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_check_network(
    cni: *const libcni,
    ctx: *const libcni_context,
    conf: *const c_char,
    rt: *const c_char,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes what the documentation asks for, or NULL.
        unsafe {
            let (cni, ctx) = (required("cni", cni)?, of_call(ctx));
            with_conf_and_rt(plugin_conf_from_bytes, conf, rt, &mut |conf, rt| {
                cni.0.check_network(&ctx, conf, rt)
            })
        }
    })
}

/// libcni_del_network_list() for one plugin on its own.
///
/// @param cni a runtime.
/// @param ctx NULL or a context.
/// @param conf the plugin's configuration.
/// @param rt as for libcni_del_network_list().
/// @param err on failure the error; may be NULL.
/// @return LIBCNI_OK or any failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_del_network(
    cni: *const libcni,
    ctx: *const libcni_context,
    conf: *const c_char,
    rt: *const c_char,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes what the documentation asks for, or NULL.
        unsafe {
            let (cni, ctx) = (required("cni", cni)?, of_call(ctx));
            with_conf_and_rt(plugin_conf_from_bytes, conf, rt, &mut |conf, rt| {
                cni.0.del_network(&ctx, conf, rt)
            })
        }
    })
}

/// libcni_get_network_list_cached_result() for one plugin on its own.
///
/// @param cni a runtime.
/// @param conf the plugin's configuration; its `name` and `cniVersion` are enough.
/// @param rt `containerId` and `ifName`, and `cacheDir` if ADD had it.
/// @param result the result, or `null` when there is none; free it with libcni_buf_free().
/// @param err on failure the error; may be NULL.
/// @return LIBCNI_OK, or LIBCNI_ERR_CACHE when the cache cannot be read or its entry is of no use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_get_network_cached_result(
    cni: *const libcni,
    conf: *const c_char,
    rt: *const c_char,
    result: *mut libcni_buf,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes what the documentation asks for, or NULL.
        unsafe {
            let cni = required("cni", cni)?;
            with_conf_and_rt(named_conf_from_bytes, conf, rt, &mut |conf, rt| {
                let result = Out::required("result", result)?;
                let cached = cni.0.get_network_cached_result(conf, rt)?;
                result.set_text(cached.map_or_else(|| String::from("null"), |result| result.to_json()));
                Ok(())
            })
        }
    })
}

/// libcni_get_network_list_cached_config() for one plugin on its own.
///
/// @param cni a runtime.
/// @param conf the plugin's configuration; its `name` is enough.
/// @param rt `containerId` and `ifName`, and `cacheDir` if ADD had it.
/// @param config as for libcni_get_network_list_cached_config(); free it with libcni_buf_free().
/// @param err on failure the error; may be NULL.
/// @return LIBCNI_OK, or LIBCNI_ERR_CACHE when the cache cannot be read or its entry is of no use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_get_network_cached_config(
    cni: *const libcni,
    conf: *const c_char,
    rt: *const c_char,
    config: *mut libcni_buf,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes what the documentation asks for, or NULL.
        unsafe {
            let cni = required("cni", cni)?;
            with_conf_and_rt(named_conf_from_bytes, conf, rt, &mut |conf, rt| {
                let config = Out::required("config", config)?;
                config.set_json(&cni.0.get_network_cached_config(conf, rt)?)
            })
        }
    })
}

/// libcni_validate_network_list() for one plugin on its own, with its own `cniVersion`.
///
/// @param cni a runtime.
/// @param ctx NULL or a context.
/// @param conf the plugin's configuration.
/// @param capabilities its enabled capabilities: a sorted array of names; free it with libcni_buf_free().
/// @param err on failure the error; may be NULL.
/// @return LIBCNI_OK, LIBCNI_ERR_PLUGIN_NOT_FOUND, LIBCNI_ERR_INCOMPATIBLE_VERSION, or any other failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_validate_network(
    cni: *const libcni,
    ctx: *const libcni_context,
    conf: *const c_char,
    capabilities: *mut libcni_buf,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes what the documentation asks for, or NULL.
        unsafe {
            let (cni, ctx) = (required("cni", cni)?, of_call(ctx));
            with_conf(plugin_conf_from_bytes, conf, &mut |conf| {
                let capabilities = Out::required("capabilities", capabilities)?;
                capabilities.set_json(&cni.0.validate_network(&ctx, conf)?)
            })
        }
    })
}
