//! The example plugins in chains with real ones: as programs in Rust and in C, inside the process, and run by the
//! original's `cnitool`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use cni::{Cni, CniOptions, Context, RuntimeConf};
use serde_json::{Value, json};

use crate::exchange;
use crate::host::{Container, Host};
use crate::sandbox::{self, As, note, skip};
use crate::{plugins, sys};

#[allow(dead_code)]
#[path = "../../examples/rust/plugins/fixed_ip.rs"]
mod fixed_ip;
#[path = "../../examples/rust/plugins/link_mtu.rs"]
mod link_mtu;
#[path = "../../examples/rust/plugins/meta.rs"]
mod meta;

rules! {
    both:
        programs_in_rust_make_a_network_with_the_bridge_plugin
        programs_in_c_make_a_network_with_the_bridge_plugin
        the_same_plugins_make_it_from_inside_the_process;
    newest:
        what_a_plugin_runs_ends_with_it;
}

const TYPES: [&str; 3] = ["fixed-ip", "link-mtu", "meta"];

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The directory of what cargo built beside this test.
pub fn built() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    this.parent().and_then(Path::parent).unwrap().to_owned()
}

pub fn succeeds(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A directory with the examples under their types.
fn rust_programs(host: &Host) -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root()).args(["build", "--quiet", "--offline", "--locked", "--examples"]);
    // In a run of all tests they are there already; in a run of this one alone they may be missing or old.
    succeeds(cargo.args(if cfg!(debug_assertions) { None } else { Some("--release") }));
    let dir = host.path("rust");
    fs::create_dir_all(&dir).unwrap();
    for name in TYPES {
        fs::copy(built().join("examples").join(name), dir.join(name)).unwrap();
    }
    dir
}

/// A directory with libcni.so under the names that it is linked and started by.
pub fn library_for_c(host: &Host) -> PathBuf {
    let (dir, library) = (host.path("c"), built().join("libcni.so"));
    fs::create_dir_all(&dir).unwrap();
    if !library.exists() {
        skip("libcni.so was not built");
    }
    for name in ["libcni.so", "libcni.so.0"] {
        std::os::unix::fs::symlink(&library, dir.join(name)).unwrap();
    }
    dir
}

fn c_programs(host: &Host) -> PathBuf {
    let dir = library_for_c(host);
    for name in TYPES {
        let source = root().join("examples/c/plugins").join(name.replace('-', "_")).with_extension("c");
        succeeds(
            Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()))
                .args(["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-o"])
                .arg(dir.join(name))
                .args(["include", "examples/c"].map(|dir| format!("-I{}", root().join(dir).display())))
                .arg(source)
                .arg(root().join("examples/c/json.c"))
                .args([
                    format!("-L{}", dir.display()),
                    "-lcni".into(),
                    format!("-Wl,-rpath,{}", dir.display()),
                ]),
        );
    }
    dir
}

fn chain() -> [Value; 2] {
    let ipam =
        json!({ "type": "fixed-ip", "addresses": [{ "address": "10.20.0.7/24", "gateway": "10.20.0.1" }] });
    let bridge = json!({ "type": "bridge", "bridge": "cni0", "isGateway": true, "ipam": ipam });
    [json!({ "type": "meta", "delegate": bridge }), json!({ "type": "link-mtu", "mtu": 1400 })]
}

fn with_dir(host: &Host, dir: PathBuf) -> CniOptions {
    let mut options = host.options();
    options.plugin_dirs.insert(0, dir);
    options
}

fn is_made(host: &Host, container: &Container) {
    assert_eq!(container.net.addresses("eth0"), ["10.20.0.7/24"]);
    assert_eq!(container.net.link("eth0").unwrap()["mtu"], 1400);
    exchange::reaches(&container.net, &host.net, "10.20.0.1");
}

