//! Makes a failing case smaller than proptest does: it takes away whole parts, which are generated together.

use std::collections::BTreeMap;

use super::case::{Blob, Case, Runtime, Script, Source};
use super::json::{raw_elements, raw_members};

/// The most attempts: a person waits.
const ATTEMPTS: usize = 600;

/// The smallest case found that still fails, and why it does.
pub fn smallest(case: Case, mut fails: impl FnMut(&Case) -> Option<String>) -> (Case, String) {
    let mut why =
        fails(&case).unwrap_or_else(|| "it failed once, and not when it was played again".to_owned());
    let kind = kind_of(&why);
    let mut smallest = case;
    let mut left = ATTEMPTS;
    loop {
        let mut progress = false;
        let mut index = 0;
        // The list of attempts changes with each success, and is gone through to its end each time.
        while let Some(case) = candidates(&smallest).into_iter().nth(index) {
            if left == 0 {
                return (smallest, why);
            }
            left -= 1;
            match fails(&case).filter(|reason| kind_of(reason) == kind) {
                Some(reason) => {
                    (smallest, why, progress) = (case, reason, true);
                }
                None => index += 1,
            }
        }
        if !progress {
            return (smallest, why);
        }
    }
}

/// What a text says, without the step and without what is different in each case: a smaller case must not fail
/// for another reason.
pub fn kind_of(why: &str) -> String {
    let text = why.split_once(": ").map_or(why, |(_, text)| text);
    text.chars().take(60).filter(|c| !c.is_ascii_digit()).collect()
}

fn candidates(case: &Case) -> Vec<Case> {
    let mut out = Vec::new();
    let mut with = |change: &dyn Fn(&mut Case)| {
        let mut changed = case.clone();
        change(&mut changed);
        if changed.to_text() != case.to_text() {
            out.push(changed);
        }
    };
    for index in 0..case.steps.len() {
        with(&|case| drop(case.steps.remove(index)));
    }
    for index in 0..case.files.len() {
        with(&|case| drop(case.files.remove(index)));
    }
    for (name, commands) in &case.scripts {
        with(&|case| drop(case.scripts.remove(name)));
        for command in commands.keys() {
            with(&|case| drop(case.scripts.get_mut(name).map(|commands| commands.remove(command))));
            let script = |case: &mut Case, change: &dyn Fn(&mut Script)| {
                if let Some(script) = case.scripts.get_mut(name).and_then(|all| all.get_mut(command)) {
                    change(script);
                }
            };
            with(&|case| script(case, &|script| script.err = Blob::default()));
            for out in parts(&commands[command].out) {
                with(&|case| script(case, &|script| script.out = out.clone()));
            }
        }
    }
    for index in 0..case.programs.len() {
        with(&|case| drop(case.programs.remove(index)));
    }
    // A configuration or a container occurs in several steps.
    for source in distinct(case.steps.iter().map(|step| &step.source)) {
        for bytes in parts(&source.bytes) {
            with(&|case| {
                for step in &mut case.steps {
                    if step.source.bytes == source.bytes {
                        step.source.bytes = bytes.clone();
                    }
                }
            });
        }
    }
    for index in 0..case.files.len() {
        for content in case.files[index].content.iter().flat_map(parts) {
            with(&|case| case.files[index].content = Some(content.clone()));
        }
    }
    let runtimes = |case: &mut Case, change: &dyn Fn(&mut Runtime)| {
        case.steps.iter_mut().for_each(|step| change(&mut step.rt));
    };
    with(&|case| runtimes(case, &|rt| rt.capability_args = BTreeMap::new()));
    with(&|case| runtimes(case, &|rt| rt.cni_args = Vec::new()));
    with(&|case| runtimes(case, &|rt| rt.netns = String::new()));
    with(&|case| {
        for step in &mut case.steps {
            (step.trace, step.valid, step.plugin, step.container) = Default::default();
        }
    });
    out
}

fn distinct<'a>(sources: impl Iterator<Item = &'a Source>) -> Vec<&'a Source> {
    let mut out: Vec<&Source> = Vec::new();
    for source in sources {
        if !out.iter().any(|other| other.bytes == source.bytes) {
            out.push(source);
        }
    }
    out
}

/// The text with one member or element less, here or further in.
fn parts(blob: &Blob) -> Vec<Blob> {
    let Ok(text) = std::str::from_utf8(&blob.0) else { return Vec::new() };
    less(text).into_iter().map(Blob::from).collect()
}

fn less(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if let Ok(members) = raw_members(text) {
        let pairs: Vec<(&str, &str)> =
            members.iter().map(|member| (member.raw_key, member.raw_value)).collect();
        let print = |pairs: &[(&str, &str)]| {
            let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}:{value}")).collect();
            format!("{{{}}}", pairs.join(","))
        };
        for index in 0..pairs.len() {
            let mut fewer = pairs.clone();
            fewer.remove(index);
            out.push(print(&fewer));
            for value in less(pairs[index].1) {
                let mut changed = pairs.clone();
                changed[index].1 = &value;
                out.push(print(&changed));
            }
        }
    } else if let Ok(elements) = raw_elements(text) {
        for index in 0..elements.len() {
            let mut fewer = elements.clone();
            fewer.remove(index);
            out.push(format!("[{}]", fewer.join(",")));
            for value in less(elements[index]) {
                let mut changed = elements.clone();
                changed[index] = &value;
                out.push(format!("[{}]", changed.join(",")));
            }
        }
    }
    out
}
