//! The original's command beside ours: the same command line, the same environment, and the same comes of it: stdout,
//! success, every call of every plugin, and the cache. (Its cache has a fixed place, so each has a private /var/lib.)

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};
use support::{Call, Ended, Scene, Tested, skipped, tested};

/// Why it is not held beside anything here, if it is not.
fn why_not() -> Option<&'static str> {
    let forbidden = || {
        let scene = Scene::new();
        !private(scene.path()).arg("true").output().is_ok_and(|output| output.status.success())
    };
    match original() {
        Err(why) => Some(why),
        Ok(_) if forbidden() => Some("this machine forbids private namespaces"),
        Ok(_) => None,
    }
}

/// The original, built by Go from the module beside this file.
fn original() -> Result<&'static Path, &'static str> {
    static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| {
        let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/original");
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("original");
        let output = Command::new("go")
            .args(["build", "-trimpath", "-o"])
            .args([dir.join("cnitool").as_os_str(), "tool".as_ref()])
            .current_dir(module)
            // No C compiler is needed, no other Go is fetched, and what the user's own projects set stays out.
            .envs([
                ("CGO_ENABLED", "0"),
                ("GOTOOLCHAIN", "local"),
                ("GOFLAGS", "-mod=readonly"),
                ("GOWORK", "off"),
            ])
            .output()
            .map_err(|error| format!("the original is built by Go (Debian: golang-go): {error}"))?;
        match output.status.success() {
            true => Ok(dir.join("cnitool")),
            false => Err(format!("go build: {}", String::from_utf8_lossy(&output.stderr))),
        }
    });
    program.as_deref().map_err(String::as_str)
}

/// A command that runs what follows with that directory as /var/lib/cni.
fn private(var_lib_cni: &Path) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "sh", "-euc"])
        .arg("mount -t tmpfs tmpfs /var/lib; mkdir /var/lib/cni; mount --bind \"$0\" /var/lib/cni; exec \"$@\"")
        .arg(var_lib_cni);
    command
}

/// Which of the two.
#[derive(Clone, Copy, Debug)]
enum Which {
    Original,
    Ours,
}

struct Stage {
    scene: Scene,
    tested: Tested,
}

/// What one command line came to.
#[derive(Debug, PartialEq)]
struct Outcome {
    succeeded: bool,
    said_why: bool,
    /// As JSON, and its lines in any order: the original sorts the keys of some versions' results.
    stdout: (Option<Value>, Vec<String>),
    calls: Vec<(String, String, Value, BTreeMap<String, String>)>,
    cache: BTreeMap<String, Value>,
}

impl Stage {
    fn new(networks: &[(&str, Value)]) -> Stage {
        let stage = Stage { scene: Scene::new(), tested: tested() };
        for (file, network) in networks {
            stage.scene.network(file, network);
        }
        stage.clear();
        stage
    }

    fn clear(&self) {
        for name in ["log", "var-lib-cni"] {
            let _ = fs::remove_dir_all(self.scene.path().join(name));
            fs::create_dir(self.scene.path().join(name)).unwrap();
        }
    }

    fn run(&self, which: Which, args: &[&str], env: &[(&str, &str)]) -> Outcome {
        let before = self.scene.calls().len();
        let mut command = private(&self.scene.path().join("var-lib-cni"));
        match which {
            Which::Original => command.arg(original().unwrap()),
            Which::Ours => command.args(&self.tested.words),
        };
        self.scene.furnish(&mut command);
        command.args(args).envs(env.iter().copied());
        let ended: Ended = command.output().unwrap().into();
        println!("{which:?} {args:?}: {ended:?}");
        let calls = self.scene.calls().split_off(before).into_iter().map(|call| {
            let Call { plugin, command, stdin, env } = call;
            (plugin, command, serde_json::from_str(&stdin).unwrap(), env)
        });
        Outcome {
            succeeded: ended.code == 0,
            said_why: !ended.stderr.is_empty(),
            stdout: (serde_json::from_str(&ended.stdout).ok(), sorted_lines(&ended.stdout)),
            calls: calls.collect(),
            cache: self.cache(),
        }
    }

