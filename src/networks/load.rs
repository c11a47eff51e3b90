//! Loading networks, and the state that a load leaves: a snapshot that calls work with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use super::options::{DirLoad, NetworksOptions, Origin, Source};
use crate::conf;
use crate::error::{Error, Result, Status};
use crate::text;
use crate::types::network::NetworkConfigList;

/// The list of the loopback network. The newest version that the program of that name knows everywhere.
const LOOPBACK_LIST: &str = r#"{"cniVersion":"1.0.0","name":"cni-loopback","plugins":[{"type":"loopback"}]}"#;

/// The interface of the loopback network.
const LOOPBACK_INTERFACE: &str = "lo";

/// What the names of the files end in that are networks of a directory.
pub(super) const EXTENSIONS: [&str; 3] = [".conflist", ".conf", ".json"];

/// A network as it was loaded.
#[derive(Clone, Debug)]
pub struct Network {
    list: Arc<NetworkConfigList>,
    if_name: String,
    path: Option<PathBuf>,
    is_loopback: bool,
}

impl Network {
    /// The network's name.
    pub fn name(&self) -> &str {
        self.list.name()
    }

    /// Its configuration, drop-in plugins included.
    pub fn list(&self) -> &NetworkConfigList {
        &self.list
    }

    /// The interface that containers get, unless they ask for another one.
    pub fn if_name(&self) -> &str {
        &self.if_name
    }

    /// The file that it comes from, if it comes from one.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Whether it is the loopback network of the option `loopback`.
    pub fn is_loopback(&self) -> bool {
        self.is_loopback
    }

    fn loopback() -> Result<Network> {
        Ok(Network {
            list: Arc::new(conf::network_conf_from_bytes(LOOPBACK_LIST.as_bytes())?),
            if_name: LOOPBACK_INTERFACE.to_owned(),
            path: None,
            is_loopback: true,
        })
    }
}

/// A file that could not be loaded, or a directory that a watch leaves out.
#[derive(Debug)]
pub struct LoadProblem {
    /// The file or directory.
    pub path: PathBuf,
    /// Why not.
    pub error: Error,
}

/// The networks that are loaded at a time. Never changes: a later load makes a new one.
#[derive(Debug)]
pub struct Snapshot {
    generation: u64,
    conf_dir: PathBuf,
    /// The directories among the sources.
    dirs: Vec<PathBuf>,
    interface_prefix: String,
    plugin_dirs: Vec<PathBuf>,
    networks: Vec<Network>,
    problems: Vec<LoadProblem>,
}

impl Snapshot {
    /// Counts the loads that changed something, from 1.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The directory of network configurations.
    pub fn conf_dir(&self) -> &Path {
        &self.conf_dir
    }

    /// What the names of interfaces begin with.
    pub fn interface_prefix(&self) -> &str {
        &self.interface_prefix
    }

    /// Where plugins are searched, in order.
    pub fn plugin_dirs(&self) -> &[PathBuf] {
        &self.plugin_dirs
    }

    /// The networks, in the order in which containers are attached to them.
    pub fn networks(&self) -> &[Network] {
        &self.networks
    }

    /// What could not be loaded, and, while there is a [`Watch`](super::Watch), whose changes it cannot notice. A file
    /// that was loaded before and is broken now is here, too, while its network stays as it was.
    pub fn problems(&self) -> &[LoadProblem] {
        &self.problems
    }

    /// The directories whose files were looked at.
    pub(super) fn dirs(&self) -> &[PathBuf] {
        &self.dirs
    }

    /// The network of that name.
    pub fn find(&self, name: &str) -> Option<&Network> {
        self.networks.iter().find(|network| network.name() == name && !network.is_loopback)
    }

    /// The names of the networks, loopback left out.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.networks.iter().filter(|network| !network.is_loopback).map(Network::name)
    }

    /// Whether a load would leave the same.
    fn says_the_same_as(&self, other: &Snapshot) -> bool {
        let network = |network: &Network| {
            (network.list.bytes().to_owned(), network.if_name.clone(), network.path.clone())
        };
        let problem = |problem: &LoadProblem| (problem.path.clone(), problem.error.message().to_owned());
        self.networks.iter().map(network).eq(other.networks.iter().map(network))
            && self.problems.iter().map(problem).eq(other.problems.iter().map(problem))
    }
}

