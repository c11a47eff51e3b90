//! Results: reading, writing, and every way from one version of the specification to another.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use cni::types::result::CniResult;
use cni::{Status, version};
use proptest::prelude::*;

fn read(text: &str) -> CniResult {
    CniResult::from_json(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

fn failure(text: &str) -> String {
    let error = CniResult::from_json(text).expect_err(text);
    assert_eq!(error.status(), Status::InvalidResult);
    error.message().to_owned()
}

fn plugin_failure(stdout: &[u8], request_version: &str) -> String {
    let error = CniResult::from_plugin_output(stdout, request_version).expect_err("an error");
    assert_eq!(error.status(), Status::InvalidResult);
    error.message().to_owned()
}

/// One result in each shape, with everything that the shape has room for, except for 1.x what is lost
/// on the way down.
fn sample(version: &str) -> String {
    let body = match version {
        "0.1.0" | "0.2.0" => concat!(
            r#""ip4":{"ip":"1.2.3.30/24","gateway":"1.2.3.1","#,
            r#""routes":[{"dst":"15.5.6.0/24","gw":"15.5.6.8"}]},"#,
            r#""ip6":{"ip":"abcd:1234:ffff::cdde/64","gateway":"abcd:1234:ffff::1","#,
            r#""routes":[{"dst":"1111:dddd::/80","gw":"1111:dddd::aaaa"}]},"#,
        ),
        "0.3.0" | "0.3.1" | "0.4.0" => concat!(
            r#""ips":[{"version":"4","address":"1.2.3.30/24","gateway":"1.2.3.1"},"#,
            r#"{"version":"6","address":"abcd:1234:ffff::cdde/64","gateway":"abcd:1234:ffff::1"}],"#,
            r#""routes":[{"dst":"15.5.6.0/24","gw":"15.5.6.8"},"#,
            r#"{"dst":"1111:dddd::/80","gw":"1111:dddd::aaaa"}],"#,
        ),
        _ => concat!(
            r#""ips":[{"address":"1.2.3.30/24","gateway":"1.2.3.1"},"#,
            r#"{"address":"abcd:1234:ffff::cdde/64","gateway":"abcd:1234:ffff::1"}],"#,
            r#""routes":[{"dst":"15.5.6.0/24","gw":"15.5.6.8"},"#,
            r#"{"dst":"1111:dddd::/80","gw":"1111:dddd::aaaa"}],"#,
        ),
    };
    format!(
        r#"{{"cniVersion":"{version}",{body}"dns":{{"nameservers":["1.2.3.4"],"domain":"acompany.com","search":["somedomain.com"],"options":["foo"]}}}}"#
    )
}

#[test]
fn every_version_converts_to_every_other() {
    for from in version::ALL {
        for to in version::ALL {
            let converted = read(&sample(from)).convert(to).unwrap();
            assert_eq!(converted.version(), to);
            assert_eq!(converted.to_json(), sample(to), "{from} to {to}");
            assert_eq!(converted, read(&sample(to)), "{from} to {to}");
        }
    }
}

#[test]
fn an_empty_version_to_convert_to_is_0_1_0_and_an_unknown_one_an_error() {
    let result = read(&sample("1.0.0"));
    assert_eq!(result.convert("").unwrap().version(), "0.1.0");
    for (unknown, message) in [
        ("0.2.3", "no converter for CNI result version 1.0.0 to 0.2.3"),
        ("1.0", "no converter for CNI result version 1.0.0 to 1.0"),
    ] {
        let error = result.convert(unknown).unwrap_err();
        assert_eq!((error.message(), error.status()), (message, Status::InvalidResult));
    }
}

#[test]
fn what_the_other_version_has_no_room_for_is_left_behind() {
    let newest = concat!(
        r#"{"cniVersion":"1.1.0","#,
        r#""interfaces":[{"name":"eth0","mac":"m","mtu":1500,"sandbox":"s","socketPath":"p","pciID":"i"}],"#,
        r#""ips":[{"interface":0,"address":"10.0.0.2/24"},{"address":"10.0.0.3/24"}],"#,
        r#""routes":[{"dst":"0.0.0.0/0","mtu":1,"advmss":2,"priority":3,"table":0,"scope":0},{"dst":"::/0"}]}"#,
    );
    let result = read(newest);
    assert_eq!(result.convert("1.0.0").unwrap().to_json(), newest.replace("1.1.0", "1.0.0"));
    let older = concat!(
        r#"{"cniVersion":"0.3.0","interfaces":[{"name":"eth0","mac":"m","sandbox":"s"}],"#,
        r#""ips":[{"version":"4","interface":0,"address":"10.0.0.2/24"},{"version":"4","address":"10.0.0.3/24"}],"#,
        r#""routes":[{"dst":"0.0.0.0/0","mtu":1,"advmss":2,"priority":3,"table":0,"scope":0},{"dst":"::/0"}],"#,
        r#""dns":{}}"#,
    );
    assert_eq!(result.convert("0.3.0").unwrap().to_json(), older);
    let oldest =
        r#"{"cniVersion":"0.2.0","ip4":{"ip":"10.0.0.2/24","routes":[{"dst":"0.0.0.0/0"}]},"dns":{}}"#;
    assert_eq!(result.convert("0.2.0").unwrap().to_json(), oldest);
}

#[test]
fn down_to_0_2_0_takes_an_address_unless_it_starts_there() {
    for version in ["0.3.0", "0.4.0", "1.1.0"] {
        let error = read(&format!(r#"{{"cniVersion":"{version}"}}"#)).convert("0.2.0").unwrap_err();
        assert_eq!(error.message(), "cannot convert: no valid IP addresses");
    }
    assert_eq!(read("{}").convert("0.2.0").unwrap().to_json(), r#"{"cniVersion":"0.2.0","dns":{}}"#);
}

#[test]
fn the_family_of_an_address_is_what_the_version_field_says_where_there_is_one() {
    let text = r#"{"cniVersion":"0.4.0","ips":[{"version":"6","address":"10.0.0.1/8"},{"version":"x"}]}"#;
    let down = read(text).convert("0.1.0").unwrap();
    assert!(down.ip4().is_none());
    assert_eq!(down.ip6().unwrap().ip.unwrap().to_string(), "10.0.0.1/8");
    let around = read(text).convert("1.0.0").unwrap().convert("0.4.0").unwrap();
    let versions: Vec<_> = around.ips().iter().flatten().map(|ip| ip.version.as_str()).collect();
    assert_eq!(versions, ["4", "6"]);
}

#[test]
fn unknown_keys_stay_at_every_level_while_the_version_does() {
    for text in [
        concat!(
            r#"{"cniVersion":"1.0.0","interfaces":[{"name":"a","x\u0041":1.50}],"#,
            r#""ips":[{"address":"10.0.0.1/8","version":"4","é":{ "a" : [ ] }}],"#,
            r#""routes":[{"dst":"::/0","via":9007199254740993}],"dns":{"domain":"d","ttl":1E400},"#,
            r#""pools":[{"z":1,"a":"\ud800"}],"":null}"#,
        ),
        concat!(
            r#"{"cniVersion":"0.4.0","interfaces":[{"name":"a","mtu":"big"}],"#,
            r#""ips":[{"version":"4","scope":1}],"dns":{"x":1},"ip4":5}"#,
        ),
        concat!(
            r#"{"cniVersion":"0.2.0","ip4":{"ip":"10.0.0.1/8","routes":[{"dst":"::/0","x":[1]}],"y":2},"#,
            r#""dns":{},"ips":[{"address":"nonsense"}],"interfaces":7}"#,
        ),
    ] {
        let result = read(text);
        assert_eq!(result.to_json(), text);
        assert_eq!(result.convert(result.version()).unwrap().to_json(), text);
        for other in version::ALL.into_iter().filter(|version| *version != result.version()) {
            let Ok(converted) = result.convert(other) else { continue };
            for key in ["x", "pools", "via", "ttl", "\"y\"", "é", "big", "nonsense", "\"\""] {
                assert!(!converted.to_json().contains(key), "{key} in {}", converted.to_json());
            }
        }
    }
}

#[test]
fn null_elements_stay_and_where_they_cannot_they_are_an_error() {
    let text =
        r#"{"cniVersion":"0.4.0","interfaces":[null,{"name":"a"}],"ips":[null],"routes":[null],"dns":{}}"#;
    let result = read(text);
    assert_eq!(result.to_json(), text);
    assert_eq!(result.convert("0.3.0").unwrap().to_json(), text.replace("0.4.0", "0.3.0"));
    assert_eq!(result.interfaces()[1].as_ref().unwrap().name, "a");
    for (lists, target, message) in [
        (r#""interfaces":[null]"#, "1.0.0", "cannot convert: interfaces[0] is null"),
        (r#""ips":[{"version":"4"},null]"#, "1.1.0", "cannot convert: ips[1] is null"),
        (r#""ips":[{"version":"4"},null]"#, "0.2.0", "cannot convert: ips[1] is null"),
        (r#""ips":[{"version":"4"}],"routes":[null]"#, "0.1.0", "cannot convert: routes[0] is null"),
    ] {
        let error = read(&format!(r#"{{"cniVersion":"0.4.0",{lists}}}"#)).convert(target).unwrap_err();
        assert_eq!((error.message(), error.status()), (message, Status::InvalidResult));
    }
    // Once both families are found nobody looks at the rest, and nobody needs an interface.
    let enough = r#"{"cniVersion":"0.4.0","interfaces":[null],"ips":[{"version":"4"},{"version":"6"},null]}"#;
    assert!(read(enough).convert("0.2.0").is_ok());
    let legacy = r#"{"ip4":{"routes":[null]}}"#;
    assert_eq!(read(legacy).convert("1.0.0").unwrap().routes().len(), 1);
}

#[test]
fn a_plugin_that_tells_no_version_answers_in_that_of_the_request() {
    for stdout in [
        r#"{"ips":[]}"#,
        r#"{"cniVersion":""}"#,
        r#"{"cniVersion":7}"#,
        r#"{"cniVersion":null}"#,
        r#"{"cniVersion":"1.0.0","cniVersion":{}}"#,
        " null\n",
        "{}",
    ] {
        let version =
            |request| CniResult::from_plugin_output(stdout.as_bytes(), request).unwrap().version().to_owned();
        assert_eq!(version("0.4.0"), "0.4.0", "{stdout}");
        assert_eq!(version(""), "0.1.0", "{stdout}");
    }
    let told = CniResult::from_plugin_output(br#"{"cniVersion":"0.3.1"}"#, "1.0.0").unwrap();
    assert_eq!(told.version(), "0.3.1");
}

#[test]
fn what_is_no_result_says_so_with_the_fixed_texts() {
    for stdout in ["", "[]", "5", "{", "{} x", "nullx", "\u{c}null"] {
        let message = plugin_failure(stdout.as_bytes(), "1.0.0");
        assert!(message.starts_with("failed to unmarshal raw result: "), "{message}");
    }
    let unknown = "unsupported CNI result version \"9.\\\"9\\n\"";
    assert_eq!(plugin_failure(br#"{"cniVersion":"9.\"9\n"}"#, "1.0.0"), unknown);
    assert_eq!(plugin_failure(b"{}", "0.2.3"), "unsupported CNI result version \"0.2.3\"");
    assert!(failure("[]").starts_with("decoding version from network config: "));
    assert!(failure(r#"{"cniVersion":7}"#).starts_with("decoding version from network config: cniVersion: "));
    assert_eq!(failure(r#"{"cniVersion":"2.0.0"}"#), "unsupported CNI result version \"2.0.0\"");
    assert_eq!(
        plugin_failure(br#"{"cniVersion":"1.0.0","CNIVERSION":"0.4.0"}"#, ""),
        "result type supports [1.0.0 1.1.0] but unmarshalled CNIVersion is \"0.4.0\""
    );
}

#[test]
fn a_problem_names_its_place() {
    let in_1_0_0 = |rest: &str| failure(&format!(r#"{{"cniVersion":"1.0.0",{rest}}}"#));
    assert_eq!(
        in_1_0_0(r#""ips":[{"address":"10.0.0.1/8"},{"address":"10.0.0.1/99"}]"#),
        "invalid CIDR address: 10.0.0.1/99 (in ips[1].address)"
    );
    assert_eq!(in_1_0_0(r#""routes":[{"DST":null}]"#), "invalid CIDR address:  (in routes[0].dst)");
    assert_eq!(in_1_0_0(r#""routes":[{"gw":"x"}]"#), "invalid IP address: x (in routes[0].gw)");
    assert_eq!(
        failure(r#"{"ip6":{"routes":[{"dst":"::/0"},{"dst":"a/b/c"}]}}"#),
        "invalid CIDR address: a/b/c (in ip6.routes[1].dst)"
    );
    assert_eq!(
        in_1_0_0(r#""interfaces":[null,{"mtu":1.0}]"#),
        "interfaces[1].mtu: expected a 64-bit integer, found 1.0"
    );
    assert_eq!(in_1_0_0(r#""dns":{"search":["a",5]}"#), "dns.search[1]: expected a string, found a number");
    assert_eq!(in_1_0_0(r#""ips":{}"#), "ips: expected an array, found an object");
    // An address ends the reading where a type does not, as in the original.
    assert_eq!(
        in_1_0_0(r#""interfaces":7,"ips":[{"address":"x"}]"#),
        "invalid CIDR address: x (in ips[0].address)"
    );
}

#[test]
fn keys_match_in_any_letter_case_and_the_last_one_wins() {
    let text = concat!(
        r#"{"CNIVersion":"1.0.0","IPs":[{"Addre\u017f\u017F":"10.0.0.1/8","GateWay":"::ffff:10.0.0.2"}],"#,
        r#""interfaces":[{"name":"a","mac":"m","mac":null},{"name":"b"}],"Interfaces":[{"NAME":"c"}],"#,
        r#""dns":{"domain":"d","search":["x","y"]},"Dns":{"search":[null],"options":["o"]},"routes":[{}],"routes":null}"#,
    );
    let expected = concat!(
        r#"{"cniVersion":"1.0.0","interfaces":[{"name":"c","mac":"m"}],"#,
        r#""ips":[{"address":"10.0.0.1/8","gateway":"10.0.0.2"}],"#,
        r#""dns":{"domain":"d","search":["x"],"options":["o"]}}"#,
    );
    assert_eq!(read(text).to_json(), expected);
}

#[test]
fn without_a_version_the_members_take_effect_in_sorted_order() {
    // The original puts the version in and encodes all of it again, sorted and with numbers as doubles.
    let stdout =
        r#"{"interfaces":[{"name":"a","mtu":1.5e3,"mtu":1e2}],"Interfaces":[{"name":"b","mac":"m"}]}"#;
    let result = CniResult::from_plugin_output(stdout.as_bytes(), "1.0.0").unwrap();
    let expected = r#"{"cniVersion":"1.0.0","interfaces":[{"name":"a","mac":"m","mtu":100}]}"#;
    assert_eq!(result.to_json(), expected);
}

#[test]
fn text_is_kept_and_only_what_json_demands_is_escaped() {
    let text = "{\"cniVersion\":\"1.0.0\",\"dns\":{\"domain\":\"<é&\u{2028}\\\"\\\\\\n\\u0001>\"}}";
    assert_eq!(read(text).to_json(), text);
    let broken = CniResult::from_plugin_output(b"{\"dns\":{\"domain\":\"a\xff\\udc00\"}}", "1.0.0").unwrap();
    assert_eq!(broken.dns().domain, "a\u{fffd}\u{fffd}");
}

#[test]
fn nesting_without_end_is_no_danger() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(200_000), close.repeat(200_000));
        let unknown = format!(r#"{{"cniVersion":"1.0.0","x":{deep}}}"#);
        assert_eq!(read(&unknown).to_json(), unknown);
        assert!(
            CniResult::from_json(&format!(r#"{{"cniVersion":"1.0.0","ips":[{deep}]}}"#)).is_err()
                || open != "["
        );
    }
}

/// Text of a JSON value that knows the words of results, right and wrong ones.
fn value() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("null"),
        Just("true"),
        Just("0"),
        Just("-1"),
        Just("1500"),
        Just("1e2"),
        Just("99999999999999999999"),
        Just("\"\""),
        Just("\"4\""),
        Just("\"6\""),
        Just("\"eth0\""),
        Just("\"10.0.0.1/8\""),
        Just("\"fe80::1/64\""),
        Just("\"::ffff:1.2.3.4/100\""),
        Just("\"10.0.0.1\""),
        Just("\"10.0.0.1/99\""),
        Just("\"\\ud800\""),
    ];
    word.prop_map(str::to_owned).prop_recursive(4, 40, 5, |inner| {
        let members = proptest::collection::vec((key(), inner.clone()), 0..6);
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(|elements| format!("[{}]", elements.join(","))),
            members.prop_map(object),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    proptest::sample::select(vec![
        "interfaces",
        "ips",
        "routes",
        "dns",
        "ip4",
        "ip6",
        "name",
        "mac",
        "sandbox",
        "mtu",
        "version",
        "interface",
        "address",
        "gateway",
        "dst",
        "gw",
        "table",
        "ip",
        "domain",
        "search",
        "x",
        "IPS",
        "Name",
        "add\u{17f}ess",
        "cniVersion",
    ])
    .prop_map(str::to_owned)
}

fn object(members: Vec<(String, String)>) -> String {
    let members: Vec<_> = members.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

fn holds_for_every_reading(result: &CniResult) {
    let again = read(&result.to_json());
    assert_eq!(&again, result);
    assert_eq!(again.to_json(), result.to_json());
    for target in version::ALL {
        if let Ok(converted) = result.convert(target) {
            assert_eq!(read(&converted.to_json()), converted);
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_result_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = CniResult::from_plugin_output(&bytes, "1.0.0");
        let _ = CniResult::from_json(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn what_reads_writes_the_same_again(
        version in proptest::sample::select(version::ALL.to_vec()),
        members in proptest::collection::vec((key(), value()), 0..6),
        in_text in any::<bool>(),
    ) {
        let mut members = members;
        if in_text {
            members.insert(0, ("cniVersion".to_owned(), format!("\"{version}\"")));
        }
        if let Ok(result) = CniResult::from_plugin_output(object(members).as_bytes(), version) {
            holds_for_every_reading(&result);
        }
    }

    #[test]
    fn damage_to_a_result_does_no_harm(
        version in proptest::sample::select(version::ALL.to_vec()),
        at in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = sample(version).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(result) = CniResult::from_plugin_output(&bytes, version) {
            holds_for_every_reading(&result);
        }
    }
}
