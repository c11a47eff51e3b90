//! docs/PLUGINS.md shows the examples as they are, and what it says that one sees is what one sees.

use std::path::Path;
use std::process::Command;

fn read(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// The first block of that language.
fn block(language: &str) -> String {
    let page = read("docs/PLUGINS.md");
    let (_, rest) = page.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("\n```\n").unwrap().0.to_owned() + "\n"
}

#[test]
fn the_page_shows_the_examples() {
    assert_eq!(block("rust"), read("examples/rust/plugins/fixed_ip.rs"));
    assert_eq!(block("c"), read("examples/c/plugins/fixed_ip.c"));
    assert_eq!(block("python"), read("examples/python/plugins/fixed_ip.py"));
}

#[test]
fn the_session_on_the_page_is_what_happens() {
    // In a run of all tests the example is there already; in a run of this one alone it may be missing or old.
    let built = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--quiet", "--locked", "--example", "fixed-ip"])
        .args(if cfg!(debug_assertions) { None } else { Some("--release") })
        .status()
        .unwrap();
    assert!(built.success());
    let this = std::env::current_exe().unwrap();
    let mut path = this.ancestors().nth(2).unwrap().join("examples").into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    let output = Command::new("bash").args(["-euc", &block("sh")]).env("PATH", path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), block("text"));
}
