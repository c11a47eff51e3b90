//! What chance meets too seldom: each odd identifier, each odd version, each depth of nesting, once.

use std::collections::BTreeMap;

use crate::harness::case::{Case, Form, Op, Program, Runtime, Script, Source, Step, Valid};
use crate::harness::generate::{CONTAINER_IDS, INTERFACE_NAMES, NETWORK_NAMES, ODD_VERSIONS};
use crate::harness::runner::{Oracle, report};

const RESULT: &str = r#"{"cniVersion":"1.0.0","ips":[{"address":"10.1.0.5/16"}]}"#;

fn hold(cases: impl IntoIterator<Item = Case>) {
    let Some(mut oracle) = Oracle::new() else { return };
    let failures: Vec<String> = cases
        .into_iter()
        .filter_map(|case| oracle.hold(&case).err().map(|why| report(&case, &why)))
        .collect();
    println!("{}", oracle.tally);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// One plugin that answers everything.
fn world() -> Case {
    let prints = |out: &str| Script { out: out.into(), ..Script::default() };
    let versions = r#"{"cniVersion":"1.1.0","supportedVersions":["0.1.0","0.4.0","1.0.0","1.1.0"]}"#;
    let scripts =
        BTreeMap::from([("ADD".to_owned(), prints(RESULT)), ("VERSION".to_owned(), prints(versions))]);
    Case {
        dirs: vec!["bin".to_owned()],
        programs: vec![Program { dir: "bin".to_owned(), name: "p".to_owned(), executable: true }],
        scripts: BTreeMap::from([("p".to_owned(), scripts)]),
        ..Case::default()
    }
}

fn steps(ops: &[Op], name: &str, version: &str, container_id: &str, if_name: &str) -> Vec<Step> {
    let list = format!(
        r#"{{"cniVersion":{},"name":{},"plugins":[{{"type":"p"}}]}}"#,
        serde_json::Value::from(version),
        serde_json::Value::from(name)
    );
    let rt =
        Runtime { container_id: container_id.to_owned(), if_name: if_name.to_owned(), ..Runtime::default() };
    let step = |op: &Op| Step {
        op: *op,
        source: Source { form: Form::List, bytes: list.clone().into(), ..Source::default() },
        rt: rt.clone(),
        cache_dir: "cache".to_owned(),
        container: container_id.to_owned(),
        valid: Some(vec![Valid { container_id: container_id.to_owned(), if_name: if_name.to_owned() }]),
        ..Step::default()
    };
    ops.iter().map(step).collect()
}

#[test]
fn identifiers_are_judged_as_by_the_original() {
    let mut tuples = vec![("net", "c1", "eth0")];
    tuples.extend(CONTAINER_IDS.map(|id| ("net", id, "eth0")));
    tuples.extend(INTERFACE_NAMES.map(|name| ("net", "c1", name)));
    tuples.extend(NETWORK_NAMES.map(|name| (name, "c1", "eth0")));
    let lives = [
        &[Op::Add, Op::Check, Op::Attachments, Op::Del][..],
        &[Op::Del],
        &[Op::Check],
        &[Op::CachedResult],
        &[Op::CachedConfig],
        &[Op::Gc],
    ];
    hold(tuples.iter().flat_map(|(name, id, interface)| {
        lives.map(|ops| Case { steps: steps(ops, name, "1.1.0", id, interface), ..world() })
    }));
}

#[test]
fn versions_are_judged_as_by_the_original() {
    let known = ["", "0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];
    let ops = [Op::Load, Op::Add, Op::Check, Op::CachedResult, Op::Del, Op::Gc, Op::Status, Op::Validate];
    hold(known.iter().chain(&ODD_VERSIONS).flat_map(|version| {
        let mut cases: Vec<Case> = ops
            .iter()
            .map(|op| Case { steps: steps(&[*op], "net", version, "c1", "eth0"), ..world() })
            .collect();
        let life = [Op::Add, Op::Check, Op::Del, Op::Del];
        cases.push(Case { steps: steps(&life, "net", version, "c1", "eth0"), ..world() });
        cases
    }));
}

/// Go's decoder stops at 10 000 levels; the stack of a thread must not be what stops ours.
#[test]
fn nesting_is_limited_as_in_the_original() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let depths = [127, 128, 129, 300, 1000];
    let cases = depths.iter().flat_map(|depth| {
        let plugin = format!(r#"{{"type":"p","x":{}}}"#, nested(*depth));
        let list = format!(r#"{{"name":"n","y":{},"plugins":[{plugin}]}}"#, nested(*depth));
        let result = format!(r#"{{"cniVersion":"1.0.0","x":{}}}"#, nested(*depth));
        let source = |form, text: &str| Source { form, bytes: text.into(), ..Source::default() };
        let convert = Step {
            op: Op::Convert,
            source: source(Form::List, &result),
            version: "1.0.0".to_owned(),
            ..Step::default()
        };
        [
            Step { source: source(Form::List, &list), ..Step::default() },
            Step { source: source(Form::Single, &plugin), ..Step::default() },
            convert,
        ]
        .map(|step| Case { steps: vec![step], ..Case::default() })
    });
    hold(cases);
}
