//! The cases: those of the original's own tests of its skeleton (`pkg/skel/skel_test.go`), and generated ones.

use std::collections::BTreeMap;
use std::fmt;

#[derive(Clone)]
pub struct Case {
    pub env: BTreeMap<String, String>,
    pub stdin: Vec<u8>,
}

impl fmt::Debug for Case {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stdin = String::from_utf8_lossy(&self.stdin);
        let shown: String = stdin.chars().take(400).collect();
        formatter.debug_struct("Case").field("env", &self.env).field("stdin", &shown).finish()
    }
}

impl Case {
    /// A good call in the version that the plugin supports.
    fn good(command: &str) -> Case {
        let env = [
            ("CNI_COMMAND", command),
            ("CNI_CONTAINERID", "some-container-id"),
            ("CNI_NETNS", "/some/netns/path"),
            ("CNI_IFNAME", "eth0"),
            ("CNI_ARGS", "some;extra;args"),
            ("CNI_PATH", "/some/cni/path"),
            ("PROBE_VERSIONS", "0.4.0,1.0.0,1.1.0"),
        ];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let version = if matches!(command, "GC" | "STATUS") { "1.1.0" } else { "1.0.0" };
        let stdin = format!(r#"{{ "name":"skel-test", "some": "config", "cniVersion": "{version}" }}"#);
        Case { env, stdin: stdin.into_bytes() }
    }

    pub fn var(&self, name: &str) -> &str {
        self.env.get(name).map_or("", String::as_str)
    }

    fn with(mut self, name: &str, value: &str) -> Case {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    fn without(mut self, names: &[&str]) -> Case {
        names.iter().for_each(|name| drop(self.env.remove(*name)));
        self
    }

    fn stdin(mut self, stdin: impl Into<Vec<u8>>) -> Case {
        self.stdin = stdin.into();
        self
    }
}

const COMMANDS: [&str; 6] = ["ADD", "CHECK", "DEL", "GC", "STATUS", "VERSION"];
const VARIABLES: [&str; 6] =
    ["CNI_COMMAND", "CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_ARGS", "CNI_PATH"];

pub fn drawn() -> Vec<Case> {
    let mut cases = Vec::new();
    for command in COMMANDS {
        let good = || Case::good(command);
        cases.push(good());
        // Required and optional variables, one by one and all at once.
        cases.extend(VARIABLES.map(|name| good().without(&[name])));
        cases.push(good().without(&["CNI_NETNS", "CNI_IFNAME", "CNI_PATH"]));
        cases.push(good().without(&["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_ARGS", "CNI_PATH"]));
        // Names.
        cases.push(good().with("CNI_CONTAINERID", "some-%%container-id"));
        for name in ["1234567890123456", ".", "..", "test/test", "test:test", "test test1", "a\u{a0}b", "ü"]
        {
            cases.push(good().with("CNI_IFNAME", name));
        }
        for network in ["", "skel-%%test", "-x", ".."] {
            cases.push(good().stdin(format!(r#"{{"name":"{network}","cniVersion":"1.1.0"}}"#)));
        }
        // Versions: none, too old for the command, unknown to the plugin, malformed.
        for version in [r#""#, r#""cniVersion":"","#, r#""cniVersion":null,"#, r#""cniVersion":7,"#] {
            cases.push(good().stdin(format!(r#"{{{version}"name":"skel-test"}}"#)));
            let old = good().with("PROBE_VERSIONS", "0.1.0");
            cases.push(old.stdin(format!(r#"{{{version}"name":"skel-test"}}"#)));
        }
        for version in
            ["0.1.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0", "1.2.0", "9.8.7", "adsf", "1.x", "1.0.0.0"]
        {
            let stdin = format!(r#"{{"cniVersion":"{version}","name":"skel-test"}}"#);
            for supported in ["9.8.7,10.0.0", "0.2.0,0.3.1", "0.4.0,1.0.0,1.1.0", "1.0.0,wrong", "0.1.0"] {
                cases.push(good().with("PROBE_VERSIONS", supported).stdin(stdin.as_str()));
            }
        }
        // What is no configuration.
        for stdin in
            ["", " ", "null", "[]", "7", "\"x\"", "{", "{\"name\":}", "{\"name\":7}", "{} {}", "\u{feff}{}"]
        {
            cases.push(good().stdin(stdin));
        }
        cases.push(good().stdin(&b"{\"name\":\"a\xff\",\"cniVersion\":\"1.1.0\"}"[..]));
        cases.push(good().stdin(&b"{\"name\":\"a\",\"x\":\"\xff\xfe\",\"cniVersion\":\"1.1.0\"}"[..]));
        cases.push(good().stdin("{\"name\":\"a\0b\",\"cniVersion\":\"1.1.0\"}"));
        cases.push(good().stdin(r#"{"name":"a\u0000b","cniVersion":"1.1.0"}"#));
        cases.push(good().stdin(r#"{"NAME":"up","cniversion":"1.1.0"}"#));
        let deep = "[".repeat(5000) + &"]".repeat(5000);
        cases.push(good().stdin(format!(r#"{{"name":"a","cniVersion":"1.1.0","deep":{deep}}}"#)));
        let large = "x".repeat(300_000);
        cases.push(good().stdin(format!(r#"{{"name":"a","cniVersion":"1.1.0","large":"{large}"}}"#)));
        // What the plugin says of itself.
        cases.push(good().without(&["CNI_COMMAND"]).with("PROBE_ABOUT", "AWESOME PLUGIN"));
        cases.push(good().with("PROBE_ABOUT", "AWESOME PLUGIN"));
        // Errors of the plugin.
        for fail in [
            r#""fail":{"code":7,"msg":"some error","details":"and why"}"#,
            r#""fail":{"code":123,"msg":"potato"}"#,
            r#""fail":{"code":0,"msg":""}"#,
            r#""failText":"potato \"<&>""#,
        ] {
            cases.push(good().stdin(format!(r#"{{"name":"a","cniVersion":"1.1.0",{fail}}}"#)));
        }
        // The plugin's own namespace.
        for allowed in ["", "1", "true", "TRUE", "TrUe", "0", "yes"] {
            let own = good().with("CNI_NETNS", "/proc/self/ns/net");
            cases.push(own.with("CNI_NETNS_OVERRIDE", allowed));
        }
        // Results, from the plugin itself and from the one before.
        for version in ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] {
            let all = good().with("PROBE_VERSIONS", "0.1.0,0.2.0,0.3.0,0.3.1,0.4.0,1.0.0,1.1.0");
            cases.push(all.clone().stdin(format!(r#"{{"name":"a","cniVersion":"{version}"}}"#)));
            let before = match version {
                "0.1.0" | "0.2.0" => r#"{"ip4":{"ip":"10.1.2.3/24"},"dns":{}}"#,
                // A key of an older version would be kept in ours, and is dropped by the original.
                "1.0.0" | "1.1.0" => r#"{"interfaces":[{"name":"x"}],"ips":[{"address":"10.1.2.3/24"}]}"#,
                _ => {
                    r#"{"interfaces":[{"name":"x"}],"ips":[{"version":"4","address":"10.1.2.3/24"}],"dns":{}}"#
                }
            };
            let stdin = format!(r#"{{"name":"a","cniVersion":"{version}","prevResult":{before}}}"#);
            cases.push(all.stdin(stdin));
        }
    }
    for command in ["NOPE", "add", "ADD ", "VERSION2", "\u{fffd}"] {
        cases.push(Case::good(command));
        cases.push(Case::good(command).stdin("nonsense"));
        cases.push(Case::good(command).without(&VARIABLES[1..]));
    }
    cases
}

/// Cases put together of good and bad parts.
pub fn generated(seed: u64) -> impl Iterator<Item = Case> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = move |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % bound
    };
    std::iter::from_fn(move || {
        let mut pick = |from: &[&str]| from[below(from.len())].to_owned();
        let mut case = Case::good(&pick(&["ADD", "ADD", "CHECK", "DEL", "GC", "STATUS", "VERSION", "", "X"]));
        let pools: [(&str, &[&str]); 7] = [
            ("CNI_CONTAINERID", &["c1", "c1", "c1", "a_b.c-d", "", "-x", "a b", "..", "ü", "c\n"]),
            (
                "CNI_NETNS",
                &["/run/netns/x", "/run/netns/x", "", "/proc/self/ns/net", "/dev/null", "/proc/1/x"],
            ),
            (
                "CNI_IFNAME",
                &["eth0", "eth0", "eth0", "", "fifteen-bytes-x", "sixteen-bytes-xx", "a/b", "a\tb", "."],
            ),
            ("CNI_ARGS", &["", "K=V", "IgnoreUnknown=1;A=B", ";;", "ü=1"]),
            ("CNI_PATH", &["/opt/cni/bin", "/opt/cni/bin", "", "/a:/b", ":"]),
            ("CNI_NETNS_OVERRIDE", &["", "", "1", "true", "no"]),
            (
                "PROBE_VERSIONS",
                &["0.1.0,0.2.0,0.3.0,0.3.1,0.4.0,1.0.0,1.1.0", "1.1.0", "0.4.0,1.0.0", "0.1.0", "x"],
            ),
        ];
        for (name, pool) in pools {
            case = case.with(name, &pick(pool));
        }
        case = case.with("PROBE_ABOUT", &pick(&["", "", "about this"]));
        let version = pick(&[
            "1.1.0", "1.1.0", "1.0.0", "0.4.0", "0.3.1", "0.2.0", "", "1.2.0", "0.4", "1", "x", "1..0", "-1",
        ]);
        let name = pick(&["net", "net", "net", "", "a b", "../x", "N.e-t_1", "é", "\\u006e"]);
        let more = pick(&[
            "",
            "",
            r#","fail":{"code":11,"msg":"m","details":"d"}"#,
            r#","failText":"text""#,
            r#","prevResult":{}"#,
            r#","prevResult":null"#,
            r#","prevResult":{"cniVersion":"0.4.0","ips":[{"version":"4","address":"10.0.0.1/8"}]}"#,
            r#","name":"other""#,
            r#","cniVersion":null"#,
            r#","CNIVERSION":"0.3.1""#,
            r#","name":7"#,
        ]);
        let stdin = format!(r#"{{"cniVersion":"{version}","name":"{name}"{more}}}"#);
        let cut = below(20);
        let stdin = if cut == 0 { stdin[..stdin.len() / 2].to_owned() } else { stdin };
        Some(case.stdin(stdin))
    })
}
