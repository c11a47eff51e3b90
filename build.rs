//! Names the shared library and generates its header.

// A build script tells by panicking what stopped it.
#![allow(clippy::expect_used)]

use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // The number changes with every incompatible change of the C ABI, see libcni_abi_version.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libcni.so.0");
    if env::var_os("CARGO_FEATURE_CAPI").is_some() {
        header();
    }
}

/// Writes `libcni.h` into OUT_DIR, and where the source is when LIBCNI_UPDATE_HEADER is set; a test compares
/// the two.
fn header() {
    println!("cargo::rerun-if-changed=src/capi");
    println!("cargo::rerun-if-changed=cbindgen.toml");
    println!("cargo::rerun-if-env-changed=LIBCNI_UPDATE_HEADER");
    let source = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let source = Path::new(&source);
    let mut config =
        cbindgen::Config::from_file(source.join("cbindgen.toml")).expect("cbindgen.toml is valid");
    config.header = Some(introduction());
    config.after_includes = Some(macros());
    let mut files: Vec<_> = fs::read_dir(source.join("src/capi"))
        .expect("src/capi is there")
        .map(|entry| entry.expect("src/capi can be read").path())
        .filter(|path| !path.ends_with("mod.rs"))
        .collect();
    // The order of the header: what a reader needs first comes first.
    let rank = |path: &Path| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let order = [
            "status",
            "buf",
            "error",
            "context",
            "hooks",
            "exec_request",
            "exec_response",
            "plugin",
            "plugin_request",
            "plugin_response",
            "handle",
            "list",
            "single",
            "attachments",
            "conf",
            "networks",
        ];
        order.iter().position(|known| *known == name).unwrap_or(order.len())
    };
    files.sort_by_key(|path| rank(path));
    let mut builder = cbindgen::Builder::new().with_config(config);
    for file in files {
        builder = builder.with_src(file);
    }
    let bindings = builder.generate().expect("the C ABI can be expressed in C");
    let out = Path::new(&env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join("libcni.h");
    bindings.write_to_file(&out);
    println!("cargo::rustc-env=LIBCNI_GENERATED_HEADER={}", out.display());
    if env::var_os("LIBCNI_UPDATE_HEADER").is_some() {
        fs::copy(&out, source.join("include/libcni.h")).expect("include/libcni.h can be written");
    }
}

fn introduction() -> String {
    "/* SPDX-License-Identifier: Apache-2.0
 *
 * libcni: run the plugins of the Container Network Interface (CNI).
 *
 * Generated from src/capi by cbindgen: change it there.
 *
 * Rules that hold for every function:
 *
 * - A string in is NUL-terminated UTF-8. Options, arguments and configurations are JSON texts. libcni copies
 *   what it needs: the caller's memory stays the caller's.
 * - A text out is a libcni_buf that the caller owns and gives back with libcni_buf_free().
 * - A function that returns a status returns LIBCNI_OK (0) or a negative LIBCNI_ERR_* number. Parameters that
 *   receive something are written only on success, *err only on failure. err may be NULL, and so may a context.
 * - A pointer to const may be used by any number of threads at once. What is not const may not.
 * - Every _free function accepts NULL.
 * - Calls run on the calling thread and block it. libcni keeps no threads, no signal handlers, no global state.
 * - In our own options and arguments an unknown key is an error. In network configurations it passes through.
 */"
    .to_owned()
}

fn macros() -> String {
    let part = |name: &str| env::var(name).expect("cargo sets the version");
    let version = part("CARGO_PKG_VERSION");
    let (major, minor, patch) =
        (part("CARGO_PKG_VERSION_MAJOR"), part("CARGO_PKG_VERSION_MINOR"), part("CARGO_PKG_VERSION_PATCH"));
    format!(
        "
/** The version that a program is compiled with; libcni_version() is the one that it runs with. */
#define LIBCNI_VERSION \"{version}\"
#define LIBCNI_VERSION_MAJOR {major}
#define LIBCNI_VERSION_MINOR {minor}
#define LIBCNI_VERSION_PATCH {patch}

/** An empty libcni_buf. */
#define LIBCNI_BUF_INIT {{ NULL, 0 }}

/** A libcni_hooks without callbacks: version, reserved, user_data, exec_plugin, find_in_path, on_event, finalize,
 * plugins, plugin_count. */
#define LIBCNI_HOOKS_INIT {{ LIBCNI_HOOKS_VERSION, 0, NULL, NULL, NULL, NULL, NULL, NULL, 0 }}

/** A libcni_plugin without callbacks: version, reserved, type, about, supported_versions, user_data, add, check, del, gc,
 * status. */
#define LIBCNI_PLUGIN_INIT {{ LIBCNI_PLUGIN_VERSION, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL }}"
    )
}
