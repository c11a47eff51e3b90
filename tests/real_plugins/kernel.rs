//! What the kernel says: links, addresses, routes, sysctls, packet filters, queueing disciplines.

use serde_json::Value;

use crate::netns::Netns;

impl Netns {
    fn json(&self, command: &str) -> Vec<Value> {
        let text = self.run(command);
        // Nothing to list is printed as nothing by some versions.
        if text.trim().is_empty() {
            return Vec::new();
        }
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{command}: {error}: {text}"))
    }

    /// The interfaces, with everything that `ip` tells of them.
    pub fn links(&self) -> Vec<Value> {
        self.json("ip -details -json link show")
    }

    pub fn link(&self, name: &str) -> Option<Value> {
        self.links().into_iter().find(|link| link["ifname"] == name)
    }

    /// The names of all interfaces, sorted.
    pub fn link_names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.links().iter().map(|link| string(&link["ifname"])).collect();
        names.sort();
        names
    }

    /// The addresses of an interface as CIDR text, sorted; without those that the kernel gives by itself.
    pub fn addresses(&self, name: &str) -> Vec<String> {
        let mut addresses: Vec<_> = self
            .json(&format!("ip -json address show dev {name}"))
            .iter()
            .flat_map(|link| link["addr_info"].as_array().cloned().unwrap_or_default())
            .filter(|address| address["scope"] != "link")
            .map(|address| format!("{}/{}", string(&address["local"]), address["prefixlen"]))
            .collect();
        addresses.sort();
        addresses
    }

    /// The routes of a family (`-4`, `-6`) as `destination via gateway`, without the kernel's own.
    pub fn routes(&self, family: &str) -> Vec<String> {
        let mut routes: Vec<_> = self
            .json(&format!("ip {family} -json route show"))
            .iter()
            .filter(|route| route["protocol"] != "kernel")
            .map(|route| match route["gateway"].as_str() {
                Some(gateway) => format!("{} via {gateway}", string(&route["dst"])),
                None => string(&route["dst"]),
            })
            .collect();
        routes.sort();
        routes
    }

    /// A value below `/proc/sys/net`, by its path there. An interface's name may have dots, so the path
    /// has none in place of its slashes.
    pub fn sysctl(&self, key: &str) -> String {
        self.run(&format!("cat /proc/sys/net/{key}")).trim().to_owned()
    }

    /// The kinds of queueing disciplines of an interface, with their options.
    pub fn qdiscs(&self, name: &str) -> Vec<Value> {
        self.json(&format!("tc -json qdisc show dev {name}"))
    }

    /// The rules (not the chains) of iptables that have `text`.
    pub fn iptables(&self, save: &str, text: &str) -> Vec<String> {
        let rules = self.run(save);
        let is_rule = |line: &&str| line.starts_with("-A") && line.contains(text);
        rules.lines().filter(is_rule).map(str::to_owned).collect()
    }

    /// The rules of nftables that have `text`.
    pub fn nftables(&self, text: &str) -> Vec<String> {
        let rules = self.run("nft list ruleset");
        rules.lines().map(str::trim).filter(|line| line.contains(text)).map(str::to_owned).collect()
    }
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is not a string")).to_owned()
}
