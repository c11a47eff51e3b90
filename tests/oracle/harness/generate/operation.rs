//! Operations, one after the other, over one cache.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;

use super::super::case::{Blob, Case, File, Form, Op, Program, Runtime, Source, Step, Valid};
use super::super::json::Json;
use super::conf::{self, NETWORK, TYPES};
use super::{cache, json, known_version, one_of, runtime, script, version};

/// Everything of a case but its steps.
#[derive(Clone, Debug)]
struct Scene {
    /// The configuration of most steps, and another one for some.
    sources: Vec<Source>,
    runtimes: Vec<Runtime>,
    case: Case,
}

fn source(version: String) -> BoxedStrategy<(Source, Vec<File>)> {
    let list = prop_oneof![12 => conf::usual_list(version.clone()), 1 => conf::any_list()];
    let single = prop_oneof![12 => conf::usual_single(), 1 => conf::any_plugin()];
    let of_bytes = |form: Form, bytes: Blob| (Source { form, bytes, ..Source::default() }, Vec::new());
    let drop_ins = vec((one_of(&["10.conf", "20.conf"]), conf::usual_plugin()), 0..3);
    let in_file = (conf::usual_list(version), drop_ins).prop_map(|(list, drop_ins)| {
        let name = Json::parse(list.as_bytes()).map(|list| list.str("name").to_owned()).unwrap_or_default();
        let file = |path: String, text: String| File { path, content: Some(text.into()), old: false };
        let mut files = vec![file("conf/10-net.conflist".to_owned(), list)];
        files.extend(drop_ins.into_iter().map(|(name, text)| file(format!("conf/{NETWORK}/{name}"), text)));
        let path = files[0].path.clone();
        (Source { form: Form::File, path, name, ..Source::default() }, files)
    });
    prop_oneof![
        12 => json::damaged(list).prop_map(move |bytes| of_bytes(Form::List, bytes)),
        4 => single.clone().prop_map(move |text| of_bytes(Form::Single, text.into())),
        1 => single.prop_map(move |text| of_bytes(Form::Wrapped, text.into())),
        2 => in_file,
    ]
    .boxed()
}

fn programs() -> BoxedStrategy<(Vec<String>, Vec<Program>)> {
    let all = |dir: &str| -> Vec<Program> {
        let program =
            |name: &&str| Program { dir: dir.to_owned(), name: (*name).to_owned(), executable: true };
        TYPES.iter().map(program).collect()
    };
    let usual = (vec!["bin".to_owned()], all("bin"));
    let split = {
        let mut programs = all("bin2");
        programs[0].dir = "bin".to_owned();
        (vec!["bin".to_owned(), "bin2".to_owned()], programs)
    };
    let missing = (vec!["bin".to_owned()], all("bin")[..1].to_vec());
    let not_executable = {
        let mut programs = all("bin2");
        programs.push(Program { dir: "bin".to_owned(), name: TYPES[0].to_owned(), executable: false });
        (vec!["bin".to_owned(), "bin2".to_owned()], programs)
    };
    let odd_dirs = (vec!["bin/../bin/".to_owned(), "./bin".to_owned()], all("bin"));
    prop_oneof![
        20 => Just(usual.clone()),
        2 => Just(split),
        1 => Just(missing),
        1 => Just(not_executable),
        1 => Just(odd_dirs),
        1 => Just((Vec::new(), usual.1)),
    ]
    .boxed()
}

