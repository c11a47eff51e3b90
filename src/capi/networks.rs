//! `libcni_networks`: the networks of a node, for all of its containers.

use std::ffi::c_char;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::OnceLock;

use super::buf::libcni_buf;
use super::context::{libcni_context, of_call};
use super::error::libcni_error;
use super::ffi::{Out, boundary, infallible, optional_text, required, text};
use super::handle::libcni;
use crate::error::{Error, Result, Status};
use crate::networks::{Container, Networks, NetworksOptions, Source, Watch, WatchOptions};

/// The networks of a node: loaded from its configuration, for any number of containers. Free to be used by any number
/// of threads at once; a call works with the networks as they are loaded when it begins.
pub struct libcni_networks {
    networks: Networks,
    /// Since libcni_networks_watch().
    watch: OnceLock<Watch>,
}

/// # Safety
/// `container` is NULL or a NUL-terminated string.
unsafe fn read_container(container: *const c_char) -> Result<Container> {
    // SAFETY: as this function's own contract.
    Container::from_json(unsafe { text("container", container) }?)
}

/// Loads the networks of a node. A directory without networks, or that is not there, is no error, see
/// libcni_networks_status(); files in it that cannot be loaded are in libcni_networks_config().
///
/// @param cni the runtime that attaches containers; it may be freed before the networks.
/// @param options NULL or a JSON object with any of
///        - `sources`: where networks come from, in order: an array of objects with one of `dir` (a directory, with `load`:
///          `"default"`, its first network, or `"all"`; without `dir` that of `confDir`), `confFile`, `confListFile`
///          (paths), `conf`, `confList` (configurations, as objects or as strings with their text), and optionally `index`,
///          the number in the interface's name. Default: the first network of `confDir`;
///        - `confDir`: the directory of configurations (default `/etc/cni/net.d`);
///        - `interfacePrefix`: what the names of interfaces begin with (default `eth`); the networks are numbered in
///          their order from 0;
///        - `minNetworks`: how many must be loaded for a container to be set up, loopback included (default 1, and one
///          more with `loopback`);
///        - `maxNetworks`: how many are taken from a directory at most (default 0: all);
///        - `loopback`: whether `lo` is brought up before everything else (default true), and `loopbackPlugin`, by whom:
///          `"program"`, `"builtin"` (this library), or `"auto"` (default: by the program where there is one);
///        - `parallel`: whether a container is attached to its networks at the same time, on threads that end with the
///          call (default false: one after the other);
///        - `undo`: whether a set-up that fails detaches the container again (default true), and `undoTimeoutMs`, how long
///          that may take (default 30000);
///        - `checkNetns`: whether a set-up looks for the network namespace first (default true).
/// @param out the networks; free them with libcni_networks_free().
/// @param err on failure the error; may be NULL.
/// @return LIBCNI_OK, LIBCNI_ERR_INVALID_ARGUMENT, or LIBCNI_ERR_INVALID_CONFIG or LIBCNI_ERR_IO for a source that names
///         a file or gives a configuration.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_networks_new(
    cni: *const libcni,
    options: *const c_char,
    out: *mut *mut libcni_networks,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes NULL or what the documentation asks for.
        let (cni, options, out) = unsafe {
            (required("cni", cni)?, optional_text("options", options)?, Out::required("out", out)?)
        };
        let options = options.map_or_else(|| Ok(NetworksOptions::default()), NetworksOptions::from_json)?;
        let networks = Networks::new(cni.0.clone(), options)?;
        out.set(Box::into_raw(Box::new(libcni_networks { networks, watch: OnceLock::new() })));
        Ok(())
    })
}

/// Frees the networks. Calls that still run on other threads must have returned.
///
/// @param networks the networks, which must not be used afterwards; may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_networks_free(networks: *mut libcni_networks) {
    infallible((), || {
        if !networks.is_null() {
            // SAFETY: a pointer that is not NULL came from libcni_networks_new, and the caller frees it once.
            drop(unsafe { Box::from_raw(networks) });
        }
    });
}

/// Loads the networks again. On failure everything stays as it was. Calls that run go on with what they began with.
///
/// @param networks the networks.
/// @param sources NULL for the same sources again, or others: a JSON array as the option `sources`.
/// @param config receives what libcni_networks_config() tells afterwards; free it with libcni_buf_free().
/// @param err on failure the error; may be NULL.
/// @return as libcni_networks_new().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_networks_load(
    networks: *const libcni_networks,
    sources: *const c_char,
    config: *mut libcni_buf,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes NULL or what the documentation asks for.
        let (networks, sources, config) = unsafe {
            (
                required("networks", networks)?,
                optional_text("sources", sources)?,
                Out::required("config", config)?,
            )
        };
        let sources = sources.map(Source::list_from_json).transpose()?;
        config.set_json(&*networks.networks.load(sources)?)
    })
}

