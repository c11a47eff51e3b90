//! What a [`Networks`](super::Networks) is made of, and where its networks come from.

use std::path::PathBuf;
use std::time::Duration;

use serde::de::Error as _;
use serde_json::value::RawValue;

use crate::error::Result;
use crate::types::shape::{self, Found, Member, Members, Shape, Value, Wanted};

/// The directory of network configurations when nobody names another.
pub const DEFAULT_CONF_DIR: &str = "/etc/cni/net.d";

/// The options of a [`Networks`](super::Networks); `libcni_networks_new` takes the same as JSON.
#[derive(Clone, Debug)]
pub struct NetworksOptions {
    /// Where the networks come from, in order. Empty: the default network of `conf_dir`.
    pub sources: Vec<Source>,
    /// The directory of network configurations. Default: [`DEFAULT_CONF_DIR`].
    pub conf_dir: PathBuf,
    /// What the names of interfaces begin with; a number follows. Default: `eth`.
    pub interface_prefix: String,
    /// How many networks must be loaded before containers can be set up, loopback included. Default: one, and one
    /// more with loopback.
    pub min_networks: Option<usize>,
    /// How many networks are taken from a directory at most; 0 is all of them. Default: 0.
    pub max_networks: usize,
    /// Whether containers get a loopback interface that is up, before everything else. Default: yes.
    pub loopback: bool,
    /// Who brings it up. Default: [`LoopbackPlugin::Auto`].
    pub loopback_plugin: LoopbackPlugin,
    /// Whether a container is attached to its networks at the same time. Default: no, one after the other, as the
    /// specification asks.
    pub parallel: bool,
    /// Whether a set-up that fails detaches the container from the networks again. Default: yes.
    pub undo: bool,
    /// How long that may take. Default: 30 s.
    pub undo_timeout: Duration,
    /// Whether a set-up looks for the network namespace before it runs a plugin. Default: yes. For hosts whose plugins
    /// understand something else than a path by it.
    pub check_netns: bool,
}

impl Default for NetworksOptions {
    fn default() -> NetworksOptions {
        NetworksOptions {
            sources: Vec::new(),
            conf_dir: PathBuf::from(DEFAULT_CONF_DIR),
            interface_prefix: String::from("eth"),
            min_networks: None,
            max_networks: 0,
            loopback: true,
            loopback_plugin: LoopbackPlugin::Auto,
            parallel: false,
            undo: true,
            undo_timeout: Duration::from_secs(30),
            check_netns: true,
        }
    }
}

/// Who brings the loopback interface up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoopbackPlugin {
    /// The program `loopback` where there is one in the plugin directories, else this library itself.
    #[default]
    Auto,
    /// This library itself, without a program.
    Builtin,
    /// The program.
    Program,
}

/// One place that networks come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The place.
    pub origin: Origin,
    /// The number in the name of the interface, for a source of one network. Default: its place among all networks
    /// but loopback.
    pub index: Option<usize>,
}

impl From<Origin> for Source {
    fn from(origin: Origin) -> Source {
        Source { origin, index: None }
    }
}

/// What kind of place networks come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The `.conflist`, `.conf` and `.json` files of a directory, in file name order.
    Dir {
        /// The directory; `None` is the one of the options.
        path: Option<PathBuf>,
        /// How many of them.
        load: DirLoad,
    },
    /// A file with one plugin's configuration.
    ConfFile(PathBuf),
    /// A file with a list.
    ConfListFile(PathBuf),
    /// The text of one plugin's configuration.
    Conf(String),
    /// The text of a list.
    ConfList(String),
}

/// How many networks of a directory are loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DirLoad {
    /// The first one.
    #[default]
    Default,
    /// All, or as many as `max_networks` says.
    All,
}

impl NetworksOptions {
    /// Reads the options of `libcni_networks_new`.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`](crate::Status::InvalidArgument), with the key and the place.
    pub fn from_json(text: &str) -> Result<NetworksOptions> {
        shape::read("networks options", text)
    }
}

impl Shape for NetworksOptions {
    fn read(value: Value<'_>) -> shape::Result<NetworksOptions> {
        let mut options = NetworksOptions::default();
        shape::object(
            value,
            &mut [
                Member::new("sources", &mut options.sources),
                Member::new("confDir", &mut options.conf_dir),
                Member::new("interfacePrefix", &mut options.interface_prefix),
                Member::new("minNetworks", &mut options.min_networks),
                Member::new("maxNetworks", &mut options.max_networks),
                Member::new("loopback", &mut options.loopback),
                Member::new("loopbackPlugin", &mut options.loopback_plugin),
                Member::new("parallel", &mut options.parallel),
                Member::new("undo", &mut options.undo),
                Member::new("undoTimeoutMs", &mut options.undo_timeout),
                Member::new("checkNetns", &mut options.check_netns),
            ],
        )?;
        Ok(options)
    }
}

