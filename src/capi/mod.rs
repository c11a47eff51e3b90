//! The C ABI: `extern "C"` functions over the core, one file per handle. The only place with
//! `#[unsafe(no_mangle)]`. See `include/libcni.h`, which is generated from here, and docs/C-API.md.

// The names are those of the C ABI, and their documentation is the header's.
#![allow(non_camel_case_types, clippy::missing_safety_doc, clippy::not_unsafe_ptr_arg_deref)]

mod attachments;
mod buf;
mod conf;
mod context;
mod error;
mod exec_request;
mod exec_response;
mod ffi;
mod handle;
mod hooks;
mod list;
mod networks;
mod plugin;
mod plugin_request;
mod plugin_response;
mod single;
// Most of its constants are there for the header alone.
#[allow(dead_code)]
mod status;