fn scene() -> BoxedStrategy<Scene> {
    let versions = prop_oneof![12 => known_version(), 2 => version()];
    versions
        .prop_flat_map(|version| {
            let scripts: Vec<_> = TYPES.iter().map(|_| script::plugin(version.clone())).collect();
            let sources = (source(version.clone()), weighted(0.15, source(version)));
            let runtimes = (runtime::runtime(), weighted(0.3, runtime::runtime()));
            (sources, runtimes, scripts, programs(), any::<bool>()).prop_flat_map(
                |((first, second), (rt, other_rt), scripts, (dirs, programs), locking)| {
                    let runtimes: Vec<Runtime> = [Some(rt), other_rt].into_iter().flatten().collect();
                    let mut files = first.1;
                    let list = String::from_utf8_lossy(&first.0.bytes.0).into_owned();
                    let mut sources = vec![first.0];
                    if let Some((source, more)) = second {
                        sources.push(source);
                        files.extend(more);
                    }
                    let scripts: BTreeMap<_, _> =
                        TYPES.iter().map(|name| (*name).to_owned()).zip(scripts).collect();
                    let case = Case { locking, dirs, programs, scripts, files, steps: Vec::new() };
                    cache::files(list, runtimes.clone()).prop_map(move |cached| {
                        let mut case = case.clone();
                        case.files.extend(cached);
                        Scene { sources: sources.clone(), runtimes: runtimes.clone(), case }
                    })
                },
            )
        })
        .boxed()
}

fn op() -> BoxedStrategy<Op> {
    prop_oneof![
        6 => Just(Op::Add),
        4 => Just(Op::Check),
        5 => Just(Op::Del),
        2 => Just(Op::CachedResult),
        2 => Just(Op::CachedConfig),
        2 => Just(Op::Attachments),
        2 => Just(Op::Validate),
        3 => Just(Op::Gc),
        2 => Just(Op::Status),
        1 => Just(Op::Version),
    ]
    .boxed()
}

fn ops() -> BoxedStrategy<Vec<Op>> {
    prop_oneof![
        // A life of an attachment.
        3 => (vec(op(), 0..3), any::<bool>()).prop_map(|(between, again)| {
            let mut ops = vec![Op::Add];
            ops.extend(between);
            ops.extend([Op::Check, Op::Del]);
            ops.extend(again.then_some(Op::Del));
            ops
        }),
        2 => vec(op(), 1..2),
        2 => vec(op(), 2..5),
    ]
    .boxed()
}

fn step(scene: &Scene, op: Op) -> BoxedStrategy<Step> {
    let Scene { sources, runtimes, .. } = scene.clone();
    let ids: Vec<Valid> = runtimes
        .iter()
        .map(|rt| Valid { container_id: rt.container_id.clone(), if_name: rt.if_name.clone() })
        .collect();
    let other = Valid { container_id: "gone".to_owned(), if_name: "eth0".to_owned() };
    let valid = prop_oneof![
        2 => Just(None),
        2 => Just(Some(ids)),
        1 => Just(Some(Vec::new())),
        1 => Just(Some(vec![other])),
    ];
    let containers: Vec<String> =
        runtimes.iter().map(|rt| rt.container_id.clone()).chain([String::new(), "c".to_owned()]).collect();
    let types = prop_oneof![4 => one_of(&TYPES), 1 => one_of(&["", "absent", "a/b"])];
    // The first of each most of the time.
    let first = |length: usize| prop_oneof![6 => Just(0), 1 => 0..length];
    let which = (first(sources.len()), first(runtimes.len()));
    (which, valid, prop::sample::select(containers), types, runtime::trace(), 0..12u8)
        .prop_map(move |((source, rt), valid, container, plugin, trace, place)| {
            let source = sources[source].clone();
            let op = match (op, source.form) {
                // There is no such operation on one plugin.
                (Op::Gc | Op::Status, Form::Single) => Op::Validate,
                (op, _) => op,
            };
            let mut step = Step {
                op,
                source,
                rt: runtimes[rt].clone(),
                valid,
                container,
                plugin,
                trace,
                ..Step::default()
            };
            // These two never look at the call's own directory.
            match place {
                0 if !matches!(op, Op::Gc | Op::Attachments) => step.rt.cache_dir = "other".to_owned(),
                1 => (step.cache_dir, step.rt.cache_dir) = ("cache".to_owned(), "other".to_owned()),
                _ => step.cache_dir = "cache".to_owned(),
            }
            step
        })
        .boxed()
}

pub fn operations() -> BoxedStrategy<Case> {
    (scene(), ops())
        .prop_flat_map(|(scene, ops)| {
            let steps: Vec<_> = ops.into_iter().map(|op| step(&scene, op)).collect();
            steps.prop_map(move |steps| Case { steps, ..scene.case.clone() })
        })
        .boxed()
}
