//! The private host: its plugins, its cache and leases, its containers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use cni::cni::{CachedConfig, GcArgs};
use cni::{CacheDir, Cni, CniOptions, Context, NetworkConfigList, Result, RuntimeConf, conf, version};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::netns::Netns;
use crate::sandbox::skip;
use crate::sys;

pub const IPV4: &[&str] = &["10.20.0.0/24"];
pub const IPV6: &[&str] = &["fd20::/64"];
pub const BOTH: &[&str] = &["10.20.0.0/24", "fd20::/64"];

/// A machine of its own, made of namespaces, with a CNI runtime.
pub struct Host {
    pub plugins: PathBuf,
    pub cni: Cni,
    pub net: Netns,
    dir: PathBuf,
    version: String,
}

/// A container: its name, and a network namespace.
pub struct Container {
    pub id: String,
    pub net: Netns,
}

impl Host {
    /// Makes a host of the namespaces that this process was started in.
    pub fn enter(plugins: PathBuf) -> Host {
        let forbidden =
            |what: &str, error: std::io::Error| skip(format!("{what} is forbidden here: {error}"));
        sys::make_mounts_private().unwrap_or_else(|error| forbidden("a private mount", error));
        // Takes what plugins and their programs leave behind, and hides the machine's daemons from them.
        sys::mount_memory(Path::new("/run")).unwrap_or_else(|error| forbidden("memory on /run", error));
        let forward = "/proc/sys/net/ipv4/ip_forward";
        fs::write(forward, "0").unwrap_or_else(|error| forbidden(&format!("writing {forward}"), error));
        for what in ["default", "all"] {
            // An IPv6 address can then be used at once. There is no such file without IPv6.
            let _ = fs::write(format!("/proc/sys/net/ipv6/conf/{what}/accept_dad"), "0");
        }
        let dir = PathBuf::from("/run/real_plugins");
        fs::create_dir(&dir).expect("a directory in memory");
        let cni = Cni::new(options(&plugins, &dir));
        let versions =
            cni.get_version_info(&Context::background(), "bridge").expect("the bridge plugin answers");
        let known = |version: &&String| version::ALL.contains(&version.as_str());
        let version = versions.supported_versions.iter().rfind(known).expect("a known version").clone();
        let host = Host { plugins, cni, net: Netns::host(), dir, version };
        host.needs("ip", "iproute2");
        host.net.run("ip link set lo up");
        host
    }

    pub fn options(&self) -> CniOptions {
        options(&self.plugins, &self.dir)
    }

    /// The newest version of the specification that the plugins speak.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Skips the test where a program is missing.
    pub fn needs(&self, program: &str, package: &str) {
        let found =
            Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if found.is_err() {
            skip(format!("{program} is not installed (Debian: {package})"));
        }
    }

    /// Skips the test where the kernel cannot do what this command asks for; `undo` takes it back.
    pub fn needs_kernel(&self, what: &str, command: &str, undo: &str) {
        if let Err(error) = self.net.try_run(command) {
            skip(format!("this kernel has no {what}: {}", error.trim()));
        }
        self.net.run(undo);
    }

    pub fn needs_iptables(&self) {
        self.needs("iptables-save", "iptables");
        for list in ["iptables -t nat -n -L", "ip6tables -t nat -n -L"] {
            self.needs_kernel("iptables", list, "true");
        }
    }

    pub fn needs_nftables(&self) {
        self.needs("nft", "nftables");
        self.needs_kernel("nftables", "nft --check add table inet probe", "true");
    }

    pub fn needs_traffic_control(&self) {
        self.needs("tc", "iproute2");
        self.needs_kernel("ifb", "ip link add probe type ifb", "ip link del probe");
        let tbf = "tc qdisc add dev lo root tbf rate 1mbit burst 32kbit latency 400ms";
        self.needs_kernel("tbf", tbf, "tc qdisc del dev lo root");
    }

