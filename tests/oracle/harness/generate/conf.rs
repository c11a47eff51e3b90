//! Network configurations.

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::subsequence;

use super::json::{self, Member, string};
use super::{NETWORK_NAMES, one_of, result, version};

/// The types of the plugins that exist in the world.
pub const TYPES: [&str; 3] = ["first", "second", "third"];

/// The name of most networks.
pub const NETWORK: &str = "net";

/// Keys of a plugin object that the original knows.
const KNOWN: [&str; 12] = [
    "cniVersion",
    "name",
    "type",
    "capabilities",
    "ipam",
    "dns",
    "prevResult",
    "cni.dev/valid-attachments",
    "cni.dev/attachments",
    "runtimeConfig",
    "args",
    "PrevResult",
];

fn plugin_type() -> BoxedStrategy<String> {
    prop_oneof![
        30 => one_of(&TYPES),
        1 => one_of(&["absent", "a/b", "", ".", "..", "first.exe", "first second", "\u{e9}", "fir\u{0}st"]),
    ]
    .boxed()
}

fn capabilities() -> BoxedStrategy<String> {
    let names = vec!["portMappings", "mac", "ips", "bandwidth", "Mac", ""];
    (subsequence(names, 0..4), vec(prop::bool::weighted(0.8), 6), 0..4u8)
        .prop_map(|(names, enabled, style)| {
            let members: Vec<Member> =
                names.iter().zip(enabled).map(|(name, on)| (string(name), on.to_string())).collect();
            json::object(&members, style)
        })
        .boxed()
}

