//! The runtimes in miniature, in C and in Rust: what they print, and that nothing of theirs is left, also when they are
//! interrupted in the middle. They work in the namespaces of the test, which looks for itself.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::examples::{built, library_for_c, root, succeeds};
use crate::host::Host;
use crate::sys;

rules! {
    both:
        fifty_containers_are_attached_and_removed_in_c
        fifty_containers_are_attached_and_removed_in_rust;
    newest:
        an_interruption_in_the_middle_leaves_nothing_in_c
        an_interruption_in_the_middle_leaves_nothing_in_rust
        containers_are_held_until_an_interruption_in_c
        containers_are_held_until_an_interruption_in_rust
        missing_plugins_are_told_in_c
        missing_plugins_are_told_in_rust;
}

/// A runtime, with the directory of its state and the directory of its plugins.
struct Miniature {
    program: PathBuf,
    state: &'static Path,
    plugins: PathBuf,
}

fn in_c(host: &Host) -> Miniature {
    let (library, program) = (library_for_c(host), host.path("runtime"));
    let source = |name: &str| root().join("examples/c").join(name);
    succeeds(
        Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()))
            .args(["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-pthread", "-o"])
            .arg(&program)
            .arg(format!("-I{}", root().join("include").display()))
            .args(["runtime.c", "json.c", "netns.c", "plugins.c", "sandbox.c", "steps.c"].map(source))
            .args([format!("-L{}", library.display()), "-lcni".into()])
            .arg(format!("-Wl,-rpath,{}", library.display())),
    );
    Miniature { program, state: Path::new("/run/libcni-demo"), plugins: host.plugins.clone() }
}

fn in_rust(host: &Host) -> Miniature {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root()).args(["build", "--quiet", "--offline", "--locked", "--example", "runtime"]);
    succeeds(cargo.args(if cfg!(debug_assertions) { None } else { Some("--release") }));
    let program = built().join("examples/runtime");
    Miniature { program, state: Path::new("/run/miniature"), plugins: host.plugins.clone() }
}

impl Miniature {
    fn start(&self, arguments: &[&str]) -> Child {
        Command::new(&self.program)
            .arg("--here")
            .args(arguments)
            .env("CNI_PATH", &self.plugins)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own, as a shell's job is.
            .process_group(0)
            .spawn()
            .unwrap()
    }

    /// What it printed and what it told; it ended with that code.
    fn ends(&self, mut child: Child, code: i32) -> (String, String) {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        // Little is told; it fits into the pipe.
        child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(code), "{stdout}\n{stderr}");
        (stdout, stderr)
    }

    fn names(&self, dir: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.state.join(dir)) else { return Vec::new() };
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }

    fn leases(&self) -> usize {
        self.names("leases/miniature").iter().filter(|name| name.starts_with("10.")).count()
    }

    /// No veth, no lease, no cache file, no namespace.
    fn left_nothing(&self, host: &Host) {
        assert!(self.state.is_dir());
        assert!(host.interfaces().iter().all(|name| name == "miniature"), "{:?}", host.interfaces());
        assert_eq!(self.leases(), 0);
        assert_eq!(self.names("cache/results"), Vec::<String>::new());
        assert_eq!(self.names("netns"), Vec::<String>::new());
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        assert!(!mounts.contains("/netns/c0"), "{mounts}");
    }
}

/// The rows of the table: container, interface, address, gateway, MAC.
fn rows(stdout: &str) -> Vec<Vec<&str>> {
    let mut lines = stdout.lines().map(|line| line.split_whitespace().collect());
    assert_eq!(lines.next(), Some(vec!["CONTAINER", "INTERFACE", "ADDRESS", "GATEWAY", "MAC"]));
    lines.collect()
}

fn runs_to_the_end(host: &Host, miniature: &Miniature) {
    let (stdout, stderr) = miniature.ends(miniature.start(&[]), 0);
    let rows = rows(&stdout);
    let ids: Vec<_> = rows.iter().map(|row| row[0].to_owned()).collect();
    assert_eq!(ids, (1..=50).map(|number| format!("c{number:03}")).collect::<Vec<_>>());
    let mut addresses: Vec<_> = rows.iter().map(|row| row[2].to_owned()).collect();
    let mut expected: Vec<_> = (2..=51).map(|number| format!("10.99.0.{number}/16")).collect();
    addresses.sort();
    expected.sort();
    assert_eq!(addresses, expected);
    assert!(rows.iter().all(|row| row[1] == "eth0" && row[3] == "10.99.0.1" && row[4].len() == 17));
    assert!(stderr.contains("attached 50 containers in "), "{stderr}");
    assert!(stderr.ends_with(" s, nothing is left\n"), "{stderr}");
    miniature.left_nothing(host);
}

