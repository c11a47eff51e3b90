//! `libcni_plugin`: a plugin written in C, as a program and inside the process.

use std::ffi::{c_char, c_int, c_void};

use super::ffi::{infallible, optional_text, required, text};
use super::plugin_request::libcni_plugin_request;
use super::plugin_response::libcni_plugin_response;
use crate::error::{Error, Result, Status, code};
use crate::plugin::{self, Plugin, Request};
use crate::text;
use crate::types::result::CniResult;
use crate::types::shape;
use crate::version;

/// The version of struct libcni_plugin that this header declares.
pub const LIBCNI_PLUGIN_VERSION: u32 = 1;

/// A plugin: what it does for each command of the protocol. Start with LIBCNI_PLUGIN_INIT.
///
/// libcni_plugin_main() makes a program of it; in `plugins` of libcni_hooks the same struct makes it a plugin inside the
/// process. Callbacks run where those of libcni_hooks do, inside a process possibly several at the same time, and must neither
/// unwind nor jump out. They return 0 when they succeeded; with anything else, or with an error set on the response, they
/// failed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct libcni_plugin {
    /// LIBCNI_PLUGIN_VERSION.
    pub version: u32,
    /// 0.
    pub reserved: u32,
    /// Inside a process: the type that it serves. libcni_plugin_main() does not look at it.
    pub r#type: *const c_char,
    /// What the program prints when a person starts it: its name and version. NULL: nothing, and a missing CNI_COMMAND is
    /// an error.
    pub about: *const c_char,
    /// The versions of the specification that it can be asked in: a JSON array. NULL: all.
    pub supported_versions: *const c_char,
    /// The plugin's own pointer, handed to every callback.
    pub user_data: *mut c_void,
    /// ADD: attaches the container, and sets the result on the response.
    pub add: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            request: *const libcni_plugin_request,
            response: *mut libcni_plugin_response,
        ) -> i32,
    >,
    /// CHECK: whether the attachment is as it should be. NULL: it is.
    pub check: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            request: *const libcni_plugin_request,
            response: *mut libcni_plugin_response,
        ) -> i32,
    >,
    /// DEL: undoes ADD. What is gone already is deleted; the network namespace may be gone, too, or not be named.
    pub del: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            request: *const libcni_plugin_request,
            response: *mut libcni_plugin_response,
        ) -> i32,
    >,
    /// GC: removes what belongs to none of the attachments in `cni.dev/valid-attachments` of the configuration. NULL: there
    /// is nothing to remove.
    pub gc: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            request: *const libcni_plugin_request,
            response: *mut libcni_plugin_response,
        ) -> i32,
    >,
    /// STATUS: whether ADD would work (else code 50 or 51). NULL: it would.
    pub status: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            request: *const libcni_plugin_request,
            response: *mut libcni_plugin_response,
        ) -> i32,
    >,
}

type Callback =
    unsafe extern "C" fn(*mut c_void, *const libcni_plugin_request, *mut libcni_plugin_response) -> i32;

/// Runs a plugin once, as the program that calls this: reads the environment and stdin by the protocol, calls the
/// callback of the command, and prints the result or the error object to stdout. It is the whole of a plugin's main():
///
/// `int main(int argc, char **argv) { return libcni_plugin_main(&plugin, argc, argv); }`
///
/// @param plugin the plugin.
/// @param argc as main() got it; not used.
/// @param argv as main() got it; not used.
/// @return the exit code for main(): 0, or 1 after an error object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_plugin_main(
    plugin: *const libcni_plugin,
    argc: c_int,
    argv: *mut *mut c_char,
) -> i32 {
    let _ = (argc, argv);
    infallible(1, || {
        // SAFETY: the caller passes a plugin that lives until this returns.
        match unsafe { required("plugin", plugin).and_then(|plugin| Table::of(plugin)) } {
            Ok(table) => plugin::run(&table).into(),
            Err(error) => {
                let error =
                    Error::of_plugin(code::INTERNAL, "the plugin is not well-formed", error.message());
                plugin::fail(&error).into()
            }
        }
    })
}

