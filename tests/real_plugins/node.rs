//! The private host as a node with a directory of network configurations.

use std::fs;
use std::path::PathBuf;

use cni::networks::{Container, DirLoad, Networks, NetworksOptions, Origin, SetupResult};
use cni::{Cni, Context, Error};
use serde_json::{Value, json};

use crate::host::{self, Host};

impl Host {
    /// The directory of configurations.
    pub fn conf_dir(&self) -> PathBuf {
        let dir = self.path("net.d");
        fs::create_dir_all(&dir).expect("a directory for configurations");
        dir
    }

    /// A file with a network, in the newest version that the plugins speak. It appears at once.
    pub fn put(&self, file: &str, name: &str, plugins: &[Value]) {
        let list = json!({ "cniVersion": self.version(), "name": name, "plugins": plugins });
        let aside = self.path(&format!("{file}.aside"));
        fs::write(&aside, list.to_string()).expect("a file aside");
        fs::rename(aside, self.conf_dir().join(file)).expect("a file of the directory");
    }

    /// All networks of that directory; `change` the options.
    pub fn networks(&self, change: impl FnOnce(&mut NetworksOptions)) -> Networks {
        self.networks_by(self.cni.clone(), change)
    }

    pub fn networks_by(&self, cni: Cni, change: impl FnOnce(&mut NetworksOptions)) -> Networks {
        let mut options = NetworksOptions {
            conf_dir: self.conf_dir(),
            sources: vec![Origin::Dir { path: None, load: DirLoad::All }.into()],
            ..NetworksOptions::default()
        };
        change(&mut options);
        Networks::new(cni, options).unwrap_or_else(|error| panic!("{}", error.to_json()))
    }

    /// A bridge of that name with the addresses of `10.<number>.0.0/24`, which is the gateway of its containers.
    pub fn numbered_bridge(&self, number: u8) -> Value {
        json!({
            "type": "bridge", "bridge": format!("br{number}"), "isGateway": true,
            "ipam": self.host_local(&[&format!("10.{number}.0.0/24")]),
        })
    }

    /// The names of the host's interfaces but for `lo`.
    pub fn interfaces(&self) -> Vec<String> {
        self.net.link_names().into_iter().filter(|name| name != "lo").collect()
    }

    /// Every lease of host-local, of whatever network.
    pub fn all_leases(&self) -> Vec<(String, String)> {
        let Ok(networks) = fs::read_dir(self.path("leases")) else { return Vec::new() };
        let names = networks.map(|network| network.expect("a directory").file_name());
        names.flat_map(|name| self.leases_of(&name.to_string_lossy())).collect()
    }
}

impl host::Container {
    /// What a runtime says of it.
    pub fn of_networks(&self) -> Container {
        Container { container_id: self.id.clone(), netns: self.net.path().into(), ..Container::default() }
    }

    pub fn lo_is_up(&self) -> bool {
        let lo = self.net.link("lo").expect("lo");
        lo["flags"].as_array().expect("flags").contains(&json!("UP"))
    }
}

pub fn set_up(networks: &Networks, container: &host::Container) -> SetupResult {
    networks
        .setup(&Context::background(), &container.of_networks())
        .unwrap_or_else(|error| panic!("set-up: {}", error.to_json()))
}

pub fn remove(networks: &Networks, container: &host::Container) {
    networks
        .remove(&Context::background(), &container.of_networks())
        .unwrap_or_else(|error| panic!("removal: {}", error.to_json()));
}

pub fn fails(networks: &Networks, container: &host::Container) -> Error {
    networks.setup(&Context::background(), &container.of_networks()).expect_err("a set-up that fails")
}

/// The networks that the causes of an error are about.
pub fn blamed(error: &Error) -> Vec<&str> {
    error
        .facts()
        .causes
        .iter()
        .map(|cause| cause.facts().attachment.as_ref().expect("an attachment").network_name.as_str())
        .collect()
}