/// The networks as they are loaded.
///
/// @param networks the networks.
/// @param config an object: `confDir`, `interfacePrefix`, `pluginDirs`, `generation` (counts the loads that changed
///        something), `networks` (array, in the order of the set-up: `name`, `ifName`, `path` or null, `loopback`, `list`,
///        and `listText`, the exact text of it) and `errors` (array of `path`, `status` (a name, as libcni_status_name() has
///        it) and `message`: what could not be loaded; a file that is broken now but was loaded before keeps its network;
///        after libcni_networks_watch() also a directory that cannot be watched). Free it with libcni_buf_free().
/// @param err on failure the error; may be NULL.
/// @return LIBCNI_OK or LIBCNI_ERR_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_networks_config(
    networks: *const libcni_networks,
    config: *mut libcni_buf,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes NULL or what the documentation asks for.
        let (networks, config) =
            unsafe { (required("networks", networks)?, Out::required("config", config)?) };
        config.set_json(&*networks.networks.config())
    })
}

/// Whether containers can be set up: enough networks are loaded, they and their interfaces have names that may be, the
/// plugins of each say that they are ready (STATUS, from version 1.1.0), and there is a plugin for loopback, if it is wanted.
///
/// @param networks the networks.
/// @param ctx NULL or a context.
/// @param err on failure the error; its causes are those of all networks that are not ready; may be NULL.
/// @return LIBCNI_OK; LIBCNI_ERR_NETWORK_NOT_FOUND when too few networks are loaded; LIBCNI_ERR_INVALID_ARGUMENT for an
///         interface whose number makes its name too long; or any failure of libcni_get_status_network_list().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_networks_status(
    networks: *const libcni_networks,
    ctx: *const libcni_context,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes NULL or what the documentation asks for.
        let (networks, ctx) = unsafe { (required("networks", networks)?, of_call(ctx)) };
        networks.networks.status(&ctx)
    })
}

/// Attaches a container to its networks, loopback first. Everything that can be wrong with the container is looked at
/// before the first plugin runs. When a network fails, the container is detached from those that it was attached to by
/// this call, unless the option `undo` is off.
///
/// @param networks the networks.
/// @param ctx NULL or a context.
/// @param container a JSON object: `containerId`, `netns` (path), and optionally `cniArgs` (array of [key, value]),
///        `capabilityArgs` (object), `cacheDir`, `parallel` (in place of the option), and `networks`: in place of all
///        that are loaded, an array of objects with `name` and optionally `ifName`, `cniArgs` and `capabilityArgs` (on
///        top of the container's).
/// @param result an object: `interfaces` (by name: `network`, `mac`, `mtu`, `sandbox`, `pciID`, `socketPath`, where they
///        are told, and `ips`, an array of `address` and `gateway`), `dns` (one of each network), `routes` (of all), and
///        `results` (array of `network`, `ifName`, `result`: what each network returned), all in the order of the
///        networks. Free it with libcni_buf_free().
/// @param err on failure the error: the status of the first network that failed, with one cause for each and those of
///        detaching; may be NULL.
/// @return LIBCNI_OK; LIBCNI_ERR_NETWORK_NOT_FOUND when too few networks are loaded, or not that one;
///         LIBCNI_ERR_INVALID_ARGUMENT, with the code 8 for a network namespace that is not there; or any failure of
///         libcni_add_network_list().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_networks_setup(
    networks: *const libcni_networks,
    ctx: *const libcni_context,
    container: *const c_char,
    result: *mut libcni_buf,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes NULL or what the documentation asks for.
        let (networks, ctx, container, result) = unsafe {
            (
                required("networks", networks)?,
                of_call(ctx),
                read_container(container)?,
                Out::required("result", result)?,
            )
        };
        result.set_text(networks.networks.setup(&ctx, &container)?.to_json());
        Ok(())
    })
}

/// CHECK of every network of a container, each with the interface that it was set up with.
///
/// @param networks the networks.
/// @param ctx NULL or a context.
/// @param container as for libcni_networks_setup().
/// @param err on failure the error, with one cause for each network that failed; may be NULL.
/// @return LIBCNI_OK; LIBCNI_ERR_NETWORK_NOT_FOUND as libcni_networks_setup(); or any failure of libcni_check_network_list().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_networks_check(
    networks: *const libcni_networks,
    ctx: *const libcni_context,
    container: *const c_char,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes NULL or what the documentation asks for.
        let (networks, ctx, container) =
            unsafe { (required("networks", networks)?, of_call(ctx), read_container(container)?) };
        networks.networks.check(&ctx, &container)
    })
}

