//! Both sides over configurations, results and errors that others wrote.
//!
//! The vectors are no part of this crate: `LIBCNI_VECTORS` tells where they are, or they are in
//! `../shared/vectors`. Without them this is skipped.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;

use crate::harness::case::{Blob, Case, File, Form, Op, Program, Runtime, Script, Source, Step, Valid};
use crate::harness::json::{Json, raw_elements, raw_members};
use crate::harness::runner::{Oracle, report};

/// A result of every version, for plugins that are to succeed.
const RESULTS: [(&str, &str); 4] = [
    ("0.2.0", r#"{"cniVersion":"0.2.0","ip4":{"ip":"10.1.0.5/16","gateway":"10.1.0.1"},"dns":{}}"#),
    ("0.4.0", r#"{"cniVersion":"0.4.0","ips":[{"version":"4","address":"10.1.0.5/16"}],"x":1.50,"dns":{}}"#),
    (
        "1.0.0",
        r#"{"cniVersion":"1.0.0","interfaces":[{"name":"eth0","x":1}],"ips":[{"address":"fd00::5/64"}]}"#,
    ),
    (
        "1.1.0",
        r#"{"cniVersion":"1.1.0","interfaces":[{"name":"eth0","mtu":1500}],"ips":[{"address":"10.1.0.5/16"}]}"#,
    ),
];

const VERSIONS: [&str; 8] = ["", "0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];

/// A result in the version of the configuration, or the nearest one.
fn result_for(configuration: &[u8]) -> &'static str {
    let version = Json::parse(configuration).unwrap_or(Json::Null).str("cniVersion").to_owned();
    RESULTS.iter().find(|(known, _)| *known >= version.as_str()).unwrap_or(&RESULTS[3]).1
}

fn vectors() -> Option<PathBuf> {
    let dir = std::env::var_os("LIBCNI_VECTORS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors"), PathBuf::from);
    if dir.join("README.md").is_file() {
        return Some(dir);
    }
    eprintln!("skipped: no vectors in {} (LIBCNI_VECTORS tells another place)", dir.display());
    None
}

/// The files below a directory, in order, with their paths in it.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes)));
        } else {
            found.push((name, fs::read(path).unwrap()));
        }
    }
    assert!(!found.is_empty(), "{} is empty", dir.display());
    found
}