/// ADD, CHECK, what CHECK finds, DEL: the result.
fn life(host: &Host, cni: &Cni) -> Value {
    let ctx = Context::background();
    let list = host.network(&chain());
    let container = host.container("c1");
    let rt = container.rt();
    cni.validate_network_list(&ctx, &list).unwrap();
    let result = cni.add_network_list(&ctx, &list, &rt).unwrap_or_else(|e| panic!("{}", e.to_json()));
    is_made(host, &container);
    cni.check_network_list(&ctx, &list, &rt).unwrap_or_else(|e| panic!("{}", e.to_json()));
    for _ in ["DEL", "second DEL"] {
        cni.del_network_list(&ctx, &list, &rt).unwrap_or_else(|e| panic!("{}", e.to_json()));
    }
    assert_eq!(container.net.link_names(), ["lo"]);
    container.net.remove();
    serde_json::from_str(&result.to_json()).unwrap()
}

fn programs_in_rust_make_a_network_with_the_bridge_plugin(host: &Host) {
    host.needs("nsenter", "util-linux");
    let cni = Cni::new(with_dir(host, rust_programs(host)));
    let result = life(host, &cni);
    assert_eq!(result["ips"][0]["address"], "10.20.0.7/24");
    let eth0 = result["interfaces"].as_array().unwrap().iter().find(|one| one["name"] == "eth0").unwrap();
    assert_eq!(eth0["mtu"], 1400);
    // What CHECK is for.
    let (list, container) = (host.network(&chain()), host.container("c2"));
    cni.add_network_list(&Context::background(), &list, &container.rt()).unwrap();
    container.net.run("ip link set eth0 mtu 1300");
    let error = cni.check_network_list(&Context::background(), &list, &container.rt()).unwrap_err();
    assert_eq!((error.code(), error.message()), (100, "eth0 has the mtu 1300, not 1400"));
    cni.del_network_list(&Context::background(), &list, &container.rt()).unwrap();
}

fn programs_in_c_make_a_network_with_the_bridge_plugin(host: &Host) {
    host.needs("nsenter", "util-linux");
    let result = life(host, &Cni::new(with_dir(host, c_programs(host))));
    assert_eq!(result["ips"][0]["address"], "10.20.0.7/24");
}

fn the_same_plugins_make_it_from_inside_the_process(host: &Host) {
    host.needs("nsenter", "util-linux");
    let dir = rust_programs(host);
    let as_programs = life(host, &Cni::new(with_dir(host, dir.clone())));
    // The bridge plugin is a program and finds its IPAM plugin among programs; the others need none.
    for name in ["link-mtu", "meta"] {
        fs::remove_file(dir.join(name)).unwrap();
    }
    let cni = Cni::new(with_dir(host, dir))
        .with_plugin("link-mtu", Arc::new(link_mtu::LinkMtu))
        .with_plugin("meta", Arc::new(meta::Meta));
    let home = fs::read_link("/proc/thread-self/ns/net").unwrap();
    let inside = life(host, &cni);
    assert_eq!(fs::read_link("/proc/thread-self/ns/net").unwrap(), home);
    assert_eq!(without_macs(inside), without_macs(as_programs));
    // An IPAM plugin that lives in the process serves a meta plugin that does.
    let cni = cni.with_plugin("fixed-ip", Arc::new(fixed_ip::FixedIp));
    let ipam = chain()[0]["delegate"]["ipam"].clone();
    let list = host.network(&[json!({ "type": "meta", "delegate": { "type": "fixed-ip", "ipam": ipam } })]);
    let rt = RuntimeConf { netns: "/run/netns/none".into(), ..host.container("c3").rt() };
    let result = cni.add_network_list(&Context::background(), &list, &rt).unwrap();
    assert!(result.to_json().contains("10.20.0.7/24"));
}

/// Every veth pair has addresses and a name of its own.
fn without_macs(mut result: Value) -> Value {
    for interface in result["interfaces"].as_array_mut().unwrap() {
        interface.as_object_mut().unwrap().remove("mac");
        if interface["name"].as_str().unwrap().starts_with("veth") {
            interface["name"] = json!("veth");
        }
    }
    result
}