/// How a load treats a source that names a network and cannot be read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// The caller asked for it: an error.
    Fails,
    /// It changed under our eyes: what it was before stays, and the problem is reported.
    KeepsTheOld,
}

/// Loads the sources.
pub(super) struct Loader<'a> {
    pub options: &'a NetworksOptions,
    pub plugin_dirs: &'a [PathBuf],
    pub sources: &'a [Source],
    pub before: Option<&'a Snapshot>,
    pub broken: Broken,
}

impl Loader<'_> {
    /// The new snapshot; the old one's generation when nothing changed. `problems` are those that are known already.
    pub(super) fn load(&self, problems: Vec<LoadProblem>) -> Result<Snapshot> {
        let mut loading = Loading { loader: self, networks: Vec::new(), problems, count: 0 };
        if self.options.loopback {
            loading.networks.push(Network::loopback()?);
        }
        let conf_dir = &self.options.conf_dir;
        let mut dirs = Vec::new();
        if self.sources.is_empty() {
            loading.dir(conf_dir, DirLoad::Default)?;
            dirs.push(conf_dir.clone());
        }
        for source in self.sources {
            loading.source(source)?;
            if let Origin::Dir { path, .. } = &source.origin {
                dirs.push(path.as_ref().unwrap_or(conf_dir).clone());
            }
        }
        let Loading { networks, problems, .. } = loading;
        let mut snapshot = Snapshot {
            generation: 1,
            conf_dir: conf_dir.clone(),
            dirs,
            interface_prefix: self.options.interface_prefix.clone(),
            plugin_dirs: self.plugin_dirs.to_owned(),
            networks,
            problems,
        };
        if let Some(before) = self.before {
            let changed = u64::from(!snapshot.says_the_same_as(before));
            snapshot.generation = before.generation + changed;
        }
        Ok(snapshot)
    }
}

struct Loading<'a> {
    loader: &'a Loader<'a>,
    networks: Vec<Network>,
    problems: Vec<LoadProblem>,
    /// How many networks have an interface with a number.
    count: usize,
}

