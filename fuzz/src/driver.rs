//! The driver for toolchains without libFuzzer: every file of the corpus, then mutations of them. Deterministic by
//! its seed and bounded by its iterations; it keeps no time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// What mutations are longer than only on purpose.
const USUAL_BYTES: usize = 4096;

/// What parsers of JSON, addresses, versions and environments stumble over.
const TOKENS: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b",",
    b":",
    b"null",
    b"true",
    b"false",
    b"0",
    b"-1",
    b"1e400",
    b"18446744073709551616",
    b"9223372036854775807",
    b"0.5",
    b"\\u0000",
    b"\\ud800",
    b"\\",
    b"\0",
    b"\xff",
    b"\xc3\xa9",
    b"\xe2\x84\xaa",
    b" ",
    b"\n",
    b"{}",
    b"[]",
    b"\"\"",
    b"\"name\":",
    b"\"Name\":",
    b"\"type\":",
    b"\"cniVersion\":",
    b"\"cniVersions\":",
    b"\"plugins\":",
    b"\"capabilities\":",
    b"\"prevResult\":",
    b"\"ips\":",
    b"\"ip4\":",
    b"\"address\":",
    b"\"routes\":",
    b"\"dns\":",
    b"\"interfaces\":",
    b"\"interface\":",
    b"\"code\":",
    b"\"msg\":",
    b"\"supportedVersions\":",
    b"\"kind\":",
    b"\"config\":",
    b"\"result\":",
    b"\"cniArgs\":",
    b"\"0.1.0\"",
    b"\"0.2.0\"",
    b"\"0.4.0\"",
    b"\"1.0.0\"",
    b"\"1.1.0\"",
    b"1.2.3.4/24",
    b"::ffff:1.2.3.4/128",
    b"fd00::1/64",
    b"/",
    b";",
    b"=",
    b"..",
];

/// The corpus of a target: its files in the order of their names.
pub fn corpus(target: &str) -> Vec<Vec<u8>> {
    let dir = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus")).join(target);
    let dir = if dir.exists() {
        dir
    } else {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
    };
    let entries = std::fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable directory").path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a readable file")).collect()
}

/// Runs a target over its corpus and that many mutations; gives the number of executions, or the input on which
/// the target panicked.
pub fn drive(name: &str, target: fn(&[u8]), seed: u64, iterations: usize) -> Result<usize, String> {
    let corpus = corpus(name);
    let mut random = Random(seed ^ 0x9e37_79b9_7f4a_7c15);
    let mutations = (0..iterations).map(|_| {
        let mut input = random.choose(&corpus).clone();
        for _ in 0..=random.below(6) {
            mutate(&mut input, &corpus, &mut random);
        }
        input
    });
    let mut executions = 0;
    for input in corpus.iter().cloned().chain(mutations) {
        executions += 1;
        catch_unwind(AssertUnwindSafe(|| target(&input))).map_err(|_| {
            let file = std::env::temp_dir().join(format!("libcni-fuzz-{name}-{}", std::process::id()));
            let kept = std::fs::write(&file, &input)
                .map_or_else(|error| error.to_string(), |()| file.display().to_string());
            format!(
                "execution {executions}, seed {seed}; the input is in {kept}: {:?}",
                String::from_utf8_lossy(&input)
            )
        })?;
    }
    Ok(executions)
}

fn mutate(input: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut Random) {
    let at = random.below(input.len() + 1);
    let length = random.below(1 + (input.len() - at).min(64));
    match random.below(9) {
        0 if at < input.len() => input[at] ^= 1 << random.below(8),
        1 if at < input.len() => input[at] = random.below(256) as u8,
        2 | 3 => drop(input.splice(at..at, random.choose(TOKENS).iter().copied())),
        4 => drop(input.splice(at..at + length, random.choose(TOKENS).iter().copied())),
        5 => drop(input.drain(at..at + length)),
        6 => {
            let again = input[at..at + length].to_vec();
            input.splice(at..at, again);
        }
        7 => {
            let other = random.choose(corpus);
            let from = random.below(other.len() + 1);
            let rest = &other[from..];
            input.splice(at.., rest.iter().copied());
        }
        // Rarely: what is nested without end.
        _ if random.below(64) == 0 => {
            let depth = random.below(30_000);
            let (open, close): (&[u8], &[u8]) =
                if random.below(2) == 0 { (b"[", b"]") } else { (b"{\"a\":", b"}") };
            let nested = [open.repeat(depth), b"1".to_vec(), close.repeat(depth)].concat();
            input.splice(at..at, nested);
            return;
        }
        _ => {}
    }
    input.truncate(USUAL_BYTES);
}

/// A generator of numbers that are the same everywhere (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn choose<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
