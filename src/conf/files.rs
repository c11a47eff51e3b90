//! Network configurations in files and directories.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::list::{append_plugins, conf_list_from_conf, network_conf_from_bytes};
use super::plugin::plugin_conf_from_bytes;
use crate::error::{Error, Result, Status};
use crate::types::network::{NetworkConfigList, PluginConfig};

/// The largest configuration file that is read, in bytes: no honest one comes near.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// What [`load_network_confs`] found.
#[derive(Debug, Default)]
pub struct LoadedNetworks {
    /// The networks, each with its file, in file name order.
    pub networks: Vec<(PathBuf, NetworkConfigList)>,
    /// The files that could not be loaded, in file name order, and why.
    pub errors: Vec<(PathBuf, Error)>,
}

/// The files of a directory, not below it, whose extension (with its dot) is one of `extensions`, in file
/// name order. A missing directory has none.
///
/// # Errors
/// [`Status::Io`] when the directory cannot be read.
pub fn conf_files(dir: &Path, extensions: &[impl AsRef<str>]) -> Result<Vec<PathBuf>> {
    let unreadable = |error: std::io::Error| {
        Error::new(Status::Io, format!("failed to read directory {}: {error}", dir.display())).at_path(dir)
    };
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        match entry.file_type() {
            Ok(file_type) if file_type.is_dir() => continue,
            Ok(_) => {}
            // Gone since, where the directory does not tell what its entries are.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(unreadable(error)),
        }
        let name = entry.file_name();
        let bytes = name.as_encoded_bytes();
        // From the last dot on, which may be the first character.
        let extension = bytes.iter().rposition(|byte| *byte == b'.').map_or(&bytes[..0], |dot| &bytes[dot..]);
        if extensions.iter().any(|wanted| wanted.as_ref().as_bytes() == extension) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names.into_iter().map(|name| dir.join(name)).collect())
}

/// Loads a network configuration list from a file, with the drop-in plugins that lie beside it in
/// `<network name>/*.conf`, unless `loadOnlyInlinedPlugins` is set.
///
/// # Errors
/// [`Status::Io`] when a file cannot be read; [`Status::InvalidConfig`], with the file, when one is wrong
/// or there is no plugin at all.
pub fn network_conf_from_file(path: &Path) -> Result<NetworkConfigList> {
    let bytes = read_file(path)?;
    let mut list = network_conf_from_bytes(&bytes).map_err(|error| in_file(error, path))?;
    if !list.load_only_inlined_plugins {
        let dir = path.parent().unwrap_or(Path::new(""));
        let drop_ins = drop_in_plugins(dir, &list.name).map_err(|error| match error.facts().path {
            Some(_) => error,
            None => in_file(error, path),
        })?;
        if !drop_ins.is_empty() {
            list.bytes = append_plugins(&list, &drop_ins)?.into_bytes();
            list.plugins.extend(drop_ins);
        }
    }
    if list.plugins.is_empty() {
        return Err(in_file(Error::new(Status::InvalidConfig, "no plugin configs found"), path));
    }
    Ok(list)
}

/// The plugins of `<dir>/<network name>/*.conf`, in file name order.
fn drop_in_plugins(dir: &Path, network_name: &str) -> Result<Vec<PluginConfig>> {
    // The name comes from the file, so it must not lead elsewhere. (An empty one is the directory itself.)
    if matches!(network_name, "." | "..") || network_name.contains(['/', '\0']) {
        let name = crate::text::quote(network_name);
        let message = format!("network name {name} cannot name a directory of drop-in plugins");
        return Err(Error::new(Status::InvalidConfig, message));
    }
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    let mut plugins = Vec::new();
    for file in conf_files(&dir.join(network_name), &[".conf"])? {
        if let Some(plugin) = unless_gone(&file, plugin_conf_from_file) {
            plugins.push(plugin?);
        }
    }
    Ok(plugins)
}

/// Reads a file of a directory; `None` when it vanished since the directory was read: then there is nothing to tell of
/// it. A link that leads nowhere is still there.
pub(crate) fn unless_gone<T>(path: &Path, read: impl Fn(&Path) -> Result<T>) -> Option<Result<T>> {
    // One that vanished and is there again when it is looked for may be read now.
    for _ in 0..3 {
        match read(path) {
            Err(_) if is_gone(path) => return None,
            Err(error) if error.status() == Status::Io => {}
            outcome => return Some(outcome),
        }
    }
    Some(read(path))
}

