//! Finding the program of a plugin.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use cni::Status;
use cni::context::Context;
use cni::exec::process::ProcessExec;
use cni::exec::{Exec as _, FindRequest};
use cni::types::command::Command;

fn find(plugin: &str, dirs: &[PathBuf]) -> Result<PathBuf, String> {
    let context = Context::background();
    let found = ProcessExec::new().find_in_path(&FindRequest::new(Command::Add, plugin, dirs, &context));
    found.map_err(|error| {
        assert_eq!(error.status(), Status::PluginNotFound);
        error.to_string()
    })
}

/// Directories `a`, `b` and `c`.
struct Dirs(tempfile::TempDir);

impl Dirs {
    fn new() -> Dirs {
        let dirs = Dirs(tempfile::tempdir().unwrap());
        dirs.all().iter().for_each(|dir| std::fs::create_dir(dir).unwrap());
        dirs
    }

    fn all(&self) -> Vec<PathBuf> {
        ["a", "b", "c"].map(|name| self.0.path().join(name)).to_vec()
    }

    fn file(&self, path: &str, mode: u32) -> PathBuf {
        let path = self.0.path().join(path);
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn text(&self, text: &str) -> String {
        text.replace('^', self.0.path().to_str().unwrap())
    }
}

#[test]
fn the_first_directory_with_the_file_wins() {
    let dirs = Dirs::new();
    dirs.file("c/bridge", 0o755);
    let first = dirs.file("b/bridge", 0o755);
    assert_eq!(find("bridge", &dirs.all()), Ok(first));
}

#[test]
fn the_texts_are_the_originals() {
    let dirs = Dirs::new();
    assert_eq!(find("", &dirs.all()), Err("no plugin name provided".into()));
    assert_eq!(find("a/b", &dirs.all()), Err("invalid plugin name: a/b".into()));
    assert_eq!(find("bridge", &[]), Err("no paths provided".into()));
    assert_eq!(find("", &[]), Err("no plugin name provided".into()));
    let expected = dirs.text("failed to find plugin \"no\\\"ne\" in path [^/a ^/b ^/c]");
    assert_eq!(find("no\"ne", &dirs.all()), Err(expected));
    assert_eq!(find("nul\0", &["/x".into()]), Err("failed to find plugin \"nul\\x00\" in path [/x]".into()));
}

#[test]
fn what_is_not_a_regular_file_is_no_plugin() {
    let dirs = Dirs::new();
    std::fs::create_dir(dirs.0.path().join("a/bridge")).unwrap();
    symlink("/dev/null", dirs.0.path().join("b/bridge")).unwrap();
    symlink("absent", dirs.0.path().join("c/bridge")).unwrap();
    for name in ["bridge", ".", ".."] {
        let expected = dirs.text(&format!("failed to find plugin \"{name}\" in path [^/a ^/b ^/c]"));
        assert_eq!(find(name, &dirs.all()), Err(expected));
    }
}

#[test]
fn a_symbolic_link_to_a_program_is_one() {
    let dirs = Dirs::new();
    dirs.file("b/real", 0o755);
    symlink("../b/real", dirs.0.path().join("a/bridge")).unwrap();
    assert_eq!(find("bridge", &dirs.all()), Ok(dirs.0.path().join("a/bridge")));
}

#[test]
fn a_file_that_is_not_executable_hides_no_plugin_and_is_named_when_there_is_none() {
    let dirs = Dirs::new();
    dirs.file("a/bridge", 0o644);
    dirs.file("b/bridge", 0o600);
    let expected = dirs.text(
        "failed to find plugin \"bridge\" in path [^/a ^/b ^/c] (not executable: ^/a/bridge, ^/b/bridge)",
    );
    assert_eq!(find("bridge", &dirs.all()), Err(expected));
    let good = dirs.file("c/bridge", 0o755);
    assert_eq!(find("bridge", &dirs.all()), Ok(good));
}

#[test]
fn the_path_found_is_cleaned() {
    let dirs = Dirs::new();
    let good = dirs.file("b/bridge", 0o755);
    let untidy = PathBuf::from(dirs.text("^//a/.././b/"));
    assert_eq!(
        find("bridge", &[PathBuf::from("/absent"), untidy]).as_deref().map(|path| path.as_os_str()),
        Ok(good.as_os_str())
    );
}