    /// The cache files that both know, by name.
    fn cache(&self) -> BTreeMap<String, Value> {
        let Ok(entries) = fs::read_dir(self.scene.path().join("var-lib-cni/results")) else {
            return BTreeMap::new();
        };
        let read = |entry: fs::DirEntry| {
            let text = fs::read_to_string(entry.path()).unwrap();
            (entry.file_name().into_string().unwrap(), serde_json::from_str(&text).unwrap())
        };
        entries.map(|entry| read(entry.unwrap())).collect()
    }
}

fn sorted_lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(|line| line.trim_end_matches(',').to_owned()).collect();
    lines.sort();
    lines
}

/// Runs the command lines with both, and compares.
fn same(networks: &[(&str, Value)], env: &[(&str, &str)], lines: &[&[&str]]) {
    same_but(networks, env, lines, &[]);
}

/// The same, where the last line has more arguments with ours.
fn same_but(networks: &[(&str, Value)], env: &[(&str, &str)], lines: &[&[&str]], more: &[&str]) {
    if let Some(why) = why_not() {
        skipped(why);
        return;
    }
    let stage = Stage::new(networks);
    let theirs: Vec<Outcome> = lines.iter().map(|line| stage.run(Which::Original, line, env)).collect();
    stage.clear();
    for (number, (line, theirs)) in lines.iter().zip(theirs).enumerate() {
        let more = if number + 1 == lines.len() { more } else { &[] };
        let ours = stage.run(Which::Ours, &[line, more].concat(), env);
        // A table of what was deleted is ours alone.
        let stdout = if more.is_empty() { ours.stdout.clone() } else { theirs.stdout.clone() };
        assert_eq!(theirs, Outcome { stdout, ..ours }, "{line:?}");
    }
}

const NETNS: &str = "/run/netns/c1";

