//! Configuration: from files and texts to network configuration lists.

use std::ffi::c_char;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::value::RawValue;

use super::buf::libcni_buf;
use super::error::libcni_error;
use super::ffi::{Out, boundary, text};
use crate::conf;
use crate::error::{Error, Result, Status};
use crate::text::lossy;
use crate::types::network::NetworkConfigList;
use crate::types::result::CniResult;
use crate::types::shape;

/// The files of a directory, not below it, with one of these extensions, in file name order. A missing directory
/// has none.
///
/// @param dir a directory.
/// @param extensions a JSON array of extensions with their dots, for example `[".conflist", ".conf"]`.
/// @param paths an array of paths; free it with libcni_buf_free().
/// @param err on failure the error; may be NULL.
/// @return LIBCNI_OK, or LIBCNI_ERR_IO when the directory cannot be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_conf_files(
    dir: *const c_char,
    extensions: *const c_char,
    paths: *mut libcni_buf,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes what the documentation asks for, or NULL.
        let (dir, extensions, paths) =
            unsafe { (text("dir", dir)?, text("extensions", extensions)?, Out::required("paths", paths)?) };
        let extensions: Vec<String> = shape::read("extensions", extensions)?;
        let files = conf::conf_files(Path::new(dir), &extensions)?;
        let files: Vec<_> = files.iter().map(|path| path.to_string_lossy()).collect();
        paths.set_json(&files)
    })
}

/// Finds a network in a directory: first in the .conflist files, then in the .conf and .json files, each in file name
/// order. Drop-in plugins in `<dir>/<network>/` are part of it.
///
/// @param dir a directory.
/// @param name the network's name.
/// @param list the network configuration list; free it with libcni_buf_free().
/// @param err on failure the error; files that could not be loaded are among its `causes`; may be NULL.
/// @return LIBCNI_OK; LIBCNI_ERR_NETWORK_NOT_FOUND; LIBCNI_ERR_IO when the directory cannot be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_load_network_conf(
    dir: *const c_char,
    name: *const c_char,
    list: *mut libcni_buf,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes what the documentation asks for, or NULL.
        let (dir, name, list) =
            unsafe { (text("dir", dir)?, text("name", name)?, Out::required("list", list)?) };
        list.set_text(list_text(&conf::load_network_conf(Path::new(dir), name)?));
        Ok(())
    })
}

/// Loads every network of a directory, from .conflist, .conf and .json files together, in file name order. A file that
/// cannot be loaded hides no other.
///
/// @param dir a directory.
/// @param out an object: `networks`, an array of objects with `path` and `list`, and `errors`, an array of objects with `path`
///        and `message`; free it with libcni_buf_free().
/// @param err on failure the error; may be NULL.
/// @return LIBCNI_OK, or LIBCNI_ERR_IO when the directory cannot be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_load_network_confs(
    dir: *const c_char,
    out: *mut libcni_buf,
    err: *mut *mut libcni_error,
) -> i32 {
    #[derive(Serialize)]
    struct Loaded {
        networks: Vec<Network>,
        errors: Vec<Failure>,
    }
    #[derive(Serialize)]
    struct Network {
        path: String,
        list: Box<RawValue>,
    }
    #[derive(Serialize)]
    struct Failure {
        path: String,
        message: String,
    }
    boundary(err, || {
        // SAFETY: the caller passes what the documentation asks for, or NULL.
        let (dir, out) = unsafe { (text("dir", dir)?, Out::required("out", out)?) };
        let loaded = conf::load_network_confs(Path::new(dir))?;
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let network = |(file, list): &(PathBuf, NetworkConfigList)| {
            let not_json =
                |error| Error::new(Status::Internal, format!("a loaded configuration is not JSON: {error}"));
            Ok(Network { path: path(file), list: RawValue::from_string(list_text(list)).map_err(not_json)? })
        };
        let failure = |(file, error): &(PathBuf, Error)| Failure {
            path: path(file),
            message: error.message().to_owned(),
        };
        out.set_json(&Loaded {
            networks: loaded.networks.iter().map(network).collect::<Result<_>>()?,
            errors: loaded.errors.iter().map(failure).collect(),
        })
    })
}

