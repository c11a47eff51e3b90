//! The operations on one plugin's configuration on its own.

use std::ffi::c_char;

use super::buf::libcni_buf;
use super::context::{libcni_context, of_call};
use super::error::libcni_error;
use super::ffi::{Out, boundary, required, text};
use super::handle::libcni;
use super::list::read_rt;
use crate::conf::{named_conf_from_bytes, plugin_conf_from_bytes};
use crate::error::Result;
use crate::types::network::PluginConfig;

/// # Safety
/// `conf` is NULL or a NUL-terminated string.
unsafe fn read_conf(conf: *const c_char) -> Result<PluginConfig> {
    // SAFETY: as this function's own contract.
    plugin_conf_from_bytes(unsafe { text("conf", conf) }?.as_bytes())
}

/// A configuration of which only the name and the version are needed.
///
/// # Safety
/// `conf` is NULL or a NUL-terminated string.
unsafe fn read_named_conf(conf: *const c_char) -> Result<PluginConfig> {
    // SAFETY: as this function's own contract.
    named_conf_from_bytes(unsafe { text("conf", conf) }?.as_bytes())
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
        let (cni, ctx, conf, rt, result) = unsafe {
            (
                required("cni", cni)?,
                of_call(ctx),
                read_conf(conf)?,
                read_rt(rt)?,
                Out::required("result", result)?,
            )
        };
        result.set_text(cni.0.add_network_json(&ctx, &conf, &rt)?);
        Ok(())
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
        let (cni, ctx, conf, rt) =
            unsafe { (required("cni", cni)?, of_call(ctx), read_conf(conf)?, read_rt(rt)?) };
        cni.0.check_network(&ctx, &conf, &rt)
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
        let (cni, ctx, conf, rt) =
            unsafe { (required("cni", cni)?, of_call(ctx), read_conf(conf)?, read_rt(rt)?) };
        cni.0.del_network(&ctx, &conf, &rt)
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
        let (cni, conf, rt, result) = unsafe {
            (required("cni", cni)?, read_named_conf(conf)?, read_rt(rt)?, Out::required("result", result)?)
        };
        let cached = cni.0.get_network_cached_result(&conf, &rt)?;
        result.set_text(cached.map_or_else(|| String::from("null"), |result| result.to_json()));
        Ok(())
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
        let (cni, conf, rt, config) = unsafe {
            (required("cni", cni)?, read_named_conf(conf)?, read_rt(rt)?, Out::required("config", config)?)
        };
        config.set_json(&cni.0.get_network_cached_config(&conf, &rt)?)
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
        let (cni, ctx, conf, capabilities) = unsafe {
            (
                required("cni", cni)?,
                of_call(ctx),
                read_conf(conf)?,
                Out::required("capabilities", capabilities)?,
            )
        };
        capabilities.set_json(&cni.0.validate_network(&ctx, &conf)?)
    })
}