impl Loading<'_> {
    fn source(&mut self, source: &Source) -> Result<()> {
        let index = source.index;
        let single = |conf: Result<_>| conf.and_then(|conf| conf::conf_list_from_conf(&conf));
        match &source.origin {
            Origin::Dir { path, load } => {
                let path = path.as_deref().unwrap_or(&self.loader.options.conf_dir);
                return self.dir(path, *load);
            }
            Origin::Conf(text) => {
                self.push(single(conf::plugin_conf_from_bytes(text.as_bytes()))?, index, None);
            }
            Origin::ConfList(text) => {
                self.push(with_plugins(conf::network_conf_from_bytes(text.as_bytes())?)?, index, None);
            }
            Origin::ConfFile(path) => self.file(path, single(conf::plugin_conf_from_file(path)), index)?,
            Origin::ConfListFile(path) => self.file(path, conf::network_conf_from_file(path), index)?,
        }
        Ok(())
    }

    /// A file that a source names.
    fn file(&mut self, path: &Path, list: Result<NetworkConfigList>, index: Option<usize>) -> Result<()> {
        match list {
            Ok(list) => self.push(list, index, Some(path)),
            Err(error) if self.loader.broken == Broken::Fails => return Err(error),
            Err(error) => self.keep_old(path, error, index),
        }
        Ok(())
    }

    fn dir(&mut self, dir: &Path, load: DirLoad) -> Result<()> {
        let most = match (load, self.loader.options.max_networks) {
            (DirLoad::Default, _) => 1,
            (DirLoad::All, 0) => usize::MAX,
            (DirLoad::All, most) => most,
        };
        let files = match conf::conf_files(dir, &EXTENSIONS) {
            Ok(files) => files,
            Err(error) => {
                // A directory that cannot be read has not lost its networks.
                let old: Vec<PathBuf> = self.old_files(dir).map(Path::to_owned).collect();
                old.iter().for_each(|path| self.take_old(path, None));
                self.problems.push(LoadProblem { path: dir.to_owned(), error });
                return Ok(());
            }
        };
        let before = self.networks.len();
        for path in files {
            // The networks of this directory so far.
            let networks = &self.networks[before..];
            if networks.len() >= most {
                break;
            }
            let named = |name: &str| networks.iter().find(|network| network.name() == name);
            let list = match conf::unless_gone(&path, conf::network_conf_of_file) {
                None => continue,
                Some(Ok(list)) => list,
                Some(Err(error)) => {
                    if self.old(&path).is_some_and(|network| named(network.name()).is_none()) {
                        self.keep_old(&path, error, None);
                    } else {
                        self.problems.push(LoadProblem { path, error });
                    }
                    continue;
                }
            };
            if let Some(other) = named(list.name()).and_then(Network::path) {
                let error = is_twice(&list, &path, other);
                self.problems.push(LoadProblem { path, error });
                continue;
            }
            self.push(list, None, Some(&path));
        }
        Ok(())
    }

    fn push(&mut self, list: NetworkConfigList, index: Option<usize>, path: Option<&Path>) {
        self.push_network(Arc::new(list), index, path.map(Path::to_owned));
    }

    fn push_network(&mut self, list: Arc<NetworkConfigList>, index: Option<usize>, path: Option<PathBuf>) {
        let number = index.unwrap_or(self.count);
        self.count += 1;
        let if_name = format!("{}{number}", self.loader.options.interface_prefix);
        self.networks.push(Network { list, if_name, path, is_loopback: false });
    }

    /// What the file was before it broke.
    fn keep_old(&mut self, path: &Path, error: Error, index: Option<usize>) {
        self.take_old(path, index);
        self.problems.push(LoadProblem { path: path.to_owned(), error });
    }

    fn take_old(&mut self, path: &Path, index: Option<usize>) {
        if let Some(old) = self.old(path) {
            self.push_network(old.list.clone(), index, old.path.clone());
        }
    }

    fn old(&self, path: &Path) -> Option<Network> {
        let before = self.loader.before?;
        before.networks.iter().find(|network| network.path() == Some(path)).cloned()
    }

    fn old_files(&self, dir: &Path) -> impl Iterator<Item = &Path> {
        let before = self.loader.before.map_or(&[][..], Snapshot::networks);
        before.iter().filter_map(Network::path).filter(move |path| path.parent() == Some(dir))
    }
}

/// What is wrong with the second file of a directory with one network.
fn is_twice(list: &NetworkConfigList, path: &Path, other: &Path) -> Error {
    let (file, name, other) = (path.display(), text::quote(list.name()), other.display());
    let message = format!("{file} is left out: the network {name} is already that of {other}");
    Error::new(Status::InvalidConfig, message).at_path(path)
}

fn with_plugins(list: NetworkConfigList) -> Result<NetworkConfigList> {
    if list.plugins().is_empty() {
        let message = format!("the network {} has no plugins", text::quote(list.name()));
        return Err(Error::new(Status::InvalidConfig, message));
    }
    Ok(list)
}

/// The `config` of the C ABI.
impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("confDir", &self.conf_dir)?;
        map.serialize_entry("interfacePrefix", &self.interface_prefix)?;
        map.serialize_entry("pluginDirs", &self.plugin_dirs)?;
        map.serialize_entry("generation", &self.generation)?;
        map.serialize_entry("networks", &self.networks)?;
        map.serialize_entry("errors", &self.problems)?;
        map.end()
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = text::lossy(self.list.bytes());
        let list: Option<&RawValue> = serde_json::from_str(&text).ok();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", self.name())?;
        map.serialize_entry("ifName", &self.if_name)?;
        map.serialize_entry("path", &self.path)?;
        map.serialize_entry("loopback", &self.is_loopback)?;
        map.serialize_entry("list", &list)?;
        map.serialize_entry("listText", &text)?;
        map.end()
    }
}

impl Serialize for LoadProblem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("path", &self.path)?;
        map.serialize_entry("status", self.error.status().name())?;
        map.serialize_entry("message", self.error.message())?;
        map.end()
    }
}