/// Loads a network configuration list from a file, with the drop-in plugins beside it in
/// `<network>/`, unless `loadOnlyInlinedPlugins` is set.
///
/// @param path a .conflist file.
/// @param list the network configuration list: the file's text, with the drop-in plugins at the end of `plugins`; free it
///        with libcni_buf_free().
/// @param err on failure the error, which names the file; may be NULL.
/// @return LIBCNI_OK, LIBCNI_ERR_INVALID_CONFIG, or LIBCNI_ERR_IO when a file cannot be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_network_conf_from_file(
    path: *const c_char,
    list: *mut libcni_buf,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes what the documentation asks for, or NULL.
        let (path, list) = unsafe { (text("path", path)?, Out::required("list", list)?) };
        list.set_text(list_text(&conf::network_conf_from_file(Path::new(path))?));
        Ok(())
    })
}

/// Checks that a text is a network configuration list.
///
/// @param json the text of a .conflist file.
/// @param list the same text; free it with libcni_buf_free().
/// @param err on failure the error, which names the key, the plugin's index, or line and column; may be NULL.
/// @return LIBCNI_OK or LIBCNI_ERR_INVALID_CONFIG.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_network_conf_from_bytes(
    json: *const c_char,
    list: *mut libcni_buf,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes what the documentation asks for, or NULL.
        let (json, list) = unsafe { (text("json", json)?, Out::required("list", list)?) };
        list.set_text(list_text(&conf::network_conf_from_bytes(json.as_bytes())?));
        Ok(())
    })
}

/// Makes a network configuration list of one plugin's configuration: name and version from it, itself the only
/// plugin.
///
/// @param conf the text of a .conf file.
/// @param list the network configuration list; free it with libcni_buf_free().
/// @param err on failure the error; may be NULL.
/// @return LIBCNI_OK or LIBCNI_ERR_INVALID_CONFIG.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_conf_list_from_conf(
    conf: *const c_char,
    list: *mut libcni_buf,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes what the documentation asks for, or NULL.
        let (conf, list) = unsafe { (text("conf", conf)?, Out::required("list", list)?) };
        let conf = conf::plugin_conf_from_bytes(conf.as_bytes())?;
        list.set_text(list_text(&conf::conf_list_from_conf(&conf)?));
        Ok(())
    })
}

/// Puts values into one plugin's configuration. Injected keys go last; other occurrences of them are removed;
/// everything else keeps its place and its text.
///
/// @param conf one plugin's configuration.
/// @param values a JSON object: key to value.
/// @param out the new configuration; free it with libcni_buf_free().
/// @param err on failure the error; may be NULL.
/// @return LIBCNI_OK; LIBCNI_ERR_INVALID_ARGUMENT for an empty key or a null value; LIBCNI_ERR_INVALID_CONFIG.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_inject_conf(
    conf: *const c_char,
    values: *const c_char,
    out: *mut libcni_buf,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes what the documentation asks for, or NULL.
        let (conf, values, out) =
            unsafe { (text("conf", conf)?, text("values", values)?, Out::required("out", out)?) };
        let shape::Values(values) = shape::read("values", values)?;
        out.set_text(conf::inject_conf(conf, &values)?.text().to_owned());
        Ok(())
    })
}

/// Converts a result to another version of the CNI specification. What the other version cannot say is left out.
///
/// @param result a result as an ADD returns it; without `cniVersion` it is read as 0.1.0.
/// @param cni_version the wanted version; "" means 0.1.0.
/// @param out the result; free it with libcni_buf_free().
/// @param err on failure the error; may be NULL.
/// @return LIBCNI_OK, or LIBCNI_ERR_INVALID_RESULT when it is no result, or cannot be converted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_result_convert(
    result: *const c_char,
    cni_version: *const c_char,
    out: *mut libcni_buf,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes what the documentation asks for, or NULL.
        let (result, cni_version, out) = unsafe {
            (text("result", result)?, text("cni_version", cni_version)?, Out::required("out", out)?)
        };
        out.set_text(CniResult::from_json(result)?.convert(cni_version)?.to_json());
        Ok(())
    })
}

/// The list as text. Bytes of a file that are not UTF-8 are replaced: there is no other way to pass them as JSON.
fn list_text(list: &NetworkConfigList) -> String {
    lossy(list.bytes()).into_owned()
}