fn two_plugins() -> [(&'static str, Value); 1] {
    let result = json!({
        "cniVersion": "1.1.0",
        "interfaces": [{"name": "eth0", "mac": "00:11:22:33:44:55", "mtu": 1400, "sandbox": NETNS}],
        "ips": [{"interface": 0, "address": "10.1.0.5/16", "gateway": "10.1.0.1"}],
        "routes": [{"dst": "0.0.0.0/0", "gw": "10.1.0.1", "mtu": 1300}],
        "dns": {"nameservers": ["10.1.0.1"], "domain": "local", "search": ["a", "b"]}
    });
    let plugins = json!([
        {"type": "first", "capabilities": {"mac": true}, "fake": {"ADD": {"stdout": result}}},
        {"type": "second", "fake": {}}
    ]);
    [("10-net.conflist", json!({"cniVersion": "1.1.0", "name": "net", "plugins": plugins}))]
}

#[test]
fn a_life_of_an_attachment_is_the_same() {
    let lines: [&[&str]; 7] = [
        &["status", "net", NETNS],
        &["add", "net", NETNS],
        &["check", "net", NETNS],
        &["-i", "net1", "add", "net", "netns/../x//c2"],
        &["del", "net", NETNS],
        &["del", "net", NETNS],
        &["del", "--ifname", "net1", "net", "x/c2"],
    ];
    same(&two_plugins(), &[], &lines);
}

#[test]
fn the_environment_means_the_same() {
    let env =
        [("CNI_IFNAME", "net7"), ("CNI_ARGS", "A=1;B=2"), ("CAP_ARGS", "{\"mac\": \"x\", \"other\": [1]}")];
    same(&two_plugins(), &env, &[&["add", "net", NETNS], &["check", "net", NETNS], &["del", "net", NETNS]]);
    let empty = [("CNI_IFNAME", ""), ("CNI_ARGS", ""), ("CAP_ARGS", "")];
    same(&two_plugins(), &empty, &[&["-i", "", "add", "net", NETNS], &["del", "net", NETNS, "-i", ""]]);
}

#[test]
fn what_is_wrong_is_wrong_for_both() {
    for env in [
        ("CNI_ARGS", "A"),
        ("CNI_ARGS", "A=1;"),
        ("CNI_ARGS", "=1"),
        ("CNI_ARGS", "A=1=2"),
        ("CAP_ARGS", "{"),
        ("CAP_ARGS", "[]"),
        ("CNI_IFNAME", "much-too-long-a-name"),
        ("CNI_PATH", "/nowhere"),
        ("NETCONFPATH", "/nowhere"),
    ] {
        same(&two_plugins(), &[env], &[&["add", "net", NETNS]]);
    }
    let lines: [&[&str]; 5] = [
        &["add", "absent", NETNS],
        &["add", "net"],
        &["add"],
        &["frobnicate", "net", NETNS],
        &["add", "--wrong", "net", NETNS],
    ];
    same(&two_plugins(), &[], &lines);
}

#[test]
fn a_plugin_that_fails_fails_both() {
    let answer = json!({"stdout": {"code": 50, "msg": "not now"}, "exit": 1});
    let plugin =
        json!({"type": "first", "fake": {"STATUS": answer, "ADD": answer, "DEL": answer, "CHECK": answer}});
    let network = json!({"cniVersion": "1.1.0", "name": "net", "plugins": [plugin]});
    let lines: [&[&str]; 3] = [&["status", "net", NETNS], &["add", "net", NETNS], &["del", "net", NETNS]];
    same(&[("net.conflist", network)], &[], &lines);
}

#[test]
fn results_of_every_version_print_the_same() {
    let ip = json!({"address": "10.1.0.5/16", "gateway": "10.1.0.1", "interface": 0});
    let versioned = json!({"version": "4", "address": "10.1.0.5/16", "gateway": "10.1.0.1", "interface": 0});
    let legacy = json!({"ip": "10.1.0.5/16", "gateway": "10.1.0.1", "routes": [{"dst": "0.0.0.0/0"}]});
    let interfaces = json!([{"name": "eth0", "sandbox": NETNS}]);
    for (version, members) in [
        ("0.1.0", json!({"ip4": legacy})),
        ("0.2.0", json!({"ip4": legacy, "dns": {"nameservers": ["1.1.1.1"]}})),
        ("0.3.1", json!({"ips": [versioned], "interfaces": interfaces})),
        ("0.4.0", json!({"ips": [versioned], "routes": [{"dst": "0.0.0.0/0"}]})),
        ("1.0.0", json!({"ips": [ip], "interfaces": interfaces})),
        ("1.1.0", json!({})),
    ] {
        let mut result = members;
        result["cniVersion"] = version.into();
        let network = json!({"cniVersion": version, "name": "net", "type": "first", "fake": {"ADD": {"stdout": result}}});
        same(&[("net.conf", network)], &[], &[&["add", "net", NETNS], &["del", "net", NETNS]]);
    }
}

#[test]
fn gc_with_all_is_the_originals_gc() {
    let lines: [&[&str]; 3] =
        [&["add", "net", "/netns/a"], &["add", "net", "/netns/b"], &["gc", "net", "/netns/a"]];
    same_but(&two_plugins(), &[], &lines, &["--all"]);
}

#[test]
fn each_undoes_what_the_other_did() {
    if let Some(why) = why_not() {
        skipped(why);
        return;
    }
    for (first, second) in [(Which::Original, Which::Ours), (Which::Ours, Which::Original)] {
        let stage = Stage::new(&two_plugins());
        assert!(stage.run(first, &["add", "net", NETNS], &[]).succeeded);
        assert!(stage.run(second, &["check", "net", NETNS], &[]).succeeded);
        let deleted = stage.run(second, &["del", "net", NETNS], &[]);
        assert!(deleted.succeeded && deleted.cache.is_empty(), "{deleted:?}");
        let (_, _, config, _) = &deleted.calls[0];
        assert_eq!(config["prevResult"]["ips"][0]["address"], "10.1.0.5/16");
    }
}
