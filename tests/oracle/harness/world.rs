//! The directory in which a case is played.
//!
//! Both sides play in the same place, one after the other, so that every path in a text is the same.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::case::{Blob, Case, File};

/// What the library keeps in a cache directory beside the original's files.
const OWN: &str = ".libcni";

pub struct World {
    dir: TempDir,
}

/// One run of a plugin, as the plugin saw it.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub argc: String,
    pub program: String,
    pub cwd: String,
    pub env: BTreeMap<String, String>,
    pub stdin: Blob,
}

impl Run {
    pub fn command(&self) -> &str {
        self.env.get("CNI_COMMAND").map_or("", String::as_str)
    }

    /// For people.
    pub fn title(&self) -> String {
        let name = self.program.rsplit('/').next().unwrap_or_default();
        format!("{} {name}", self.command())
    }
}

/// What stands in the cache directories: mode, and contents of files.
pub type Cache = BTreeMap<String, (u32, Option<Blob>)>;

impl World {
    pub fn new() -> World {
        World { dir: TempDir::new().expect("a temporary directory") }
    }

    pub fn root(&self) -> PathBuf {
        self.dir.path().join("world")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// The path of a name that may be empty, which stands for none.
    pub fn optional(&self, name: &str) -> PathBuf {
        if name.is_empty() { PathBuf::new() } else { self.path(name) }
    }

    /// Makes the world as it is before the first step.
    pub fn make(&self, case: &Case) {
        match fs::remove_dir_all(self.root()) {
            Err(error) if error.kind() != ErrorKind::NotFound => panic!("the old world stays: {error}"),
            _ => {}
        }
        for dir in ["script", "log"].into_iter().chain(case.dirs.iter().map(String::as_str)) {
            fs::create_dir_all(self.path(dir)).expect("a directory");
        }
        for program in &case.programs {
            let path = self.path(&program.dir).join(&program.name);
            fs::create_dir_all(self.path(&program.dir)).expect("a directory");
            // A link, for a copy could be open for writing in a child that another thread makes meanwhile.
            let made =
                if program.executable { symlink(fake_plugin(), path) } else { fs::write(path, "no program") };
            // Two programs of one name are one.
            let _ = made;
        }
        for (plugin, commands) in &case.scripts {
            for (command, script) in commands {
                let write = |part: &str, bytes: &[u8]| {
                    let path = self.path("script").join(format!("{plugin}.{command}.{part}"));
                    if !bytes.is_empty() {
                        fs::write(path, bytes).expect("a script");
                    }
                };
                write("out", &script.out.0);
                write("err", &script.err.0);
                write("end", script.end.as_bytes());
            }
        }
        case.files.iter().for_each(|file| self.put(file));
    }

    fn put(&self, file: &File) {
        let path = self.path(&file.path);
        if let Some(parent) = path.parent() {
            // The modes of a cache.
            fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).expect("a directory");
        }
        let Some(content) = &file.content else {
            let _ = fs::create_dir_all(&path);
            return;
        };
        // A file that cannot be made (its name is too long, or a directory's) is not part of this world.
        if fs::write(&path, &content.0).is_err() {
            return;
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its owner may");
        if file.old {
            let hour_ago = SystemTime::now() - Duration::from_secs(3600);
            let opened = fs::File::options().write(true).open(&path).expect("it was made");
            opened.set_modified(hour_ago).expect("its owner may");
        }
    }

    /// The runs since the last call, in order.
    pub fn runs(&self) -> Vec<Run> {
        let mut runs = Vec::new();
        for number in 0.. {
            let path = self.path("log").join(format!("{number:04}"));
            let Ok(record) = fs::read(&path) else { break };
            fs::remove_file(path).expect("a record");
            runs.push(read_record(&record));
        }
        runs
    }

    pub fn cache(&self) -> Cache {
        let mut cache = Cache::new();
        for dir in ["cache", "other"] {
            collect(&self.path(dir), dir, &mut cache);
        }
        cache
    }
}

fn collect(path: &Path, name: &str, into: &mut Cache) {
    let Ok(metadata) = fs::symlink_metadata(path) else { return };
    let mode = metadata.permissions().mode() & 0o7777;
    if !metadata.is_dir() {
        into.insert(name.to_owned(), (mode, Some(Blob(fs::read(path).expect("a cache file")))));
        return;
    }
    into.insert(name.to_owned(), (mode, None));
    for entry in fs::read_dir(path).expect("a directory") {
        let entry = entry.expect("an entry").file_name();
        let entry = entry.to_string_lossy();
        if entry != OWN {
            collect(&path.join(&*entry), &format!("{name}/{entry}"), into);
        }
    }
}

fn read_record(record: &[u8]) -> Run {
    let mut rest = record;
    let mut next = || {
        let end = rest.iter().position(|byte| *byte == 0).expect("a whole record");
        let text = String::from_utf8_lossy(&rest[..end]).into_owned();
        rest = &rest[end + 1..];
        text
    };
    let (argc, program, cwd) = (next(), next(), next());
    let mut env = BTreeMap::new();
    loop {
        let variable = next();
        if variable.is_empty() {
            break;
        }
        let (name, value) = variable.split_once('=').unwrap_or((&variable, ""));
        let before = env.insert(name.to_owned(), value.to_owned());
        assert_eq!(before, None, "the variable {name} twice");
    }
    Run { argc, program, cwd, env, stdin: Blob(rest.to_owned()) }
}

/// The compiled plugin.
fn fake_plugin() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/harness/plugin.c");
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("oracle-plugin");
        let compiled = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()))
            .args(["-std=c11", "-D_DEFAULT_SOURCE", "-O1", "-Wall", "-o"])
            .args([&program, &source])
            .status()
            .expect("the oracle's plugin needs a C compiler");
        assert!(compiled.success());
        program
    })
}
