//! A process of its own for every test, in private namespaces.
//!
//! A user namespace can only be entered by a process with one thread, which a test never has. So a test
//! starts this very program again, in new namespaces, to run that one test; there it does what it is
//! about. Everything it makes, interfaces, rules, files under `/run`, ends with that process.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::host::Host;
use crate::plugins::{self, Set};
use crate::sys::{self, Namespaces};

/// Tells the second process that it is the second one, and where its plugins are.
const INSIDE: &str = "LIBCNI_TEST_SANDBOX";
/// The namespaces of the first process, which the second one must have left.
const OUTSIDE: &str = "LIBCNI_TEST_OUTSIDE";
const SKIPPED: i32 = 77;
const SKIP_MARK: &str = "cannot run here: ";
/// An ordinary user: nobody.
const NOBODY: u32 = 65534;

/// Who starts the test's second process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum As {
    /// This process; the second one is root in a user namespace, or, where those are forbidden and this is
    /// root, without one.
    Root,
    /// Root, without a user namespace.
    RealRoot,
    /// An ordinary user, who is root in a user namespace.
    OrdinaryUser,
}

/// Runs the body of `test` (its module path and name) on a private host with that set of plugins.
pub fn run(test: &str, set: Set, who: As, body: fn(&Host)) {
    if let Some(plugins) = std::env::var_os(INSIDE) {
        // What follows would disturb the machine: whoever sets the variable by hand gets no further.
        let outside = std::env::var(OUTSIDE).expect("the first process tells its namespaces");
        assert!(outside.split(' ').zip(own_namespaces()).all(|(of_first, own)| of_first != own));
        return body(&Host::enter(plugins.into()));
    }
    let (_, test) = test.split_once("::").expect("a test lives in a module");
    match start(test, set, who) {
        Ok(()) => {}
        Err(reason) => note(&format!("skipped {test}: {reason}")),
    }
}

/// Ends the second process: the machine lacks something.
pub fn skip(reason: impl std::fmt::Display) -> ! {
    println!("{SKIP_MARK}{reason}");
    std::process::exit(SKIPPED)
}

/// A line that `cargo test` shows also when the test passes: it only holds back what the macros print.
pub fn note(line: &str) {
    let _ = writeln!(std::io::stderr(), "real_plugins: {line}");
}

/// Runs the test in its second process. An error is the reason why that cannot be.
fn start(test: &str, set: Set, who: As) -> Result<(), String> {
    let mut plugins = plugins::dir(set)?;
    let mut program = std::env::current_exe().expect("a test knows its program");
    let (uid, gid) = sys::identity();
    let mut ids = (uid, gid);
    let namespaces = match who {
        As::Root => namespaces()?,
        As::RealRoot | As::OrdinaryUser if uid != 0 => return Err("this is not root".into()),
        As::RealRoot => Namespaces::WithoutUser,
        As::OrdinaryUser => {
            ids = (NOBODY, NOBODY);
            Namespaces::WithUser
        }
    };
    let copies = if who == As::OrdinaryUser { Some(copy_for_everyone(&program, &plugins)) } else { None };
    if let Some(copies) = &copies {
        (program, plugins) = (copies.path().join("test"), copies.path().join("plugins"));
    }
    let mut command = Command::new(program);
    command
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(INSIDE, plugins)
        .env(OUTSIDE, own_namespaces().join(" "))
        .env("PATH", path_with_system_programs())
        .current_dir("/")
        .stdin(Stdio::null());
    if who == As::OrdinaryUser {
        command.uid(NOBODY).gid(NOBODY);
    }
    sys::start_in_namespaces(&mut command, namespaces, ids.0, ids.1);
    let output = command.output().map_err(|error| format!("namespaces are forbidden here: {error}"))?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    match output.status.code() {
        Some(0) => Ok(()),
        Some(SKIPPED) => {
            Err(stdout.split(SKIP_MARK).nth(1).and_then(|rest| rest.lines().next()).unwrap_or("").into())
        }
        _ => panic!("{} {stdout}\n{}", output.status, String::from_utf8_lossy(&output.stderr)),
    }
}

/// The mount and the network namespace that this process is in.
fn own_namespaces() -> [String; 2] {
    ["/proc/self/ns/mnt", "/proc/self/ns/net"].map(|link| {
        let namespace = std::fs::read_link(link).expect("a namespace");
        namespace.to_string_lossy().into_owned()
    })
}

/// The namespaces that this machine allows; asked once.
fn namespaces() -> Result<Namespaces, String> {
    static ALLOWED: OnceLock<Result<Namespaces, String>> = OnceLock::new();
    let ask = || {
        let (uid, gid) = sys::identity();
        let try_with = |namespaces| {
            let mut command = Command::new("/proc/self/exe");
            command.arg("--list").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            sys::start_in_namespaces(&mut command, namespaces, uid, gid);
            command.status().map(|_| namespaces)
        };
        match try_with(Namespaces::WithUser) {
            Err(_) if uid == 0 => try_with(Namespaces::WithoutUser),
            outcome => outcome,
        }
        .map_err(|error| format!("private namespaces are forbidden here: {error}"))
    };
    ALLOWED.get_or_init(ask).clone()
}

/// Ordinary users often lack the directories of ip, iptables and nft in their path.
fn path_with_system_programs() -> OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/sbin:/sbin");
    path
}

/// This program and the plugins where any user can reach them: the build directory may be private.
fn copy_for_everyone(program: &Path, plugins: &Path) -> TempDir {
    let dir = tempfile::tempdir().expect("a directory for copies");
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).expect("a readable directory");
    std::fs::copy(program, dir.path().join("test")).expect("a copy of this program");
    let copies: PathBuf = dir.path().join("plugins");
    std::fs::create_dir(&copies).expect("a directory for plugins");
    for plugin in ["bridge", "host-local", "tuning"] {
        std::fs::copy(plugins.join(plugin), copies.join(plugin)).expect("a copy of a plugin");
    }
    dir
}