/// Detaches a container from its networks, in the reverse order of the set-up, and goes on after failures. Each network
/// is deleted with the configuration and the interface that it was set up with, also when it has another number or is not
/// loaded any more. What is detached already is fine.
///
/// @param networks the networks.
/// @param ctx NULL or a context.
/// @param container as for libcni_networks_setup(); `netns` may be empty.
/// @param err on failure the error, with one cause for each network that failed and can be tried again; may be NULL.
/// @return LIBCNI_OK; LIBCNI_ERR_NETWORK_NOT_FOUND for a network that `container` names when it is not loaded, and without
///         a cache that could remember it; or any failure of libcni_del_network_list().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_networks_remove(
    networks: *const libcni_networks,
    ctx: *const libcni_context,
    container: *const c_char,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes NULL or what the documentation asks for.
        let (networks, ctx, container) =
            unsafe { (required("networks", networks)?, of_call(ctx), read_container(container)?) };
        networks.networks.remove(&ctx, &container)
    })
}

/// Begins to watch the configuration (its files, directories and drop-in directories, and the plugin directories). There
/// is no thread: when the descriptor is readable, libcni_networks_dispatch() is to be called.
///
/// @param networks the networks.
/// @param options NULL or a JSON object with `debounceMs`: how long it must be quiet before the networks are loaded again
///        (default 100; under a storm of changes they are after ten times as long). Of a second call they are ignored.
/// @param fd receives a descriptor for poll, epoll or select. It belongs to `networks` and is closed with them; only wait
///        for it. It is readable once at the beginning, for what changed since the networks were loaded.
/// @param err on failure the error; may be NULL.
/// @return LIBCNI_OK, LIBCNI_ERR_INVALID_ARGUMENT, or LIBCNI_ERR_IO when there is no descriptor or watch to be had.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_networks_watch(
    networks: *const libcni_networks,
    options: *const c_char,
    fd: *mut i32,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes NULL or what the documentation asks for.
        let (networks, options, fd) = unsafe {
            (required("networks", networks)?, optional_text("options", options)?, Out::required("fd", fd)?)
        };
        let options = options.map_or_else(|| Ok(WatchOptions::default()), WatchOptions::from_json)?;
        let watch = match networks.watch.get() {
            Some(watch) => watch,
            None => {
                let watch = networks.networks.watch(options)?;
                networks.watch.get_or_init(|| watch)
            }
        };
        fd.set(watch.as_fd().as_raw_fd());
        Ok(())
    })
}

/// Goes on with what libcni_networks_watch() noticed, and never waits. When the configuration changed and it was quiet for
/// long enough, the networks are loaded again. A file that is broken now keeps the network that it had.
///
/// @param networks the networks.
/// @param change receives `null` while there is nothing to tell, else an object: `generation`, `networks` (the names of
///        those that are loaded now), `errors` (array of `path`, `status` and `message`), `networksChanged`, and `plugins`
///        (whether something changed in the plugin directories). Free it with libcni_buf_free().
/// @param err on failure the error; may be NULL.
/// @return LIBCNI_OK; LIBCNI_ERR_INVALID_ARGUMENT, also when nothing is watched; LIBCNI_ERR_IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_networks_dispatch(
    networks: *const libcni_networks,
    change: *mut libcni_buf,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes NULL or what the documentation asks for.
        let (networks, change) =
            unsafe { (required("networks", networks)?, Out::required("change", change)?) };
        let watch = networks.watch.get().ok_or_else(|| {
            let message = "nothing is watched: libcni_networks_watch() was not called for these networks";
            Error::new(Status::InvalidArgument, message)
        })?;
        change.set_json(&watch.dispatch()?)
    })
}

/// Counters and durations of the calls so far.
///
/// @param networks the networks.
/// @param format "json" (an object: by operation `total`, `errors`, `durationSeconds`, `buckets`) or "prometheus" (its
///        text format, version 0.0.4: `network_plugin_operations_total`, `network_plugin_operations_errors_total` and
///        `network_plugin_operations_duration_seconds`, with the label `operation_type`).
/// @param out receives the text; free it with libcni_buf_free().
/// @param err on failure the error; may be NULL.
/// @return LIBCNI_OK or LIBCNI_ERR_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_networks_metrics(
    networks: *const libcni_networks,
    format: *const c_char,
    out: *mut libcni_buf,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes NULL or what the documentation asks for.
        let (networks, format, out) =
            unsafe { (required("networks", networks)?, text("format", format)?, Out::required("out", out)?) };
        let metrics = networks.networks.metrics();
        out.set_text(match format {
            "json" => metrics.to_json(),
            "prometheus" => metrics.to_prometheus(),
            other => {
                let message =
                    format!("unknown format {}: expected json or prometheus", crate::text::quote(other));
                return Err(Error::new(Status::InvalidArgument, message));
            }
        });
        Ok(())
    })
}
