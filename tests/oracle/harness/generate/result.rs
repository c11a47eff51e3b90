//! Results of every version.

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;

use super::json::{self, Member, string};
use super::one_of;

fn address() -> BoxedStrategy<String> {
    prop_oneof![
        80 => one_of(&["10.1.2.3/24", "10.1.2.9/32", "fd00::5/64", "2001:db8::1/128", "0.0.0.0/0", "::/0", "192.168.0.1/16"]),
        8 => one_of(&["::ffff:10.0.0.1/120", "::ffff:1.2.3.4/24", "2001:DB8:0:0::1/64", "fd00:0::00:5/64", "::1.2.3.4/96"]),
        1 => one_of(&["10.1.2.3", "", "300.1.1.1/8", "10.0.0.1/33", "fe80::1%eth0/64", "1.2.3.4/08", "010.1.2.3/8", "x/1",
            "10.0.0.1/-1", "1.2.3/8", "fd00::5/129", "10.0.0.1/ 8", " 10.0.0.1/8", "10.0.0.1/8/8", "::ffff:0:0/97/"]),
    ]
    .prop_map(|text| string(&text))
    .boxed()
}

fn gateway() -> BoxedStrategy<String> {
    prop_oneof![
        70 => one_of(&["\"10.1.2.1\"", "\"fd00::1\"", "\"192.168.0.1\""]),
        12 => one_of(&["\"\"", "null", "\"::ffff:10.0.0.1\"", "\"FD00::1\"", "\"0.0.0.0\"", "\"::\""]),
        1 => one_of(&["\"x\"", "7", "\"10.1\"", "\"fe80::1%eth0\"", "\"010.0.0.1\"", "[]", "\"1.2.3.4/24\""]),
    ]
    .boxed()
}

fn int() -> BoxedStrategy<String> {
    prop_oneof![
        60 => one_of(&["0", "1", "2", "1500", "254", "-1", "9000"]),
        8 => one_of(&["4294967296", "9223372036854774784", "null", "-0", "9007199254740993"]),
        1 => one_of(&["1.0", "1e3", "\"0\"", "9223372036854775808", "true", "1.5", "[]"]),
    ]
    .boxed()
}

fn text() -> BoxedStrategy<String> {
    prop_oneof![
        80 => one_of(&["\"eth0\"", "\"cni0\"", "\"00:11:22:33:44:55\"", "\"/run/netns/x\"", "\"\"", "\"0\"", "\"<&>\""]),
        8 => json::text(),
        1 => one_of(&["null", "7", "{}"]),
    ]
    .boxed()
}

/// An object of some of these members, now and then with one that is unknown or spelled in another way.
fn object(members: Vec<(&'static str, f64, BoxedStrategy<String>)>) -> BoxedStrategy<String> {
    let known: Vec<BoxedStrategy<Option<Member>>> = members
        .iter()
        .map(|(key, chance, value)| {
            let (key, chance) = (*key, *chance);
            weighted(chance, value.clone())
                .prop_map(move |value| value.map(|value| (string(key), value)))
                .boxed()
        })
        .collect();
    let names: Vec<&'static str> = members.iter().map(|(key, ..)| *key).collect();
    let odd = (prop::sample::select(names), 0..3u8, json::value()).prop_map(|(name, how, value)| {
        let key = match how {
            0 => name.to_uppercase(),
            1 => name.to_owned(),
            _ => format!("x-{name}"),
        };
        (string(&key), value)
    });
    let unknown = (json::key(), json::value());
    (known, weighted(0.02, odd), weighted(0.08, unknown), 0..4u8, 0..=255u8)
        .prop_map(|(known, odd, unknown, style, place)| {
            let mut members: Vec<Member> = known.into_iter().flatten().collect();
            members.extend(unknown);
            if let Some(odd) = odd {
                let at = usize::from(place) % (members.len() + 1);
                members.insert(at, odd);
            }
            json::object(&members, style)
        })
        .boxed()
}

fn array(element: BoxedStrategy<String>) -> BoxedStrategy<String> {
    prop_oneof![
        90 => vec(prop_oneof![60 => element, 1 => Just("null".to_owned())], 0..4).prop_map(|e| format!("[{}]", e.join(","))),
        1 => one_of(&["null", "{}", "7", "[[]]", "\"x\""]),
    ]
    .boxed()
}

fn route() -> BoxedStrategy<String> {
    object(vec![
        ("dst", 0.985, address().boxed()),
        ("gw", 0.6, gateway().boxed()),
        ("mtu", 0.15, int().boxed()),
        ("advmss", 0.1, int().boxed()),
        ("priority", 0.1, int().boxed()),
        ("table", 0.1, int().boxed()),
        ("scope", 0.1, int().boxed()),
    ])
}

fn dns() -> BoxedStrategy<String> {
    let list = || array(text().boxed());
    prop_oneof![
        8 => object(vec![("nameservers", 0.6, list()), ("domain", 0.4, text().boxed()), ("search", 0.4, list()), ("options", 0.2, list())]),
        1 => one_of(&["{}", "null", "[]"]),
    ]
    .boxed()
}

fn legacy_ip() -> BoxedStrategy<String> {
    prop_oneof![
        15 => object(vec![("ip", 0.985, address().boxed()), ("gateway", 0.6, gateway().boxed()), ("routes", 0.5, array(route()))]),
        1 => Just("null".to_owned()),
    ]
    .boxed()
}

fn interface() -> BoxedStrategy<String> {
    object(vec![
        ("name", 0.97, text().boxed()),
        ("mac", 0.6, text().boxed()),
        ("sandbox", 0.5, text().boxed()),
        ("mtu", 0.2, int().boxed()),
        ("socketPath", 0.1, text().boxed()),
        ("pciID", 0.1, text().boxed()),
    ])
}

fn ip() -> BoxedStrategy<String> {
    let family = prop_oneof![8 => one_of(&["\"4\"", "\"6\""]), 1 => one_of(&["4", "\"5\"", "null", "\"\""])];
    object(vec![
        ("version", 0.6, family.boxed()),
        ("interface", 0.5, int().boxed()),
        ("address", 0.985, address().boxed()),
        ("gateway", 0.6, gateway().boxed()),
    ])
}

/// A result as a plugin of that version prints it, most of the time.
pub fn any(version: String) -> BoxedStrategy<String> {
    let told = prop_oneof![
        50 => Just(string(&version)),
        1 => one_of(&["\"\"", "null", "7", "\"0.2.0\"", "\"1.0.0\"", "\"0.4.0\"", "\"9.9.9\"", "[]"]),
    ];
    let told = ("cniVersion", 0.95, told.boxed());
    let legacy =
        object(vec![told.clone(), ("ip4", 0.8, legacy_ip()), ("ip6", 0.4, legacy_ip()), ("dns", 0.4, dns())]);
    let modern = object(vec![
        told,
        ("interfaces", 0.7, array(interface())),
        ("ips", 0.85, array(ip())),
        ("routes", 0.5, array(route())),
        ("dns", 0.4, dns()),
    ]);
    let usual = if matches!(version.as_str(), "" | "0.1.0" | "0.2.0") { (9, 1) } else { (1, 20) };
    prop_oneof![usual.0 => legacy, usual.1 => modern].boxed()
}
