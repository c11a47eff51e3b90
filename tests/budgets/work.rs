//! The operations that are counted, with real plugin processes and a cache on disk.

use std::path::Path;

use cni::types::attachment::AttachmentFilter;
use cni::{CacheDir, Cni, CniOptions, Context, NetworkConfigList, RuntimeConf, conf};
use serde_json::json;

use crate::allocations;

/// What one cycle does, in this order.
pub const OPERATIONS: [&str; 8] = [
    "ADD of 1 plugin",
    "CHECK of 1 plugin",
    "DEL of 1 plugin",
    "ADD of 3 plugins",
    "CHECK of 3 plugins",
    "DEL of 3 plugins",
    "cached result",
    "attachments of 1 in 50",
];

/// The cycles that are counted; one before them fills what is filled once.
pub const CYCLES: usize = 12;

/// Does the work in `directory`, which has the plugin at `bin/trivial`, and prints for each operation, in order, how many
/// allocations it made. Around each operation the process asks for its parent: `getppid` tells them apart in a trace.
pub fn operate(directory: &Path) {
    let work = Work::new(directory);
    let mut allocated = Vec::new();
    for cycle in 0..=CYCLES {
        for operation in OPERATIONS {
            let count = work.once(operation);
            if cycle > 0 {
                allocated.push(count);
            }
        }
    }
    allocated.iter().for_each(|count| println!("{count}"));
}

struct Work {
    cni: Cni,
    context: Context,
    one: NetworkConfigList,
    three: NetworkConfigList,
    /// Whose attachments come and go.
    rt: RuntimeConf,
    /// Who stays attached, among others.
    staying: RuntimeConf,
}

impl Work {
    fn new(directory: &Path) -> Work {
        let options = CniOptions {
            plugin_dirs: vec![directory.join("bin")],
            cache_dir: CacheDir::At(directory.join("cache")),
            ..CniOptions::default()
        };
        let work = Work {
            cni: Cni::new(options),
            context: Context::background(),
            one: network(1),
            three: network(3),
            rt: container("counted"),
            staying: container("staying25"),
        };
        for number in 0..50 {
            work.add(&work.one, &container(&format!("staying{number}")));
        }
        work
    }

    fn add(&self, list: &NetworkConfigList, rt: &RuntimeConf) {
        self.cni.add_network_list(&self.context, list, rt).unwrap();
    }

    fn once(&self, operation: &str) -> u64 {
        let list = if operation.contains('3') { &self.three } else { &self.one };
        let filter =
            AttachmentFilter { container_id: Some("staying25".to_owned()), ..AttachmentFilter::default() };
        let _ = std::os::unix::process::parent_id();
        let (allocated, ()) = allocations::during(|| match operation.split(' ').next() {
            Some("ADD") => self.add(list, &self.rt),
            Some("CHECK") => self.cni.check_network_list(&self.context, list, &self.rt).unwrap(),
            Some("DEL") => self.cni.del_network_list(&self.context, list, &self.rt).unwrap(),
            Some("cached") => {
                assert!(self.cni.get_network_list_cached_result(list, &self.staying).unwrap().is_some());
            }
            _ => assert_eq!(self.cni.get_cached_attachments(&filter).unwrap().len(), 1),
        });
        let _ = std::os::unix::process::parent_id();
        allocated
    }
}

fn network(plugins: usize) -> NetworkConfigList {
    let plugin = json!({
        "type": "trivial", "bridge": "cni0", "isGateway": true, "ipMasq": true,
        "ipam": { "type": "host-local", "ranges": [[{ "subnet": "10.1.0.0/16" }]] },
    });
    let plugins = vec![plugin; plugins];
    let list = json!({ "cniVersion": "1.0.0", "name": format!("of{}", plugins.len()), "plugins": plugins });
    conf::network_conf_from_bytes(list.to_string().as_bytes()).unwrap()
}

fn container(id: &str) -> RuntimeConf {
    RuntimeConf {
        container_id: id.to_owned(),
        netns: "/run/netns/bench".to_owned(),
        if_name: "eth0".to_owned(),
        ..RuntimeConf::default()
    }
}
