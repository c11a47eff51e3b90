//! Directories of configurations.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::case::{Blob, Case, File, Form, Op, Source, Step};
use super::conf;
use super::{json, one_of, version};

fn file_name() -> BoxedStrategy<String> {
    one_of(&[
        "10-a.conflist",
        "20-b.conflist",
        "05-z.conf",
        "30-c.json",
        "99-d.conf",
        ".conf",
        ".conflist",
        "x.conflist.bak",
        "noextension",
        "10-A.conflist",
        "a.CONF",
        "\u{e9}.conf",
        "net.conf",
        "b..json",
    ])
    .boxed()
}

/// Files, with drop-in directories beside them.
fn file() -> BoxedStrategy<File> {
    let list = prop_oneof![5 => version().prop_flat_map(conf::usual_list), 1 => conf::any_list()];
    let single = prop_oneof![4 => conf::usual_single(), 1 => conf::any_plugin()];
    let content = |text: BoxedStrategy<String>| json::damaged(text).prop_map(Some);
    let top = (file_name(), prop_oneof![3 => content(list.boxed()), 2 => content(single.boxed())], 0..25u8)
        .prop_map(|(name, content, how)| (name, if how == 0 { None } else { content }));
    let drop_in = (
        one_of(&["net/00.conf", "net/10.conf", "net/x.json", "net/20.conf", "a/1.conf", "net/sub/1.conf"]),
        content(prop_oneof![6 => conf::usual_plugin(), 1 => conf::any_plugin()].boxed()),
    );
    prop_oneof![2 => top, 1 => drop_in]
        .prop_map(|(name, content): (String, Option<Blob>)| File {
            path: format!("conf/{name}"),
            content,
            old: false,
        })
        .boxed()
}

/// Looking networks up, listing files, loading one.
pub fn directories() -> BoxedStrategy<Case> {
    let dir = prop_oneof![20 => Just("conf".to_owned()), 1 => Just("missing".to_owned()), 1 => Just("conf/net".to_owned()),
        1 => Just("conf/10-a.conflist".to_owned())];
    let look_up =
        (dir.clone(), one_of(&["net", "net", "net", "a", "", "other", "own"])).prop_map(|(path, name)| {
            Step {
                op: Op::Load,
                source: Source { form: Form::Dir, path, name, ..Source::default() },
                ..Step::default()
            }
        });
    let load = file_name().prop_map(|name| Step {
        op: Op::Load,
        source: Source { form: Form::File, path: format!("conf/{name}"), ..Source::default() },
        ..Step::default()
    });
    // None twice: the original then lists a file twice.
    let extensions =
        prop::sample::subsequence(vec![".conf", ".conflist", ".json", "", "conf", ".CONF", ".bak"], 0..4)
            .prop_map(|extensions| extensions.into_iter().map(str::to_owned).collect());
    let files = (dir, extensions).prop_map(|(path, extensions)| Step {
        op: Op::ConfFiles,
        source: Source { path, ..Source::default() },
        extensions,
        ..Step::default()
    });
    let step = prop_oneof![4 => look_up, 4 => load, 1 => files];
    (vec(file(), 0..6), step)
        .prop_map(|(files, step)| Case { files, steps: vec![step], ..Case::default() })
        .boxed()
}
