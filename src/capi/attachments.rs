//! What is remembered of all attachments, and what plugins say of themselves.

use std::ffi::c_char;

use super::buf::libcni_buf;
use super::context::{libcni_context, of_call};
use super::error::libcni_error;
use super::ffi::{Out, boundary, optional_text, required, text};
use super::handle::libcni;
use crate::cni::AttachmentReport;
use crate::types::attachment::AttachmentFilter;

/// The remembered attachments, sorted by the names of their files. Files that are not attachments are skipped.
///
/// Hundreds of files are read by up to four threads, which end with the call.
///
/// @param cni a runtime.
/// @param filter NULL for all, or a JSON object with any of `containerId`, `networkName`, `ifName`: all that are given must
///        match.
/// @param attachments an array of objects: `containerId`, `networkName`, `ifName`, `netns`, `config` (as JSON; null when it is not
///        JSON), `configBytes` (base64: the exact bytes), `cniArgs`, `capabilityArgs`; free it with libcni_buf_free().
/// @param err on failure the error; may be NULL.
/// @return LIBCNI_OK, or LIBCNI_ERR_CACHE when the cache cannot be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_get_cached_attachments(
    cni: *const libcni,
    filter: *const c_char,
    attachments: *mut libcni_buf,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes what the documentation asks for, or NULL.
        let (cni, filter, attachments) = unsafe {
            (
                required("cni", cni)?,
                optional_text("filter", filter)?,
                Out::required("attachments", attachments)?,
            )
        };
        let filter = filter.map_or_else(|| Ok(AttachmentFilter::default()), AttachmentFilter::from_json)?;
        attachments.set_text(cni.0.get_cached_attachments_json(&filter)?);
        Ok(())
    })
}

/// Asks a plugin which versions of the CNI specification it supports.
///
/// @param cni a runtime.
/// @param ctx NULL or a context.
/// @param plugin_type the plugin's type: the name of its program.
/// @param info an object: `cniVersion` and `supportedVersions` (an array); free it with libcni_buf_free().
/// @param err on failure the error; may be NULL.
/// @return LIBCNI_OK, LIBCNI_ERR_PLUGIN_NOT_FOUND, LIBCNI_ERR_INVALID_RESULT, or any other failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_get_version_info(
    cni: *const libcni,
    ctx: *const libcni_context,
    plugin_type: *const c_char,
    info: *mut libcni_buf,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes what the documentation asks for, or NULL.
        let (cni, ctx, plugin_type, info) = unsafe {
            (
                required("cni", cni)?,
                of_call(ctx),
                text("plugin_type", plugin_type)?,
                Out::required("info", info)?,
            )
        };
        info.set_json(&cni.0.get_version_info(&ctx, plugin_type)?)
    })
}

/// DEL of every remembered attachment that matches, with the configuration and the arguments of its ADD. Goes on
/// after errors.
///
/// @param cni a runtime.
/// @param ctx NULL or a context.
/// @param filter as for libcni_get_cached_attachments(), but not NULL: `{}` is every attachment.
/// @param report an array with one object for each attachment: `attachment` (`containerId`, `networkName`, `ifName`),
///        `deleted`, and `error` where it was not deleted; free it with libcni_buf_free().
/// @param err when any attachment could not be deleted, an error with the first one's status; its `causes` has all; may be
///        NULL.
/// @return LIBCNI_OK or the first failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_del_cached_attachments(
    cni: *const libcni,
    ctx: *const libcni_context,
    filter: *const c_char,
    report: *mut libcni_buf,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes what the documentation asks for, or NULL.
        let (cni, ctx, filter, report) = unsafe {
            (required("cni", cni)?, of_call(ctx), text("filter", filter)?, Out::required("report", report)?)
        };
        let reports = cni.0.del_cached_attachments(&ctx, &AttachmentFilter::from_json(filter)?)?;
        report.set_json(&AttachmentReport::all_deleted(reports)?)
    })
}