/// The plugins of a host, with their types.
///
/// # Safety
/// `plugins` points to that many structs, or is NULL and there are none. Their callbacks may be called from any thread.
pub(super) unsafe fn of_host(plugins: *const libcni_plugin, count: usize) -> Result<Vec<(String, Table)>> {
    let mut tables: Vec<(String, Table)> = Vec::new();
    for index in 0..count {
        // SAFETY: as this function's own contract: NULL is told by `required`, and `index` is below the count.
        let (plugin_type, table) = unsafe {
            let plugin = required("hooks.plugins", plugins)?;
            let plugin = &*std::ptr::from_ref(plugin).add(index);
            (text("type", plugin.r#type), Table::of(plugin))
        };
        let plugin_type = plugin_type.and_then(|plugin_type| match plugin_type {
            "" => Err(Error::new(Status::InvalidArgument, "type is empty")),
            _ if plugin_type.contains('/') => {
                let message = format!("type {} contains /", text::quote(plugin_type));
                Err(Error::new(Status::InvalidArgument, message))
            }
            _ if tables.iter().any(|(other, _)| other == plugin_type) => {
                let message = format!("type {} is given twice", text::quote(plugin_type));
                Err(Error::new(Status::InvalidArgument, message))
            }
            _ => Ok(plugin_type.to_owned()),
        });
        let named = |error: Error| error.context(format!("hooks.plugins[{index}]"));
        tables.push((plugin_type.map_err(named)?, table.map_err(named)?));
    }
    Ok(tables)
}

/// A plugin's callbacks; its texts are copies.
pub(super) struct Table {
    plugin: libcni_plugin,
    about: String,
    supported_versions: Vec<String>,
}

// SAFETY: the host promises that the callbacks may run on any thread, and that user_data is fit for that; libcni only
// hands the pointer back. The texts behind the other pointers are not read after the copies were made.
unsafe impl Send for Table {}
// SAFETY: as above: concurrent calls are part of the promise.
unsafe impl Sync for Table {}

impl Table {
    /// # Safety
    /// The texts of `plugin` are NULL or NUL-terminated.
    unsafe fn of(plugin: &libcni_plugin) -> Result<Table> {
        let invalid = |message: String| Error::new(Status::InvalidArgument, message);
        if plugin.version != LIBCNI_PLUGIN_VERSION {
            let version = plugin.version;
            return Err(invalid(format!(
                "the plugin has version {version}, this library knows {LIBCNI_PLUGIN_VERSION}: initialise it with LIBCNI_PLUGIN_INIT"
            )));
        }
        if plugin.reserved != 0 {
            return Err(invalid(String::from("reserved of the plugin is not 0")));
        }
        for (name, callback) in [("add", plugin.add), ("del", plugin.del)] {
            callback.ok_or_else(|| invalid(format!("{name} of the plugin is NULL")))?;
        }
        // SAFETY: as this function's own contract.
        let (about, versions) = unsafe {
            (
                optional_text("about", plugin.about)?,
                optional_text("supported_versions", plugin.supported_versions)?,
            )
        };
        let supported_versions: Vec<String> = match versions {
            Some(versions) => shape::read("supported_versions", versions)?,
            None => version::ALL.map(str::to_owned).into(),
        };
        if supported_versions.is_empty() {
            return Err(invalid(String::from("supported_versions of the plugin has none")));
        }
        Ok(Table { plugin: *plugin, about: about.unwrap_or_default().to_owned(), supported_versions })
    }

    /// Runs a callback; one that is not there succeeds.
    fn call(&self, callback: Option<Callback>, request: &Request<'_>) -> Result<libcni_plugin_response> {
        let mut response = libcni_plugin_response::default();
        let Some(callback) = callback else { return Ok(response) };
        let seen = libcni_plugin_request::new(request)?;
        // SAFETY: the plugin's callback, with its own user_data, and a request and a response that live until it
        // returns.
        let returned = unsafe { callback(self.plugin.user_data, &raw const seen, &raw mut response) };
        match response.failure.take() {
            Some(failure) => Err(failure),
            None if returned != 0 => {
                let details = format!("the callback for {} returned {returned}", request.command());
                Err(Error::of_plugin(code::INTERNAL, "the plugin failed", details))
            }
            None => Ok(response),
        }
    }
}

impl Plugin for Table {
    fn add(&self, request: &Request<'_>) -> Result<CniResult> {
        let result = self.call(self.plugin.add, request)?.result.ok_or_else(|| {
            Error::of_plugin(code::INTERNAL, "the plugin failed", "the callback for ADD set no result")
        })?;
        CniResult::from_plugin_output(&result, request.cni_version())
    }

    fn check(&self, request: &Request<'_>) -> Result<()> {
        self.call(self.plugin.check, request).map(drop)
    }

    fn del(&self, request: &Request<'_>) -> Result<()> {
        self.call(self.plugin.del, request).map(drop)
    }

    fn gc(&self, request: &Request<'_>) -> Result<()> {
        self.call(self.plugin.gc, request).map(drop)
    }

    fn status(&self, request: &Request<'_>) -> Result<()> {
        self.call(self.plugin.status, request).map(drop)
    }

    fn supported_versions(&self) -> Vec<&str> {
        self.supported_versions.iter().map(String::as_str).collect()
    }

    fn about(&self) -> &str {
        &self.about
    }
}