/// A runtime ends a plugin by ending its process group: what the plugin delegated to must be in it.
fn what_a_plugin_runs_ends_with_it(host: &Host) {
    let dir = rust_programs(host);
    let (fifo, script) = (host.path("fifo"), dir.join("hangs"));
    succeeds(Command::new("mkfifo").arg(&fifo));
    // Opens the pipe, tells its own process group and that of the meta plugin, and keeps it open until it ends.
    let text = format!(
        "#!/bin/sh\nexec 3>{}\necho $(cut -d' ' -f5 /proc/$$/stat /proc/$PPID/stat) >&3\nsleep 100\n",
        fifo.display()
    );
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let cni = Cni::new(with_dir(host, dir));
    let list = host.network(&[json!({ "type": "meta", "delegate": { "type": "hangs" } })]);
    let ctx = Context::new(cni::ContextOptions::default()).unwrap();
    let rt = host.container("c1").rt();
    std::thread::scope(|scope| {
        let call = scope.spawn(|| cni.add_network_list(&ctx, &list, &rt).unwrap_err());
        let mut pipe = std::io::BufReader::new(fs::File::open(&fifo).unwrap());
        let mut groups = String::new();
        std::io::BufRead::read_line(&mut pipe, &mut groups).unwrap();
        ctx.cancel();
        assert_eq!(call.join().unwrap().status(), cni::Status::Cancelled);
        let (own, of_meta) = groups.trim().split_once(' ').unwrap();
        assert_eq!(own, of_meta, "the group of what was delegated to");
        // The end of the pipe is the end of the program that was delegated to.
        let mut rest = Vec::new();
        std::io::Read::read_to_end(&mut pipe, &mut rest).unwrap();
    });
}

/// The original's command line tool, built once.
fn cnitool() -> Result<PathBuf, String> {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cnitool");
    let go = |args: &[&str]| {
        let output = Command::new("go")
            .current_dir(root().join("tests/oracle"))
            .envs([("CGO_ENABLED", "0"), ("GOTOOLCHAIN", "local"), ("GOWORK", "off")])
            .args(args)
            .output()
            .map_err(|error| format!("the original is built by Go (Debian: golang-go): {error}"))?;
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    };
    go(&["mod", "download"])?;
    go(&["build", "-o", &path.to_string_lossy(), "github.com/containernetworking/cni/cnitool"])
        .unwrap_or_else(|error| panic!("go build: {error}"));
    Ok(path)
}

#[test]
fn the_originals_tool_runs_them() {
    if std::env::var_os("LIBCNI_TEST_SANDBOX").is_none()
        && let Err(reason) = cnitool()
    {
        return note(&format!("skipped the_originals_tool_runs_them: {reason}"));
    }
    let test = concat!(module_path!(), "::the_originals_tool_runs_them");
    sandbox::run(test, plugins::Set::Newest, As::Root, by_the_originals_tool);
}

fn by_the_originals_tool(host: &Host) {
    host.needs("nsenter", "util-linux");
    // The tool's cache is at a fixed place, which is the machine's own.
    sys::mount_memory(Path::new("/var/lib"))
        .unwrap_or_else(|error| skip(format!("a mount is forbidden: {error}")));
    let networks = host.path("net.d");
    fs::create_dir(&networks).unwrap();
    let list = json!({ "cniVersion": host.version(), "name": "net", "plugins": chain() });
    fs::write(networks.join("10-net.conflist"), list.to_string()).unwrap();
    for dir in [rust_programs(host), c_programs(host)] {
        let container = host.container("c1");
        let tool = |command: &str| {
            let output = Command::new(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cnitool"))
                .args([command, "net", container.net.path()])
                .env("NETCONFPATH", &networks)
                .env("CNI_PATH", std::env::join_paths([&dir, &host.plugins]).unwrap())
                .output()
                .unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "cnitool {command}: {stderr}");
            String::from_utf8(output.stdout).unwrap()
        };
        let result: Value = serde_json::from_str(&tool("add")).unwrap();
        assert_eq!(result["ips"][0]["address"], "10.20.0.7/24");
        is_made(host, &container);
        tool("check");
        tool("status");
        tool("del");
        assert_eq!(container.net.link_names(), ["lo"]);
        container.net.remove();
    }
}
