//! Status numbers and versions.

use std::ffi::c_char;

use super::ffi::infallible;
use crate::error::Status;

/// Success.
pub const LIBCNI_OK: i32 = 0;
/// An argument of the call itself is wrong: NULL, not UTF-8, an unknown option, a bad container id.
pub const LIBCNI_ERR_INVALID_ARGUMENT: i32 = -1;
/// A network configuration is wrong.
pub const LIBCNI_ERR_INVALID_CONFIG: i32 = -2;
/// No network of that name was found in the configuration directory.
pub const LIBCNI_ERR_NETWORK_NOT_FOUND: i32 = -3;
/// No plugin program of that name was found in the plugin directories.
pub const LIBCNI_ERR_PLUGIN_NOT_FOUND: i32 = -4;
/// A plugin ran and failed; libcni_error_code() tells the code that it gave.
pub const LIBCNI_ERR_PLUGIN: i32 = -5;
/// A plugin does not support the version of the configuration.
pub const LIBCNI_ERR_INCOMPATIBLE_VERSION: i32 = -6;
/// A plugin succeeded, but what it printed is not a valid result.
pub const LIBCNI_ERR_INVALID_RESULT: i32 = -7;
/// A system call failed: a file, a pipe, a process that could not be started.
pub const LIBCNI_ERR_IO: i32 = -8;
/// The cache of attachments could not be read or written.
pub const LIBCNI_ERR_CACHE: i32 = -9;
/// There is no cached attachment to work on.
pub const LIBCNI_ERR_NOT_ADDED: i32 = -10;
/// The deadline of the call passed.
pub const LIBCNI_ERR_TIMEOUT: i32 = -11;
/// The call was cancelled through its context.
pub const LIBCNI_ERR_CANCELLED: i32 = -12;
/// The configuration's version is older than the CHECK command (0.4.0).
pub const LIBCNI_ERR_CHECK_NOT_SUPPORTED: i32 = -13;
/// A callback of the host failed.
pub const LIBCNI_ERR_CALLBACK: i32 = -14;
/// A defect of libcni.
pub const LIBCNI_ERR_INTERNAL: i32 = -15;

/// The version of the library that runs, for example "0.1.0".
///
/// LIBCNI_VERSION is the version that a program was compiled with.
///
/// @return a static string, never NULL; not to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn libcni_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The version of the binary interface that runs: the number in the name libcni.so.0. Within one version
/// functions and fields are only ever added.
#[unsafe(no_mangle)]
pub extern "C" fn libcni_abi_version() -> u32 {
    0
}

/// The name of a status, for example "PLUGIN_NOT_FOUND" for LIBCNI_ERR_PLUGIN_NOT_FOUND, and "OK" for
/// LIBCNI_OK.
///
/// @return a static string, not to be freed; "UNKNOWN" for a number that this library does not know.
#[unsafe(no_mangle)]
pub extern "C" fn libcni_status_name(status: i32) -> *const c_char {
    macro_rules! c_names {
        ($($status:ident => $name:literal),* $(,)?) => {
            match Status::from_number(status) {
                $(Some(Status::$status) => concat!($name, "\0"),)*
                None if status == LIBCNI_OK => "OK\0",
                None => "UNKNOWN\0",
            }
        };
    }
    infallible(c"UNKNOWN".as_ptr(), || {
        let name = c_names! {
            InvalidArgument => "INVALID_ARGUMENT",
            InvalidConfig => "INVALID_CONFIG",
            NetworkNotFound => "NETWORK_NOT_FOUND",
            PluginNotFound => "PLUGIN_NOT_FOUND",
            Plugin => "PLUGIN",
            IncompatibleVersion => "INCOMPATIBLE_VERSION",
            InvalidResult => "INVALID_RESULT",
            Io => "IO",
            Cache => "CACHE",
            NotAdded => "NOT_ADDED",
            Timeout => "TIMEOUT",
            Cancelled => "CANCELLED",
            CheckNotSupported => "CHECK_NOT_SUPPORTED",
            Callback => "CALLBACK",
            Internal => "INTERNAL",
        };
        name.as_ptr().cast()
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    #[test]
    fn numbers_and_names_are_those_of_the_core() {
        let constants = [
            (LIBCNI_ERR_INVALID_ARGUMENT, Status::InvalidArgument),
            (LIBCNI_ERR_INVALID_CONFIG, Status::InvalidConfig),
            (LIBCNI_ERR_NETWORK_NOT_FOUND, Status::NetworkNotFound),
            (LIBCNI_ERR_PLUGIN_NOT_FOUND, Status::PluginNotFound),
            (LIBCNI_ERR_PLUGIN, Status::Plugin),
            (LIBCNI_ERR_INCOMPATIBLE_VERSION, Status::IncompatibleVersion),
            (LIBCNI_ERR_INVALID_RESULT, Status::InvalidResult),
            (LIBCNI_ERR_IO, Status::Io),
            (LIBCNI_ERR_CACHE, Status::Cache),
            (LIBCNI_ERR_NOT_ADDED, Status::NotAdded),
            (LIBCNI_ERR_TIMEOUT, Status::Timeout),
            (LIBCNI_ERR_CANCELLED, Status::Cancelled),
            (LIBCNI_ERR_CHECK_NOT_SUPPORTED, Status::CheckNotSupported),
            (LIBCNI_ERR_CALLBACK, Status::Callback),
            (LIBCNI_ERR_INTERNAL, Status::Internal),
        ];
        for (number, status) in constants {
            assert_eq!(number, status.number());
            // SAFETY: the function returns static NUL-terminated strings.
            let name = unsafe { CStr::from_ptr(libcni_status_name(number)) };
            assert_eq!(name.to_bytes(), status.name().as_bytes());
        }
    }
}
