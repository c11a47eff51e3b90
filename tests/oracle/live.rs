//! Live attachments of real plugins, made by one side and checked and deleted by the other.
//!
//! In a user, mount and network namespace of their own, so that this needs no root and touches no network
//! of the host. The test starts itself again in there.

use std::path::Path;
use std::process::Command;

use crate::harness::case::{Case, Form, Op, Runtime, Source, Step};
use crate::harness::original::Original;
use crate::harness::play::{Side, play};
use crate::harness::world::World;

/// Where distributions put them.
const DIRS: [&str; 2] = ["/opt/cni/bin", "/usr/lib/cni"];

const NEEDED: [&str; 4] = ["loopback", "bridge", "host-local", "tuning"];

fn plugin_dir() -> Option<&'static str> {
    DIRS.into_iter().find(|dir| NEEDED.iter().all(|plugin| Path::new(dir).join(plugin).is_file()))
}

#[test]
fn attachments_of_one_side_are_live_for_the_other() {
    if plugin_dir().is_none() {
        eprintln!("skipped: no real plugins ({}) in {}", NEEDED.join(", "), DIRS.join(" or "));
        return;
    }
    let set_up = "mount -t tmpfs none /run && mkdir /run/netns && ip link set lo up && ip netns add c1";
    let unshare = |then: &str| {
        let mut command = Command::new("unshare");
        command.args([
            "--user",
            "--map-root-user",
            "--mount",
            "--net",
            "sh",
            "-c",
            &format!("{set_up} && {then}"),
        ]);
        command
    };
    match unshare("true").output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            eprintln!("skipped: no namespaces of our own here: {why}");
            return;
        }
        Err(error) => {
            eprintln!("skipped: unshare: {error}");
            return;
        }
    }
    // Outside, for inside there may be no network to get modules from.
    if Original::start().is_none() {
        return;
    }
    let inside = r#"exec "$0" --exact live::inside --ignored --nocapture --test-threads 1"#;
    let program = std::env::current_exe().unwrap();
    let output = unshare(inside).arg(program).output().unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

/// What runs in the namespaces.
#[test]
#[ignore = "attachments_of_one_side_are_live_for_the_other starts it where it can do no harm"]
fn inside() {
    let mut original = Original::start().expect("it was there outside");
    let world = World::new();
    let lists = [
        r#"{"cniVersion":"1.0.0","name":"lo","plugins":[{"type":"loopback"}]}"#.to_owned(),
        format!(
            r#"{{"cniVersion":"1.0.0","name":"net","plugins":[
                {{"type":"bridge","bridge":"br0","isGateway":true,"ipam":{{"type":"host-local","dataDir":"{}","ranges":[
                    [{{"subnet":"10.99.0.0/24"}}],[{{"subnet":"fd99::/64"}}]]}}}},
                {{"type":"tuning","capabilities":{{"mac":true}},"mtu":1400}}]}}"#,
            world.path("leases").display()
        ),
    ];
    for list in lists {
        for (adds, other) in [(Side::Ours, Side::Original), (Side::Original, Side::Ours)] {
            let ops = [
                Op::Add,
                Op::Check,
                Op::CachedResult,
                Op::Attachments,
                Op::Gc,
                Op::Check,
                Op::Del,
                Op::Check,
            ];
            let case = Case {
                locking: true,
                dirs: vec![plugin_dir().unwrap().to_owned()],
                steps: ops.iter().map(|op| step(*op, &list)).collect(),
                ..Case::default()
            };
            let played = play(&case, &world, &mut original, |index| if index == 0 { adds } else { other });
            let (last, life) = played.steps.split_last().unwrap();
            for (op, step) in ops.iter().zip(life) {
                let error = step.answer.error.as_ref().map(|error| &error.text);
                assert_eq!(error, None, "{op:?} by {:?}", step.side);
                assert_eq!(step.answer.panic, None, "{op:?} by {:?}", step.side);
            }
            // A CHECK that looks finds nothing any more.
            assert!(last.answer.error.is_some() || list.contains("loopback") && other == Side::Original);
            assert!(last.cache.values().all(|(_, content)| content.is_none()), "{:?}", last.cache);
        }
    }
}

fn step(op: Op, list: &str) -> Step {
    let mut step = Step {
        op,
        source: Source { form: Form::List, bytes: list.into(), ..Source::default() },
        rt: Runtime {
            container_id: "c1".to_owned(),
            netns: "/run/netns/c1".to_owned(),
            if_name: if list.contains("loopback") { "lo" } else { "eth0" }.to_owned(),
            ..Runtime::default()
        },
        cache_dir: "cache".to_owned(),
        ..Step::default()
    };
    let valid = crate::harness::case::Valid {
        container_id: step.rt.container_id.clone(),
        if_name: step.rt.if_name.clone(),
    };
    step.valid = Some(vec![valid]);
    step
}