fn is_gone(path: &Path) -> bool {
    path.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

/// Finds the network `name` in a directory: first in the `.conflist` files, then in the `.conf` and
/// `.json` files, each in file name order. The first match is the network.
///
/// # Errors
/// [`Status::NetworkNotFound`]; files that could not be loaded do not stop the search, but are listed when
/// nothing matches (and are the error's causes). [`Status::Io`] when the directory cannot be read.
pub fn load_network_conf(dir: &Path, name: &str) -> Result<NetworkConfigList> {
    let lists = conf_files(dir, &[".conflist"])?;
    let singles = conf_files(dir, &[".conf", ".json"])?;
    if lists.is_empty() && singles.is_empty() {
        let message = format!("no net configurations found in {}", dir.display());
        return Err(Error::new(Status::NetworkNotFound, message).at_path(dir));
    }
    let mut broken = Vec::new();
    for path in &lists {
        match network_conf_from_file(path) {
            Ok(list) if list.name == name => return Ok(list),
            Ok(_) => {}
            Err(error) => broken.push(error),
        }
    }
    for path in &singles {
        match plugin_conf_from_file(path) {
            Ok(conf) if conf.name() == name => {
                return conf_list_from_conf(&conf).map_err(|error| in_file(error, path));
            }
            Ok(_) => {}
            Err(error) => broken.push(error),
        }
    }
    let mut message = format!("no net configuration with name \"{name}\" in {}", dir.display());
    if !broken.is_empty() {
        let texts: Vec<&str> = broken.iter().map(Error::message).collect();
        message = format!("{message}; not loaded: {}", texts.join("; "));
    }
    Err(Error::new(Status::NetworkNotFound, message).at_path(dir).with(|facts| facts.causes = broken))
}

/// Loads every network of a directory, from `.conflist`, `.conf` and `.json` files together, in file name
/// order. A file that cannot be loaded hides no other.
///
/// # Errors
/// [`Status::Io`] when the directory cannot be read.
pub fn load_network_confs(dir: &Path) -> Result<LoadedNetworks> {
    let mut loaded = LoadedNetworks::default();
    for path in conf_files(dir, &[".conflist", ".conf", ".json"])? {
        match unless_gone(&path, network_conf_of_file) {
            None => {}
            Some(Ok(list)) => loaded.networks.push((path, list)),
            Some(Err(error)) => loaded.errors.push((path, error)),
        }
    }
    Ok(loaded)
}

/// Loads a network from a file as a directory is loaded: a list from a `.conflist` file, and from any other one
/// plugin's configuration, which becomes a list.
///
/// # Errors
/// As [`network_conf_from_file`] and [`plugin_conf_from_file`].
pub(crate) fn network_conf_of_file(path: &Path) -> Result<NetworkConfigList> {
    if path.extension().is_some_and(|extension| extension == "conflist") {
        return network_conf_from_file(path);
    }
    let conf = plugin_conf_from_file(path)?;
    conf_list_from_conf(&conf).map_err(|error| in_file(error, path))
}

/// Loads one plugin's configuration from a file (`.conf`).
///
/// # Errors
/// [`Status::Io`] when the file cannot be read; [`Status::InvalidConfig`], with the file, when it is wrong.
pub fn plugin_conf_from_file(path: &Path) -> Result<PluginConfig> {
    plugin_conf_from_bytes(&read_file(path)?).map_err(|error| in_file(error, path))
}

/// The error with its file named, in the text and as a fact.
fn in_file(error: Error, path: &Path) -> Error {
    let named = format!("{} (in {})", error.message(), path.display());
    error.at_path(path).with(|facts| facts.message = named)
}

/// Reads a regular file. A FIFO or a device in a configuration directory must not hang the host.
fn read_file(path: &Path) -> Result<Vec<u8>> {
    let fail = |error: std::io::Error| {
        Error::new(Status::Io, format!("error reading {}: {error}", path.display())).at_path(path)
    };
    let open = || File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path);
    let mut file = open().map_err(fail)?;
    let metadata = file.metadata().map_err(fail)?;
    if !metadata.is_file() {
        return Err(fail(std::io::Error::other("not a regular file")));
    }
    let mut bytes = Vec::new();
    let read = file.by_ref().take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(fail)?;
    if read as u64 > MAX_FILE_BYTES {
        return Err(fail(std::io::Error::other(format!("larger than {MAX_FILE_BYTES} bytes"))));
    }
    Ok(bytes)
}
