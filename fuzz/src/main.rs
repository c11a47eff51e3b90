//! Fuzzing, in two ways over the same targets (`targets/`) and corpus (`corpus/<target>/`).
//!
//! Without features: a small deterministic driver that runs on any toolchain.
//!
//!     cargo run --release -- [--seed N] [--iterations N] [TARGET...]
//!
//! With the feature `libfuzzer` and coverage compiled in: libFuzzer, which learns. `libfuzzer.sh` knows the flags; the
//! target is named by LIBCNI_FUZZ_TARGET, the arguments are libFuzzer's own.

#![cfg_attr(feature = "libfuzzer", no_main)]

#[path = "../targets/mod.rs"]
mod targets;

#[cfg(feature = "libfuzzer")]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    static TARGET: std::sync::OnceLock<fn(&[u8])> = std::sync::OnceLock::new();
    let run = TARGET.get_or_init(|| {
        let name = std::env::var("LIBCNI_FUZZ_TARGET").unwrap_or_default();
        let target = targets::ALL.iter().find(|(known, _)| *known == name);
        target.unwrap_or_else(|| panic!("LIBCNI_FUZZ_TARGET names no target: {name:?}")).1
    });
    run(data);
});

#[cfg(not(feature = "libfuzzer"))]
mod driver;

#[cfg(not(feature = "libfuzzer"))]
fn main() -> std::process::ExitCode {
    let (mut seed, mut iterations, mut names) = (1, 100_000, Vec::new());
    let mut arguments = std::env::args().skip(1);
    let number = |name: &str, value: Option<String>| -> u64 {
        value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name} takes a number"))
    };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seed" => seed = number("--seed", arguments.next()),
            "--iterations" => iterations = number("--iterations", arguments.next()),
            name => names.push(name.to_owned()),
        }
    }
    let mut failed = false;
    for (name, run) in
        targets::ALL.iter().filter(|(name, _)| names.is_empty() || names.iter().any(|n| n == name))
    {
        match driver::drive(name, *run, seed, iterations as usize) {
            Ok(executions) => println!("ok - {name}: {executions} executions"),
            Err(finding) => {
                failed = true;
                println!("FAILED - {name}: {finding}");
            }
        }
    }
    u8::from(failed).into()
}
