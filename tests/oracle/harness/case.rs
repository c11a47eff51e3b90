//! What a case is.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A world and what is done in it, step by step. All paths are relative to the world's root.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Case {
    /// Whether this library takes its locks: it must not matter.
    #[serde(skip_serializing_if = "is_default")]
    pub locking: bool,
    /// The directories in which plugins are searched.
    pub dirs: Vec<String>,
    pub programs: Vec<Program>,
    /// What plugins do: by type, then by command.
    pub scripts: BTreeMap<String, BTreeMap<String, Script>>,
    pub files: Vec<File>,
    pub steps: Vec<Step>,
}

impl Case {
    /// The text of its file.
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).expect("a case is JSON")
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A plugin's program.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Program {
    pub dir: String,
    pub name: String,
    pub executable: bool,
}

/// What one plugin does for one command, in the words of `plugin.c`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Script {
    #[serde(skip_serializing_if = "is_default")]
    pub out: Blob,
    #[serde(skip_serializing_if = "is_default")]
    pub err: Blob,
    #[serde(skip_serializing_if = "is_default")]
    pub end: String,
}

/// A file, or a directory where `content` is null, that is there before the first step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct File {
    pub path: String,
    pub content: Option<Blob>,
    /// Whether its last change is an hour ago.
    pub old: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    #[default]
    Load,
    Add,
    Check,
    Del,
    CachedResult,
    CachedConfig,
    Attachments,
    Validate,
    Gc,
    Status,
    Version,
    ConfFiles,
    Inject,
    Convert,
}

/// One call.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Step {
    pub op: Op,
    pub source: Source,
    pub rt: Runtime,
    /// The cache directory of the handle; empty for none.
    #[serde(skip_serializing_if = "is_default")]
    pub cache_dir: String,
    #[serde(skip_serializing_if = "is_default")]
    pub trace: Option<Trace>,
    #[serde(skip_serializing_if = "is_default")]
    pub valid: Option<Vec<Valid>>,
    #[serde(skip_serializing_if = "is_default")]
    pub plugin: String,
    #[serde(skip_serializing_if = "is_default")]
    pub container: String,
    #[serde(skip_serializing_if = "is_default")]
    pub version: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, Box<RawValue>>,
    #[serde(skip_serializing_if = "is_default")]
    pub extensions: Vec<String>,
}

/// Where a step's configuration comes from.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Source {
    pub form: Form,
    #[serde(skip_serializing_if = "is_default")]
    pub bytes: Blob,
    #[serde(skip_serializing_if = "is_default")]
    pub path: String,
    #[serde(skip_serializing_if = "is_default")]
    pub name: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    #[default]
    List,
    Single,
    /// A single configuration, made a list.
    Wrapped,
    File,
    Dir,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Runtime {
    #[serde(skip_serializing_if = "is_default")]
    pub container_id: String,
    #[serde(skip_serializing_if = "is_default")]
    pub netns: String,
    #[serde(skip_serializing_if = "is_default")]
    pub if_name: String,
    #[serde(skip_serializing_if = "is_default")]
    pub cni_args: Vec<(String, String)>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub capability_args: BTreeMap<String, Box<RawValue>>,
    #[serde(skip_serializing_if = "is_default")]
    pub cache_dir: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trace {
    #[serde(skip_serializing_if = "is_default")]
    pub traceparent: String,
    #[serde(skip_serializing_if = "is_default")]
    pub tracestate: String,
    #[serde(skip_serializing_if = "is_default")]
    pub baggage: String,
}

/// An attachment that GC keeps, spelled as on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Valid {
    #[serde(rename = "containerID")]
    pub container_id: String,
    #[serde(rename = "ifname")]
    pub if_name: String,
}

/// Bytes that mostly are text, and are written as text when they are.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Blob(pub Vec<u8>);

impl From<&str> for Blob {
    fn from(text: &str) -> Blob {
        Blob(text.as_bytes().to_owned())
    }
}

impl From<String> for Blob {
    fn from(text: String) -> Blob {
        Blob(text.into_bytes())
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => {
                let hex = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
                BTreeMap::<_, String>::from([("hex", hex)]).serialize(serializer)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Blob, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Shape {
            Text(String),
            Bytes { hex: String },
        }
        Ok(match Shape::deserialize(deserializer)? {
            Shape::Text(text) => Blob(text.into_bytes()),
            Shape::Bytes { hex } => {
                let byte = |at| u8::from_str_radix(hex.get(at..at + 2).unwrap_or_default(), 16);
                let bytes: Result<_, _> = (0..hex.len()).step_by(2).map(byte).collect();
                Blob(bytes.map_err(serde::de::Error::custom)?)
            }
        })
    }
}
