//! libcni runs the plugins of the Container Network Interface (CNI) for container runtimes: it attaches
//! containers to networks, remembers how, checks, deletes and garbage-collects the attachments.
//!
//! ```no_run
//! use cni::{Cni, CniOptions, Context, RuntimeConf, conf};
//! use std::time::Duration;
//!
//! # fn main() -> cni::Result<()> {
//! let cni = Cni::new(CniOptions::default());
//! let list = conf::load_network_conf("/etc/cni/net.d".as_ref(), "mynet")?;
//! let rt = RuntimeConf {
//!     container_id: "c1".into(),
//!     netns: "/run/netns/c1".into(),
//!     if_name: "eth0".into(),
//!     ..RuntimeConf::default()
//! };
//! let result = cni.add_network_list(&Context::with_timeout(Duration::from_secs(30))?, &list, &rt)?;
//! println!("{}", result.to_json());
//! # Ok(())
//! # }
//! ```
//!
//! # The house
//!
//! | module | what lives there |
//! |---|---|
//! | [`mod@cni`] | [`Cni`]: the operations |
//! | [`conf`] | from files and bytes to a network configuration; one plugin's request |
//! | [`exec`] | the [`Exec`](exec::Exec) trait; finding a plugin; its environment; running the process |
//! | [`plugin`] | the other side: writing a plugin, as a program and inside the process |
//! | [`cache`] | attachments on disk: names, format, atomic store, locks |
//! | [`types`] | the data model: configurations, results, attachments |
//! | [`context`] | [`Context`]: deadline, cancellation, trace ids |
//! | [`version`] | versions of the specification |
//! | `capi` | the C ABI (feature `capi`) |
//!
//! Who may know whom: `capi` → `cni` → `plugin`, `conf`, `cache` → `exec` → `types`, `version`, `context`, errors.
//! Nothing points back up.

pub mod cache;
#[cfg(feature = "capi")]
mod capi;
pub mod cni;
pub mod conf;
pub mod context;
mod descriptor;
mod error;
pub mod exec;
pub mod networks;
mod parallel;
pub mod plugin;
mod text;
mod thread;
pub mod types;
pub mod version;

pub use cni::{CacheDir, Cni, CniOptions};
pub use context::{Context, ContextOptions};
pub use error::{Error, Facts, Result, Status, code};
pub use types::attachment::{Attachment, AttachmentFilter, AttachmentKey};
pub use types::network::{NetworkConfigList, PluginConfig};
pub use types::result::CniResult;
pub use types::runtime::RuntimeConf;