fn ipam() -> BoxedStrategy<String> {
    prop_oneof![
        4 => one_of(&[r#"{"type":"host-local","subnet":"10.1.0.0/16"}"#, "{}", r#"{ "type" : "dhcp" }"#,
            r#"{"type":"static","addresses":[{"address":"10.10.0.1/24"}]}"#, "null"]),
        1 => one_of(&[r#"{"type":null}"#, r#"{"TYPE":"x","type":"y"}"#, r#"{"type":7}"#, "[]", r#""dhcp""#, r#"{"Type":[]}"#]),
    ]
    .boxed()
}

fn dns() -> BoxedStrategy<String> {
    prop_oneof![
        4 => one_of(&[r#"{"nameservers":["10.1.0.1"],"domain":"d","search":["a","b"],"options":["ndots:5"]}"#, "{}", "null",
            r#"{"Nameservers":["168.63.129.16"],"Search":["svc.cluster.local"]}"#, r#"{"nameservers":[],"search":null}"#]),
        1 => one_of(&[r#"{"nameservers":"10.1.0.1"}"#, r#"{"search":[1]}"#, r#"{"domain":{}}"#, "true",
            r#"{"Options":[null,"x"],"options":[[]]}"#, r#"{"options":[null]}"#]),
    ]
    .boxed()
}

/// A value for a key that the original knows: right, null or wrong.
fn known_member() -> BoxedStrategy<Member> {
    let key = prop_oneof![
        3 => one_of(&KNOWN),
        1 => (one_of(&KNOWN), any::<u16>()).prop_map(|(key, mask)| odd_case(&key, mask)),
        1 => one_of(&["\u{17f}tatus", "capabilitie\u{17f}", "dn\u{17f}"]),
    ];
    let value = prop_oneof![
        2 => version().prop_map(|text| string(&text)),
        2 => plugin_type().prop_map(|text| string(&text)),
        2 => capabilities(),
        1 => ipam(),
        1 => dns(),
        1 => result::any("1.0.0".to_owned()),
        1 => one_of(&[r#"[{"containerID":"c","ifname":"e"}]"#, r#"[{"containerID":7}]"#, "[null]", r#"[{"IFNAME":"x"}]"#, r#"[[]]"#]),
        3 => json::value(),
    ];
    (key, value).prop_map(|(key, value)| (string(&key), value)).boxed()
}

/// The key with some letters in the other case.
fn odd_case(key: &str, mask: u16) -> String {
    let flip = |(place, c): (usize, char)| match mask >> (place % 16) & 1 {
        1 if c.is_ascii_lowercase() => c.to_ascii_uppercase(),
        1 => c.to_ascii_lowercase(),
        _ => c,
    };
    key.chars().enumerate().map(flip).collect()
}

fn plugin(kind: impl Strategy<Value = Option<String>>, oddities: f64) -> impl Strategy<Value = String> {
    let own = (
        kind,
        weighted(0.15, one_of(&["own", "net", "", "a \"b\""])),
        weighted(0.15, version()),
        weighted(0.4, capabilities()),
        weighted(0.2, ipam()),
        weighted(0.1, dns()),
        weighted(0.05, result::any("0.4.0".to_owned())),
        weighted(0.05, one_of(&[r#"{"mac":"static"}"#, "null", "7"])),
        vec((json::key(), json::value()), 0..3),
        weighted(oddities, vec(known_member(), 1..4)),
    );
    own.prop_flat_map(|(kind, name, version, capabilities, ipam, dns, prev, runtime, unknown, odd)| {
        let mut members: Vec<Member> = Vec::new();
        let mut push =
            |key: &str, value: Option<String>| members.extend(value.map(|value| (string(key), value)));
        push("type", kind.map(|kind| string(&kind)));
        push("name", name.map(|name| string(&name)));
        push("cniVersion", version.map(|version| string(&version)));
        push("capabilities", capabilities);
        push("ipam", ipam);
        push("dns", dns);
        push("prevResult", prev);
        push("runtimeConfig", runtime);
        members.extend(unknown);
        members.extend(odd.into_iter().flatten());
        json::shuffled(members)
    })
}

/// A plugin object of a list that most probably loads.
pub fn usual_plugin() -> BoxedStrategy<String> {
    plugin(one_of(&TYPES).prop_map(Some), 0.03).boxed()
}

/// Any plugin object, or what is none.
pub fn any_plugin() -> BoxedStrategy<String> {
    prop_oneof![
        12 => plugin(weighted(0.95, plugin_type()), 0.4),
        1 => json::value(),
        1 => one_of(&["null", "{}", "[]", "", " ", "7", r#"{"type":"first","n":1E400}"#, r#"{"type":"first","type":"second"}"#,
            r#"{"type":"first","Type":"second"}"#, r#"{"Type":"first","type":"second"}"#, r#"{"type":null,"TYPE":"first"}"#]),
    ]
    .boxed()
}

/// A single configuration that most probably can be added on its own.
pub fn usual_single() -> BoxedStrategy<String> {
    (usual_plugin(), version(), name())
        .prop_map(|(plugin, version, name)| {
            let own = format!("\"name\":{},\"cniVersion\":{}", string(&name), string(&version));
            // In front: what the plugin object says itself counts.
            plugin.replacen('{', &format!("{{{own},"), 1)
        })
        .boxed()
}

fn name() -> BoxedStrategy<String> {
    prop_oneof![
        20 => Just(NETWORK.to_owned()),
        1 => one_of(&NETWORK_NAMES),
    ]
    .boxed()
}

fn flag() -> BoxedStrategy<String> {
    prop_oneof![
        4 => one_of(&["true", "false"]),
        2 => one_of(&["\"true\"", "\"False\"", "\"TRUE\"", "\"fAlSe\""]),
        1 => one_of(&["null", "1", "\"yes\"", "[]", "\"\"", "\" true\"", "\"\u{212a}\""]),
    ]
    .boxed()
}

fn versions() -> BoxedStrategy<String> {
    prop_oneof![
        6 => vec(version(), 0..4).prop_map(|versions| serde_json::to_string(&versions).expect("strings")),
        1 => one_of(&["null", "\"1.0.0\"", "[1]", "[null]", "{}", "[\"1.0.0\",2]", "[\"1.0.0\",\"1.0\",\"1\"]",
            "[\"2.0.0\"]", "[\"1.0\",\"1.0.0\"]", "[\"\"]"]),
    ]
    .boxed()
}

fn list(
    plugin: BoxedStrategy<String>,
    version: BoxedStrategy<String>,
    oddities: f64,
) -> BoxedStrategy<String> {
    let own = (
        weighted((1.0 - oddities / 8.0).min(0.998), name()),
        weighted(0.9, version),
        weighted(0.05 + oddities / 4.0, versions()),
        weighted(0.05 + oddities / 4.0, flag()),
        weighted(0.05 + oddities / 4.0, flag()),
        weighted(0.05 + oddities / 4.0, flag()),
        weighted((1.0 - oddities / 8.0).min(0.998), vec(plugin, 1..4)),
        vec((json::key(), json::value()), 0..2),
        weighted(oddities.max(0.004), vec(list_member(), 1..3)),
    );
    own.prop_flat_map(|(name, version, versions, check, gc, only, plugins, unknown, odd)| {
        let mut members: Vec<Member> = Vec::new();
        // Before the known ones, which therefore count.
        members.extend(unknown);
        let mut push =
            |key: &str, value: Option<String>| members.extend(value.map(|value| (string(key), value)));
        push("cniVersion", version.map(|version| string(&version)));
        push("name", name.map(|name| string(&name)));
        push("cniVersions", versions);
        push("disableCheck", check);
        push("disableGC", gc);
        push("loadOnlyInlinedPlugins", only);
        push("plugins", plugins.map(|plugins| format!("[{}]", plugins.join(", "))));
        members.extend(odd.into_iter().flatten());
        json::shuffled(members)
    })
    .boxed()
}

fn list_member() -> BoxedStrategy<Member> {
    const KEYS: [&str; 7] = [
        "name",
        "cniVersion",
        "cniVersions",
        "disableCheck",
        "disableGC",
        "loadOnlyInlinedPlugins",
        "plugins",
    ];
    let key = prop_oneof![
        3 => one_of(&KEYS),
        1 => (one_of(&KEYS), any::<u16>()).prop_map(|(key, mask)| odd_case(&key, mask)),
    ];
    let value = prop_oneof![
        3 => json::value(),
        1 => version().prop_map(|text| string(&text)),
        1 => versions(),
        1 => flag(),
        1 => one_of(&["[]", "[{}]", "[null]", "[7]", r#"[{"type":"first"}]"#]),
    ];
    (key, value).prop_map(|(key, value)| (string(&key), value)).boxed()
}

/// A list that most probably loads, in that version.
pub fn usual_list(version: String) -> BoxedStrategy<String> {
    list(usual_plugin().boxed(), Just(version).boxed(), 0.0).boxed()
}

/// Any list, or what is none.
pub fn any_list() -> BoxedStrategy<String> {
    let plugin = prop_oneof![3 => usual_plugin(), 1 => any_plugin()].boxed();
    prop_oneof![
        12 => list(plugin, version().boxed(), 0.3),
        1 => json::value(),
        1 => one_of(&["null", "{}", "[]", "", r#"{"name":"n"}"#, r#"{"name":"n","plugins":[{"type":"t","n":1E400}]}"#,
            r#"{"name":"n","x":-1e999,"plugins":[{"type":"t"}]}"#]),
    ]
    .boxed()
}