impl Shape for LoopbackPlugin {
    fn read(value: Value<'_>) -> shape::Result<LoopbackPlugin> {
        let plugins = [LoopbackPlugin::Auto, LoopbackPlugin::Builtin, LoopbackPlugin::Program];
        shape::word(value, &["auto", "builtin", "program"]).map(|index| plugins[index])
    }
}

impl Shape for DirLoad {
    fn read(value: Value<'_>) -> shape::Result<DirLoad> {
        shape::word(value, &["default", "all"]).map(|index| [DirLoad::Default, DirLoad::All][index])
    }
}

impl Source {
    /// Reads the sources of `libcni_networks_load`: an array.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`](crate::Status::InvalidArgument), with the key and the place.
    pub fn list_from_json(text: &str) -> Result<Vec<Source>> {
        shape::read("sources", text)
    }
}

impl Shape for Source {
    fn read(value: Value<'_>) -> shape::Result<Source> {
        let mut source = None;
        value.find(Wanted::Object, "an object", &mut |found| {
            if let Found::Object(object) = found {
                source = Some(Source::of(object)?);
            }
            Ok(())
        })?;
        source.ok_or_else(|| serde_json::Error::custom("a source is an object"))
    }
}

impl Source {
    fn of(object: &mut dyn Members) -> shape::Result<Source> {
        let (mut dir, mut load, mut conf_file, mut conf_list_file) = (None, None, None, None);
        let (mut conf, mut conf_list, mut index) = (None::<Box<RawValue>>, None::<Box<RawValue>>, None);
        let mut members = [
            Member::new("dir", &mut dir),
            Member::new("load", &mut load),
            Member::new("confFile", &mut conf_file),
            Member::new("confListFile", &mut conf_list_file),
            Member::new("conf", &mut conf),
            Member::new("confList", &mut conf_list),
            Member::new("index", &mut index),
        ];
        shape::read_members(object, &mut members, true)?;
        let of_dir = dir.is_some() || load.is_some();
        let origins = [
            of_dir.then(|| Origin::Dir { path: dir, load: load.unwrap_or_default() }),
            conf_file.map(Origin::ConfFile),
            conf_list_file.map(Origin::ConfListFile),
            conf.map(|text| Origin::Conf(exact_text(&text))),
            conf_list.map(|text| Origin::ConfList(exact_text(&text))),
        ];
        let mut origins = origins.into_iter().flatten();
        let problem = match (origins.next(), origins.next()) {
            (Some(Origin::Dir { .. }), None) if index.is_some() => {
                "`index` is for a source of one network, not for a directory"
            }
            (Some(origin), None) => return Ok(Source { origin, index }),
            (None, _) => "a source is one of `dir`, `confFile`, `confListFile`, `conf` and `confList`",
            (Some(_), Some(_)) => {
                "a source is only one of `dir`, `confFile`, `confListFile`, `conf` and `confList`"
            }
        };
        Err(serde_json::Error::custom(problem))
    }
}

/// A configuration as an object is its own text; as a string it is the text inside.
fn exact_text(value: &RawValue) -> String {
    match serde_json::from_str::<String>(value.get()) {
        Ok(text) => text,
        Err(_) => value.get().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_source_is_one_thing() {
        let sources = |text: &str| Source::list_from_json(text);
        assert_eq!(
            sources(r#"[{"dir":"/a"},{"load":"all"},{"confListFile":"/b","index":3},{"conf":{"a": 1}},{"confList":"{ }"}]"#)
                .unwrap(),
            [
                Origin::Dir { path: Some("/a".into()), load: DirLoad::Default }.into(),
                Origin::Dir { path: None, load: DirLoad::All }.into(),
                Source { origin: Origin::ConfListFile("/b".into()), index: Some(3) },
                Origin::Conf(r#"{"a": 1}"#.into()).into(),
                Origin::ConfList("{ }".into()).into(),
            ]
        );
        let wrong = |text: &str| sources(text).unwrap_err().message().to_owned();
        assert!(wrong(r#"[{}]"#).contains("a source is one of `dir`"), "{}", wrong("[{}]"));
        assert!(wrong(r#"[{"conf":{},"dir":"/a"}]"#).contains("only one of"));
        assert!(wrong(r#"[{"dir":"/a","index":1}]"#).contains("not for a directory"));
        assert!(wrong(r#"[{"file":"/a"}]"#).contains("unknown field `file`"));
        assert!(wrong(r#"{}"#).contains("invalid sources"));
    }

    #[test]
    fn options_have_defaults_and_no_unknown_keys() {
        let options = NetworksOptions::from_json("{}").unwrap();
        assert!(options.loopback && options.undo && !options.parallel && options.sources.is_empty());
        let wrong = NetworksOptions::from_json(r#"{"loopbackPlugin":"none"}"#).unwrap_err();
        assert!(wrong.message().contains("loopbackPlugin: unknown variant `none`"), "{wrong}");
    }
}
