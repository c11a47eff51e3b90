//! Where the plugins come from.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::Instant;

use crate::sandbox::note;

/// A set of plugins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// The newest release, as `go.mod` beside this file pins it, built once into the target directory.
    Newest,
    /// Those that the machine has.
    Installed,
}

/// The directory of a set; else why there is none.
pub fn dir(set: Set) -> Result<PathBuf, String> {
    static NEWEST: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match set {
        Set::Newest => NEWEST.get_or_init(newest).clone(),
        Set::Installed => installed(),
    }
}

fn installed() -> Result<PathBuf, String> {
    let path = std::env::var_os("CNI_PATH").unwrap_or_default();
    let usual = ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"];
    std::env::split_paths(&path)
        .chain(usual.map(PathBuf::from))
        .find(|dir| dir.join("bridge").is_file() && dir.join("host-local").is_file())
        .ok_or_else(|| "no plugins are installed (Debian: containernetworking-plugins)".into())
}

fn newest() -> Result<PathBuf, String> {
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real_plugins");
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("real_plugins");
    if is_current(&built, &module) {
        return Ok(built);
    }
    let go = Go::find(&module)?;
    note("building the plugins of the newest release with Go, once; this can take some minutes");
    let start = Instant::now();
    go.download()?;
    // Made aside and moved into place: another run may be building too, or still use the old ones.
    let aside = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).map_err(|error| error.to_string())?;
    go.build(aside.path());
    for source in SOURCES {
        let copy = aside.path().join(source.replace('/', "-"));
        fs::copy(module.join(source), copy).map_err(|error| error.to_string())?;
    }
    let _ = fs::remove_dir_all(&built);
    let aside = aside.keep();
    if fs::rename(&aside, &built).is_err() {
        let _ = fs::remove_dir_all(&aside);
        assert!(is_current(&built, &module), "the built plugins cannot be moved to {}", built.display());
    }
    note(&format!("built the plugins in {} s", start.elapsed().as_secs()));
    Ok(built)
}

/// What the plugins are built from; copies stay beside them.
const SOURCES: [&str; 3] = ["go.mod", "go.sum", "ledger/main.go"];

fn is_current(built: &Path, module: &Path) -> bool {
    SOURCES.iter().all(|source| {
        let copy = fs::read(built.join(source.replace('/', "-")));
        copy.is_ok_and(|copy| fs::read(module.join(source)).is_ok_and(|source| source == copy))
    })
}

/// The Go that is installed, at work on our module.
struct Go<'a> {
    module: &'a Path,
}

impl Go<'_> {
    /// # Errors
    /// When there is none, or it is older than the module asks for.
    fn find(module: &Path) -> Result<Go<'_>, String> {
        let go = Go { module };
        // Asked elsewhere: an older one might not read our module.
        let output = go.run_in(Path::new("/"), &["env", "GOVERSION"])?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let wanted = fs::read_to_string(module.join("go.mod")).map_err(|error| error.to_string())?;
        let wanted = wanted.lines().find_map(|line| line.strip_prefix("go ")).unwrap_or_default();
        if numbers(version.trim_start_matches("go")) < numbers(wanted) {
            return Err(format!("the newest plugins need Go {wanted}, this is {version}"));
        }
        Ok(go)
    }

    /// # Errors
    /// When the modules cannot be had: most likely the machine is offline.
    fn download(&self) -> Result<(), String> {
        let output = self.run(&["mod", "download"])?;
        if output.status.success() {
            return Ok(());
        }
        let stderr = String::from_utf8_lossy(&output.stderr);
        Err(format!(
            "Go cannot get the modules of the newest plugins: {}",
            stderr.lines().last().unwrap_or("")
        ))
    }

    /// The plugins have to build: this fails the test.
    fn build(&self, dir: &Path) {
        let dir = dir.to_string_lossy().into_owned() + "/";
        let output = self
            .run(&["build", "-trimpath", "-ldflags", "-s -w", "-o", &dir, "tool", "./ledger"])
            .expect("go was there before");
        assert!(output.status.success(), "go build: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn run(&self, args: &[&str]) -> Result<Output, String> {
        self.run_in(self.module, args)
    }

    fn run_in(&self, dir: &Path, args: &[&str]) -> Result<Output, String> {
        Command::new("go")
            .args(args)
            .current_dir(dir)
            // No C compiler is needed, no other Go is fetched, and what the user's own projects set stays out.
            .envs([("CGO_ENABLED", "0"), ("GOTOOLCHAIN", "local"), ("GOFLAGS", "-mod=readonly")])
            .env("GOWORK", "off")
            .output()
            .map_err(|error| format!("the newest plugins are built by Go (Debian: golang-go): {error}"))
    }
}

fn numbers(version: &str) -> Vec<u32> {
    let digits = |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>();
    version.split('.').map(|part| digits(part).parse().unwrap_or(0)).collect()
}