/// One container's plugin tells when it runs, and hangs: what has some time to end does not.
fn is_interrupted_in_the_middle(host: &Host, miniature: &mut Miniature) {
    let (bin, fifo) = (host.path("bin"), host.path("fifo"));
    fs::create_dir(&bin).unwrap();
    host.net.run(&format!("mkfifo {}", fifo.display()));
    std::os::unix::fs::symlink(miniature.plugins.join("host-local"), bin.join("host-local")).unwrap();
    let real = miniature.plugins.join("bridge");
    let (real, told) = (real.display(), fifo.display());
    let hang =
        format!("if [ $CNI_COMMAND-$CNI_CONTAINERID = ADD-c030 ]; then echo > {told}; exec sleep 1000; fi");
    fs::write(bin.join("bridge"), format!("#!/bin/sh\n{hang}\nexec {real}\n")).unwrap();
    fs::set_permissions(bin.join("bridge"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    miniature.plugins = bin;
    let child = miniature.start(&[]);
    fs::read(&fifo).unwrap();
    let attached = miniature.names("cache/results").iter().filter(|name| name.ends_with("-eth0")).count();
    assert!((1..50).contains(&attached), "{attached}");
    // As a terminal does: the whole group, and impatient people twice.
    sys::interrupt_group(child.id());
    sys::interrupt_group(child.id());
    let (stdout, stderr) = miniature.ends(child, 130);
    assert_eq!(stdout, "");
    assert!(stderr.ends_with(" s, nothing is left\ninterrupted\n"), "{stderr}");
    miniature.left_nothing(host);
}

fn is_held(host: &Host, miniature: &Miniature) {
    let mut child = miniature.start(&["--containers", "3", "--hold"]);
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("holding: ") {
        line.clear();
        assert!(told.read_line(&mut line).unwrap() > 0, "it ended");
    }
    assert_eq!((miniature.leases(), miniature.names("netns").len()), (3, 3));
    assert_eq!(miniature.names("cache/results").len(), 6);
    assert_eq!(host.interfaces().len(), 4);
    sys::interrupt_group(child.id());
    let mut stdout = String::new();
    child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(rows(&stdout).len(), 3);
    miniature.left_nothing(host);
}

fn fifty_containers_are_attached_and_removed_in_c(host: &Host) {
    runs_to_the_end(host, &in_c(host));
}

fn fifty_containers_are_attached_and_removed_in_rust(host: &Host) {
    runs_to_the_end(host, &in_rust(host));
}

fn an_interruption_in_the_middle_leaves_nothing_in_c(host: &Host) {
    is_interrupted_in_the_middle(host, &mut in_c(host));
}

fn an_interruption_in_the_middle_leaves_nothing_in_rust(host: &Host) {
    is_interrupted_in_the_middle(host, &mut in_rust(host));
}

fn containers_are_held_until_an_interruption_in_c(host: &Host) {
    is_held(host, &in_c(host));
}

fn containers_are_held_until_an_interruption_in_rust(host: &Host) {
    is_held(host, &in_rust(host));
}

/// The one in C looks in the usual places, too, which a test cannot empty.
fn missing_plugins_are_told_in_c(host: &Host) {
    let miniature = in_c(host);
    host.net.run("mkdir /run/empty");
    for usual in ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"].map(Path::new) {
        if usual.is_dir() {
            sys::mount_memory(usual).unwrap();
        }
    }
    let miniature = Miniature { plugins: "/run/empty".into(), ..miniature };
    let (_, stderr) = miniature.ends(miniature.start(&[]), 77);
    assert!(stderr.contains("plugins bridge and host-local"), "{stderr}");
    assert!(stderr.contains("not found in [\"/run/empty\""), "{stderr}");
}

fn missing_plugins_are_told_in_rust(host: &Host) {
    let miniature = Miniature { plugins: "/run/empty".into(), ..in_rust(host) };
    let (_, stderr) = miniature.ends(miniature.start(&[]), 1);
    assert!(stderr.starts_with("PLUGIN_NOT_FOUND: "), "{stderr}");
    assert!(stderr.contains("failed to find plugin \"bridge\""), "{stderr}");
    miniature.left_nothing(host);
    let (_, stderr) = miniature.ends(miniature.start(&["--containers", "0"]), 2);
    assert!(stderr.starts_with("usage: "), "{stderr}");
}