/// Holds every case, and tells all that fail.
fn hold(cases: impl IntoIterator<Item = (String, Case)>) {
    let Some(mut oracle) = Oracle::new() else { return };
    let mut failures = Vec::new();
    let mut count = 0;
    for (name, case) in cases {
        count += 1;
        if let Err(why) = oracle.hold(&case) {
            failures.push(format!("{name}: {}", report(&case, &why)));
        }
    }
    println!("{count} cases\n{}", oracle.tally);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn of_bytes(form: Form, bytes: &[u8]) -> Source {
    Source { form, bytes: Blob(bytes.to_owned()), ..Source::default() }
}

fn step(op: Op, source: &Source) -> Step {
    let rt = Runtime {
        container_id: "c1".to_owned(),
        netns: "/run/netns/c1".to_owned(),
        if_name: "eth0".to_owned(),
        cni_args: vec![("IgnoreUnknown".to_owned(), "1".to_owned())],
        ..Runtime::default()
    };
    Step { op, source: source.clone(), rt, cache_dir: "cache".to_owned(), ..Step::default() }
}

/// Every string under a key `type`, and every capability that is declared: more than are needed do no harm.
fn names(bytes: &[u8]) -> (BTreeSet<String>, BTreeSet<String>) {
    fn walk(text: &str, types: &mut BTreeSet<String>, capabilities: &mut BTreeSet<String>) {
        for member in raw_members(text).unwrap_or_default() {
            if let Ok(Json::String(name)) = Json::parse(member.raw_value.as_bytes()) {
                types.extend(member.key.eq_ignore_ascii_case("type").then_some(name));
            }
            if member.key.eq_ignore_ascii_case("capabilities") {
                capabilities
                    .extend(raw_members(member.raw_value).unwrap_or_default().into_iter().map(|one| one.key));
            }
            walk(member.raw_value, types, capabilities);
        }
        raw_elements(text)
            .unwrap_or_default()
            .into_iter()
            .for_each(|element| walk(element, types, capabilities));
    }
    let (mut types, mut capabilities) = Default::default();
    walk(&String::from_utf8_lossy(bytes), &mut types, &mut capabilities);
    (types, capabilities)
}

/// A world with a program for each type that occurs, which returns that result from ADD.
fn world(bytes: &[u8], result: &str) -> Case {
    let versions = r#"{"cniVersion":"1.1.0","supportedVersions":["0.3.1","0.4.0","1.0.0","1.1.0"]}"#;
    let prints = |out: &str| Script { out: out.into(), ..Script::default() };
    let scripts =
        BTreeMap::from([("ADD".to_owned(), prints(result)), ("VERSION".to_owned(), prints(versions))]);
    let types = names(bytes).0;
    let fits = |name: &&String| !name.is_empty() && !name.contains('/');
    Case {
        dirs: vec!["bin".to_owned()],
        programs: types
            .iter()
            .filter(fits)
            .map(|name| Program { dir: "bin".to_owned(), name: name.clone(), executable: true })
            .collect(),
        scripts: types.iter().filter(fits).map(|name| (name.clone(), scripts.clone())).collect(),
        ..Case::default()
    }
}

/// The life of an attachment, with every capability's argument given.
fn life(source: &Source, bytes: &[u8], result: &str) -> Case {
    let argument = RawValue::from_string(r#"[{"a": 9007199254740993, "b":1.50}]"#.to_owned()).unwrap();
    let ops = [
        Op::Validate,
        Op::Status,
        Op::Add,
        Op::Check,
        Op::CachedResult,
        Op::CachedConfig,
        Op::Attachments,
        Op::Gc,
        Op::Del,
        Op::Del,
    ];
    let single = source.form == Form::Single;
    let steps = ops
        .into_iter()
        .filter(|op| !(single && matches!(op, Op::Status | Op::Gc)))
        .map(|op| {
            let mut step = step(op, source);
            let capabilities = names(bytes).1;
            step.rt.capability_args = capabilities.into_iter().map(|name| (name, argument.clone())).collect();
            step.valid = Some(vec![Valid { container_id: "c1".to_owned(), if_name: "eth0".to_owned() }]);
            step
        })
        .collect();
    Case { steps, ..world(bytes, result) }
}

#[test]
fn configurations_of_others_do_what_they_do_with_the_original() {
    let Some(dir) = vectors() else { return };
    let all = files(&dir.join("conflists"));
    let mut cases = Vec::new();
    for (name, bytes) in &all {
        let forms: &[Form] =
            if name.ends_with(".conflist") { &[Form::List] } else { &[Form::Single, Form::Wrapped] };
        for form in forms {
            let source = of_bytes(*form, bytes);
            let load =
                Case { steps: vec![Step { source: source.clone(), ..Step::default() }], ..Case::default() };
            cases.push((format!("{name} as {form:?}"), load));
            if *form != Form::Wrapped {
                cases
                    .push((format!("{name} as {form:?}, its life"), life(&source, bytes, result_for(bytes))));
            }
        }
    }
    // From files, where there are drop-ins.
    let in_world = |(name, bytes): &(String, Vec<u8>)| File {
        path: format!("conf/{name}"),
        content: Some(Blob(bytes.clone())),
        old: false,
    };
    let conf_files: Vec<File> = all.iter().map(in_world).collect();
    let everything: Vec<u8> = all.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
    for (name, bytes) in all.iter().filter(|(name, _)| name.ends_with(".conflist")) {
        let list = Json::parse(bytes).unwrap_or(Json::Null);
        let network = list.str("name").to_owned();
        let source = Source {
            form: Form::File,
            path: format!("conf/{name}"),
            name: network.clone(),
            ..Source::default()
        };
        let mut case = life(&source, &everything, RESULTS[3].1);
        // The type of a drop-in is in no list.
        let drop_ins = all.iter().filter(|(other, _)| other.contains("/some-network/"));
        for (_, bytes) in drop_ins.chain([(name.clone(), bytes.clone())].iter()) {
            let more = world(bytes, RESULTS[3].1);
            case.programs.extend(more.programs);
            case.scripts.extend(more.scripts);
        }
        case.files.clone_from(&conf_files);
        // The rest is the same as of bytes.
        case.steps.retain(|step| matches!(step.op, Op::Add | Op::Check | Op::Del));
        case.steps.insert(0, Step { source: source.clone(), ..Step::default() });
        cases.push((format!("{name} as a file"), case));
        let dir = name.rsplit_once('/').map_or("conf".to_owned(), |(dir, _)| format!("conf/{dir}"));
        let look_up = Source { form: Form::Dir, path: dir, name: network, ..Source::default() };
        let steps = vec![Step { source: look_up, ..Step::default() }];
        cases.push((
            format!("{name} looked up"),
            Case { steps, files: conf_files.clone(), ..Case::default() },
        ));
    }
    hold(cases);
}

#[test]
fn results_of_others_convert_as_in_the_original() {
    let Some(dir) = vectors() else { return };
    let mut cases = Vec::new();
    for (name, bytes) in files(&dir.join("results")) {
        if name.starts_with("cache-") {
            cases.push((name.clone(), cached(&bytes)));
            continue;
        }
        let convert = |version: &&str| Step {
            op: Op::Convert,
            source: of_bytes(Form::List, &bytes),
            version: (*version).to_owned(),
            ..Step::default()
        };
        let steps = VERSIONS.iter().map(convert).collect();
        cases.push((name.clone(), Case { steps, ..Case::default() }));
        // As a plugin's answer, and what is made of it.
        for version in ["0.2.0", "0.4.0", "1.1.0"] {
            let list = format!(
                r#"{{"cniVersion":"{version}","name":"net","plugins":[{{"type":"a"}},{{"type":"b"}}]}}"#
            );
            let source = of_bytes(Form::List, list.as_bytes());
            let case = life(&source, list.as_bytes(), &String::from_utf8_lossy(&bytes));
            cases.push((format!("{name} of a plugin asked for {version}"), case));
        }
    }
    hold(cases);
}

/// A whole cache entry, under the name that it was written to.
fn cached(bytes: &[u8]) -> Case {
    let entry = Json::parse(bytes).unwrap();
    let (network, container, interface) =
        (entry.str("networkName"), entry.str("containerId"), entry.str("ifName"));
    let list = format!(r#"{{"cniVersion":"0.4.0","name":{network:?},"plugins":[{{"type":"a"}}]}}"#);
    let source = of_bytes(Form::List, list.as_bytes());
    let ops = [Op::Attachments, Op::CachedConfig, Op::CachedResult, Op::Check, Op::Del, Op::Attachments];
    let steps = ops.into_iter().map(|op| {
        let mut step = step(op, &source);
        (step.rt.container_id, step.rt.if_name) = (container.to_owned(), interface.to_owned());
        step
    });
    let path = format!("cache/results/{network}-{container}-{interface}");
    let file = File { path, content: Some(Blob(bytes.to_owned())), old: true };
    Case { steps: steps.collect(), files: vec![file], ..world(list.as_bytes(), RESULTS[1].1) }
}

#[test]
fn errors_of_others_read_as_in_the_original() {
    let Some(dir) = vectors() else { return };
    let list = br#"{"cniVersion":"1.1.0","name":"net","plugins":[{"type":"a"},{"type":"b","name":"own"}]}"#;
    let single = br#"{"cniVersion":"1.1.0","name":"net","type":"b"}"#;
    let mut cases = Vec::new();
    for (name, bytes) in files(&dir.join("errors")) {
        for (form, configuration) in [(Form::List, &list[..]), (Form::Single, single)] {
            for op in [Op::Add, Op::Check, Op::Del, Op::Gc, Op::Status, Op::Validate, Op::Version] {
                if form == Form::Single && matches!(op, Op::Gc | Op::Status) {
                    continue;
                }
                let mut case = world(configuration, RESULTS[3].1);
                let fails =
                    Script { out: Blob(bytes.clone()), err: "noise\n".into(), end: "exit 1".to_owned() };
                let commands = ["ADD", "CHECK", "DEL", "GC", "STATUS", "VERSION"];
                let mut scripts = case.scripts["b"].clone();
                if op != Op::Check {
                    scripts.extend(commands.map(|command| (command.to_owned(), fails.clone())));
                } else {
                    scripts.insert("CHECK".to_owned(), fails);
                    case.steps.push(step(Op::Add, &of_bytes(form, configuration)));
                }
                case.scripts.insert("b".to_owned(), scripts);
                case.steps.push(Step { plugin: "b".to_owned(), ..step(op, &of_bytes(form, configuration)) });
                cases.push((format!("{name} of {op:?}, {form:?}"), case));
            }
        }
    }
    hold(cases);
}
