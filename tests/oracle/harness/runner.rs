//! Plays as many cases as asked for, tells the smallest one that fails, and plays one again.
//!
//! | variable | meaning |
//! |---|---|
//! | `LIBCNI_ORACLE_CASES` | how many cases each test generates |
//! | `LIBCNI_ORACLE_SEED` | a number: the same cases again |
//! | `LIBCNI_ORACLE_SURVEY` | 1: go on after failures, and list each kind once, as it was found |
//! | `LIBCNI_ORACLE_CASE` | the file of one case, for the test `replay` |

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use super::case::Case;
use super::compare;
use super::original::Original;
use super::play::{Play, Side, play};
use super::rules::Tally;
use super::smaller;
use super::world::World;

/// Who plays a step.
type Turns = fn(usize) -> Side;

/// One original and one world, for any number of cases.
pub struct Oracle {
    original: Original,
    world: World,
    pub tally: Tally,
}

impl Oracle {
    /// `None`, and a line that says why, where the original cannot be had.
    pub fn new() -> Option<Oracle> {
        prepare_environment();
        let original = Original::start()?;
        Some(Oracle { original, world: World::new(), tally: Tally::default() })
    }

    /// Plays a case by each side and, when it has more than one step, by both in turns.
    ///
    /// # Errors
    /// The first difference that no rule allows, told with both sides.
    pub fn hold(&mut self, case: &Case) -> Result<(), String> {
        let theirs = play(case, &self.world, &mut self.original, |_| Side::Original);
        let turns: [(&str, Turns); 3] = [
            ("ours", |_| Side::Ours),
            ("ours first, then in turns", |index| if index % 2 == 0 { Side::Ours } else { Side::Original }),
            (
                "the original first, then in turns",
                |index| {
                    if index % 2 == 1 { Side::Ours } else { Side::Original }
                },
            ),
        ];
        let plays = if case.steps.len() > 1 { turns.len() } else { 1 };
        for (name, who) in &turns[..plays] {
            let ours = play(case, &self.world, &mut self.original, who);
            let mut tally = Tally::default();
            if let Err(why) = compare::plays(case, &ours, &theirs, &mut tally) {
                return Err(format!("{why}\n\n{}", both_sides(name, &ours, &theirs)));
            }
            self.tally.add(&tally);
        }
        Ok(())
    }
}

/// Holds both sides together over generated cases.
///
/// # Panics
/// With the smallest case that fails, both sides of it, and how to play it again.
pub fn hold_generated(name: &str, share: u32, cases: impl Strategy<Value = Case>) {
    let Some(oracle) = Oracle::new() else { return };
    let oracle = RefCell::new(oracle);
    // The same cases each time, so that a build does not fail by chance; `make oracle` takes new ones.
    let seed = number("LIBCNI_ORACLE_SEED").unwrap_or(1);
    let wanted = number("LIBCNI_ORACLE_CASES").unwrap_or(300);
    let wanted = u32::try_from(wanted).unwrap_or(u32::MAX).saturating_mul(share) / 100;
    println!("{name}: {wanted} cases, LIBCNI_ORACLE_SEED={seed}");
    let config = Config {
        cases: wanted,
        failure_persistence: None,
        max_shrink_iters: 200,
        max_shrink_time: 10_000,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8] = name.bytes().fold(0, u8::wrapping_add);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    if number("LIBCNI_ORACLE_SURVEY").is_some() {
        return survey(&mut oracle.borrow_mut(), TestRunner::new_with_rng(config, rng), &cases);
    }
    let outcome = TestRunner::new_with_rng(config, rng)
        .run(&cases, |case| oracle.borrow_mut().hold(&case).map_err(TestCaseError::fail));
    print!("{}", oracle.borrow().tally);
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(_, case)) => {
            let (case, why) = smaller::smallest(case, |case| oracle.borrow_mut().hold(case).err());
            panic!("{}", report(&case, &why));
        }
        Err(TestError::Abort(why)) => panic!("no cases: {why}"),
    }
}

/// Plays all cases and lists the kinds of failures: quicker than one by one where there are many.
fn survey(oracle: &mut Oracle, mut runner: TestRunner, cases: &impl Strategy<Value = Case>) {
    let mut kinds: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for _ in 0..runner.config().cases {
        let case = cases.new_tree(&mut runner).expect("a case").current();
        let Err(why) = oracle.hold(&case) else { continue };
        let kind = format!("{}{}", why.split(['(', ')']).nth(1).unwrap_or_default(), smaller::kind_of(&why));
        kinds.entry(kind).or_insert_with(|| (0, report(&case, &why))).0 += 1;
    }
    print!("{}", oracle.tally);
    let found: Vec<String> =
        kinds.values().map(|(count, text)| format!("=== {count} x {}", smaller_report(text))).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The first lines of a report, and how to play it again.
fn smaller_report(text: &str) -> String {
    let first = text.split("\n---").next().unwrap_or_default();
    format!("{first}\n{}", text.trim_end().lines().last().unwrap_or_default())
}

/// Plays the case of `LIBCNI_ORACLE_CASE`, if it is set.
pub fn replay() {
    let Some(path) = std::env::var_os("LIBCNI_ORACLE_CASE") else { return };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PathBuf::from(path));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let case: Case = serde_json::from_str(&text).expect("a case");
    let Some(mut oracle) = Oracle::new() else { return };
    if oracle.hold(&case).is_err() {
        let (case, why) = smaller::smallest(case, |case| oracle.hold(case).err());
        panic!("{}", report(&case, &why));
    }
    println!("no difference but\n{}", oracle.tally);
}

/// What a person needs to see, and to play the case again.
pub fn report(case: &Case, why: &str) -> String {
    let text = case.to_text();
    let sum = text.bytes().fold(0u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("oracle-case-{sum:08x}.json"));
    std::fs::write(&path, &text).expect("the file of the case");
    format!("{why}\ncase:\n{text}\n\nplay it again:\n  make oracle CASE={}\n", path.display())
}

fn both_sides(name: &str, ours: &Play, theirs: &Play) -> String {
    let mut text = String::new();
    for (index, (a, b)) in ours.steps.iter().zip(&theirs.steps).enumerate() {
        for (title, played) in [(name, a), ("the original", b)] {
            text += &format!("--- step {index}, {title} ({:?})\n", played.side);
            match (&played.answer.error, &played.answer.panic) {
                (Some(error), _) => text += &format!("error {error:#?}\n"),
                (None, Some(panic)) => text += &format!("panic {panic}\n"),
                (None, None) => text += &format!("value {:?}\n", played.answer.value),
            }
            for run in &played.runs {
                let own: Vec<String> = run
                    .env
                    .iter()
                    .filter(|(name, _)| name.starts_with("CNI_"))
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                text += &format!("run {} {}\n    {:?}\n", run.program, own.join(" "), run.stdin);
            }
            for (name, (mode, content)) in &played.cache {
                text += &format!("cache {mode:o} {name} {content:?}\n");
            }
        }
    }
    text
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text:?}")))
}

/// What a host's environment may hold already. Both sides inherit it, and each name may occur only once.
fn prepare_environment() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        for (name, value) in [
            ("CNI_COMMAND", "stale"),
            ("CNI_ARGS", "STALE=1"),
            ("TRACEPARENT", "stale"),
            ("ORACLE_TEST", "a=b c"),
        ] {
            // SAFETY: every test begins here, and nothing else in this program reads the environment before
            // the one thread that is in `call_once` has left it.
            unsafe { std::env::set_var(name, value) };
        }
    });
}
