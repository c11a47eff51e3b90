//! The programs: built once for all tests.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

#[derive(Clone)]
pub struct Program {
    pub name: &'static str,
    pub path: PathBuf,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn skipped<T>(what: &str, why: &str) -> Option<T> {
    let _ = writeln!(std::io::stderr(), "skipped {what}: {why}");
    None
}

/// The plugin with the original's skeleton.
pub fn original() -> Option<Program> {
    static BUILT: OnceLock<Option<Program>> = OnceLock::new();
    BUILT
        .get_or_init(|| {
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("skel-original");
            let go = |args: &[&str]| {
                Command::new(std::env::var_os("GO").unwrap_or_else(|| "go".into()))
                    .current_dir(root().join("tests/oracle"))
                    .envs([("GOTOOLCHAIN", "local"), ("GOWORK", "off"), ("CGO_ENABLED", "0")])
                    .args(args)
                    .output()
            };
            match go(&["mod", "download"]) {
                Err(error) => return skipped("the original", &format!("it needs Go: {error}")),
                Ok(output) if !output.status.success() => {
                    return skipped("the original", &String::from_utf8_lossy(&output.stderr));
                }
                Ok(_) => {}
            }
            let built = go(&["build", "-buildvcs=false", "-o", path.to_str().unwrap(), "./skel"]).unwrap();
            assert!(built.status.success(), "go build: {}", String::from_utf8_lossy(&built.stderr));
            Some(Program { name: "the original", path })
        })
        .clone()
}

/// The same plugin with ours.
pub fn ours() -> Vec<Program> {
    static BUILT: OnceLock<Vec<Program>> = OnceLock::new();
    BUILT.get_or_init(|| vec![rust()].into_iter().chain(c()).collect()).clone()
}

/// The directory of what cargo built beside this test.
fn built() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    this.parent().and_then(Path::parent).unwrap().to_owned()
}

fn rust() -> Program {
    // Part of a run of all tests it is there already; of this one alone it is not.
    let status = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["build", "--quiet", "--locked", "--example", "probe-plugin"])
        .args(if cfg!(debug_assertions) { None } else { Some("--release") })
        .status()
        .unwrap();
    assert!(status.success());
    Program { name: "Rust", path: built().join("examples/probe-plugin") }
}

fn c() -> Option<Program> {
    let library = built().join("libcni.so");
    if !library.exists() {
        return skipped("the plugin in C", "libcni.so was not built");
    }
    // Linked by the name that the library gives itself.
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("skel-c");
    fs::create_dir_all(&dir).unwrap();
    for name in ["libcni.so", "libcni.so.0"] {
        let _ = fs::remove_file(dir.join(name));
        std::os::unix::fs::symlink(&library, dir.join(name)).unwrap();
    }
    let path = dir.join("probe");
    let output = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()))
        .args(["-std=c11", "-D_DEFAULT_SOURCE", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&path)
        .args(["include", "examples/c"].map(|dir| format!("-I{}", root().join(dir).display())))
        .args([root().join("tests/plugins/probe.c"), root().join("examples/c/json.c")])
        .args([format!("-L{}", dir.display()), "-lcni".into(), format!("-Wl,-rpath,{}", dir.display())])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(Program { name: "C", path })
}