    pub fn container(&self, id: &str) -> Container {
        Container { id: id.into(), net: Netns::create(id) }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The network `net` in the newest version that the plugins speak.
    pub fn network(&self, plugins: &[Value]) -> NetworkConfigList {
        self.network_in(&self.version, plugins)
    }

    pub fn network_in(&self, version: &str, plugins: &[Value]) -> NetworkConfigList {
        self.named_network("net", version, plugins)
    }

    pub fn named_network(&self, name: &str, version: &str, plugins: &[Value]) -> NetworkConfigList {
        let list = json!({ "cniVersion": version, "name": name, "plugins": plugins });
        conf::network_conf_from_bytes(list.to_string().as_bytes()).expect("a network configuration")
    }

    /// A bridge that is the containers' gateway, with addresses of these networks.
    pub fn bridge(&self, subnets: &[&str]) -> Value {
        json!({
            "type": "bridge", "bridge": "cni0", "isGateway": true, "isDefaultGateway": true,
            "ipam": self.host_local(subnets),
        })
    }

    pub fn host_local(&self, subnets: &[&str]) -> Value {
        if subnets.iter().any(|subnet| subnet.contains(':')) && !Path::new("/proc/sys/net/ipv6").exists() {
            skip("this kernel has no IPv6");
        }
        let ranges: Vec<_> = subnets.iter().map(|subnet| json!([{ "subnet": subnet }])).collect();
        json!({ "type": "host-local", "dataDir": self.path("leases"), "ranges": ranges })
    }

    /// The leases of host-local: address, and whose it is, sorted by address.
    pub fn leases(&self) -> Vec<(String, String)> {
        self.leases_of("net")
    }

    pub fn leases_of(&self, network: &str) -> Vec<(String, String)> {
        let Ok(files) = fs::read_dir(self.path("leases").join(network)) else { return Vec::new() };
        let mut leases: Vec<_> = files
            .map(|file| file.expect("a file"))
            .map(|file| (file.file_name().to_string_lossy().into_owned(), file.path()))
            .filter(|(name, _)| name.parse::<std::net::IpAddr>().is_ok())
            .map(|(name, path)| (name, fs::read_to_string(path).expect("a lease").replace("\r\n", " ")))
            .collect();
        leases.sort();
        leases
    }

    /// The names of the cache's files.
    pub fn cached(&self) -> Vec<String> {
        let Ok(files) = fs::read_dir(self.path("cache/results")) else { return Vec::new() };
        let mut names: Vec<_> =
            files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// ADD, which has to succeed; its result as JSON.
    pub fn add(&self, list: &NetworkConfigList, rt: &RuntimeConf) -> Value {
        let result = self.try_add(list, rt).unwrap_or_else(|error| panic!("ADD: {}", error.to_json()));
        assert_eq!(result["cniVersion"], list.cni_version(), "the result has the network's version");
        result
    }

    pub fn try_add(&self, list: &NetworkConfigList, rt: &RuntimeConf) -> Result<Value> {
        let result = self.cni.add_network_list(&Context::background(), list, rt)?;
        Ok(serde_json::from_str(&result.to_json()).expect("a result is JSON"))
    }

    pub fn check(&self, list: &NetworkConfigList, rt: &RuntimeConf) {
        self.try_check(list, rt).unwrap_or_else(|error| panic!("CHECK: {}", error.to_json()));
    }

    /// CHECK of a network with port mappings. portmap before 1.3 looks for the rules of both families when a
    /// container has one (containernetworking/plugins#819) and cannot succeed where ip6tables is installed.
    /// Plugins do not tell their release, but that old they speak at most 1.0.0.
    pub fn check_with_portmap(&self, list: &NetworkConfigList, rt: &RuntimeConf) {
        self.accept_portmap_defect(self.try_check(list, rt));
    }

    pub fn accept_portmap_defect(&self, outcome: Result<()>) {
        if let Err(error) = outcome {
            let of_portmap = error.facts().plugin.as_deref() == Some("portmap");
            let known = ["could not check ipv4 dnat: ", "could not check ipv6 dnat: "];
            let known = known.iter().any(|start| error.message().starts_with(start));
            assert!(self.version != "1.1.0" && of_portmap && known, "CHECK: {}", error.to_json());
        }
    }

    pub fn try_check(&self, list: &NetworkConfigList, rt: &RuntimeConf) -> Result<()> {
        self.cni.check_network_list(&Context::background(), list, rt)
    }

    /// DEL, twice: deleting what is not there succeeds.
    pub fn del(&self, list: &NetworkConfigList, rt: &RuntimeConf) {
        for time in ["DEL", "second DEL"] {
            self.try_del(list, rt).unwrap_or_else(|error| panic!("{time}: {}", error.to_json()));
        }
    }

    pub fn try_del(&self, list: &NetworkConfigList, rt: &RuntimeConf) -> Result<()> {
        self.cni.del_network_list(&Context::background(), list, rt)
    }

    /// GC; valid attachments are container ids with `eth0`.
    pub fn gc(&self, list: &NetworkConfigList, valid: &[&str]) {
        let valid: Vec<_> = valid.iter().map(|id| json!({ "containerId": id, "ifName": "eth0" })).collect();
        let args = GcArgs::from_json(&json!({ "validAttachments": valid }).to_string()).expect("arguments");
        self.cni
            .gc_network_list(&Context::background(), list, &args)
            .unwrap_or_else(|error| panic!("GC: {}", error.to_json()));
    }

    pub fn status(&self, list: &NetworkConfigList) -> Result<()> {
        self.cni.get_status_network_list(&Context::background(), list)
    }

    pub fn cached_result(&self, list: &NetworkConfigList, rt: &RuntimeConf) -> Option<Value> {
        let result = self.cni.get_network_list_cached_result(list, rt).expect("the cache can be read");
        result.map(|result| serde_json::from_str(&result.to_json()).expect("a result is JSON"))
    }

    pub fn cached_config(&self, list: &NetworkConfigList, rt: &RuntimeConf) -> Option<CachedConfig> {
        self.cni.get_network_list_cached_config(list, rt).expect("the cache can be read")
    }
}

fn options(plugins: &Path, dir: &Path) -> CniOptions {
    CniOptions {
        plugin_dirs: vec![plugins.to_owned()],
        cache_dir: CacheDir::At(dir.join("cache")),
        // Bounds a plugin that hangs; nothing waits for this to pass.
        timeout: Some(Duration::from_secs(60)),
        ..CniOptions::default()
    }
}

impl Container {
    /// What a runtime says of the container: `eth0` in its namespace.
    pub fn rt(&self) -> RuntimeConf {
        RuntimeConf {
            container_id: self.id.clone(),
            netns: self.net.path().into(),
            if_name: "eth0".into(),
            ..RuntimeConf::default()
        }
    }

    /// The same with an argument of a capability.
    pub fn rt_with(&self, capability: &str, argument: &Value) -> RuntimeConf {
        let argument = RawValue::from_string(argument.to_string()).expect("JSON");
        RuntimeConf { capability_args: [(capability.to_owned(), argument)].into(), ..self.rt() }
    }

    /// The same with `CNI_ARGS`.
    pub fn rt_with_args(&self, args: &[(&str, &str)]) -> RuntimeConf {
        let owned = |(key, value): &(&str, &str)| (String::from(*key), String::from(*value));
        RuntimeConf { args: args.iter().map(owned).collect(), ..self.rt() }
    }

    /// The host's end of the container's veth pair, as the kernel pairs them.
    pub fn peer(&self, host: &Netns) -> String {
        let index = self.net.link("eth0").expect("eth0")["link_index"].clone();
        let links = host.links();
        let peer = links.iter().find(|link| link["ifindex"] == index).expect("a peer on the host");
        peer["ifname"].as_str().expect("a name").to_owned()
    }
}

/// The addresses in a result, without their prefix lengths.
pub fn ips(result: &Value) -> Vec<String> {
    let ips = result["ips"].as_array().expect("a result has addresses");
    let address = |ip: &Value| {
        let (address, _) = ip["address"].as_str()?.split_once('/')?;
        Some(address.to_owned())
    };
    ips.iter().map(|ip| address(ip).expect("an address")).collect()
}
