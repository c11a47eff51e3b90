//! runtime [--containers N] [--hold]: a container runtime in miniature, without the containers.
//!
//! It makes network namespaces, attaches all of them at once to the networks of its directory, prints their addresses, and
//! takes everything away again: at the end, or when it is interrupted with Ctrl-C, also in the middle. With --hold it
//! waits for Ctrl-C when they are attached. All of that is in namespaces of its own: the host sees nothing of it. (--here:
//! in those that it is started in, as root; the directory of its state stays.)

use std::ffi::CString;
use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};
use std::{io, ptr, thread};

use cni::networks::{Container, DirLoad, LoopbackPlugin, Networks, NetworksOptions, Origin, SetupResult};
use cni::{CacheDir, Cni, CniOptions, Context, ContextOptions};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Everything that it writes down is here.
const STATE: &str = "/run/miniature";

/// How many containers are worked on at a time: each has a thread and a few processes meanwhile.
const AT_ONCE: usize = 16;

/// How long plugins get to finish what they are at when it is interrupted. Ended in the middle, host-local may leave the
/// file of a lease without an owner in it, which nobody frees.
const GRACE: Duration = Duration::from_secs(5);

/// How long removing a container may take.
const REMOVE_WITHIN: Duration = Duration::from_secs(60);

struct Runtime {
    cni: Cni,
    networks: Networks,
    containers: Vec<Container>,
}

impl Runtime {
    fn new(count: usize) -> Result<Runtime, Error> {
        let state = Path::new(STATE);
        for dir in ["net.d", "netns"] {
            fs::create_dir_all(state.join(dir))?;
        }
        let conflist = format!(
            r#"{{
              "cniVersion": "1.0.0", "name": "miniature", "plugins": [{{
                "type": "bridge", "bridge": "miniature", "isGateway": true,
                "ipam": {{ "type": "host-local", "dataDir": "{STATE}/leases", "ranges": [[{{ "subnet": "10.99.0.0/16" }}]] }}
              }}]
            }}"#
        );
        fs::write(state.join("net.d/10-miniature.conflist"), conflist)?;
        let cni = Cni::new(CniOptions {
            plugin_dirs: plugin_dirs(),
            cache_dir: CacheDir::At(state.join("cache")),
            ..CniOptions::default()
        });
        let options = NetworksOptions {
            conf_dir: state.join("net.d"),
            sources: vec![Origin::Dir { path: None, load: DirLoad::All }.into()],
            loopback_plugin: LoopbackPlugin::Builtin,
            ..NetworksOptions::default()
        };
        let container = |number| Container {
            container_id: format!("c{number:03}"),
            netns: format!("{STATE}/netns/c{number:03}"),
            ..Container::default()
        };
        let networks = Networks::new(cni.clone(), options)?;
        Ok(Runtime { cni, networks, containers: (1..=count).map(container).collect() })
    }

    /// Tells what is missing before anything is attached.
    fn check_ready(&self) -> cni::Result<()> {
        let ctx = Context::background();
        for network in self.networks.config().networks().iter().filter(|network| !network.is_loopback()) {
            self.cni.validate_network_list(&ctx, network.list())?;
        }
        self.networks.status(&ctx)
    }

    fn set_up(&self, container: &Container, ctx: &Context) -> Result<SetupResult, Error> {
        make_netns(Path::new(&container.netns))?;
        Ok(self.networks.setup(ctx, container)?)
    }

    /// Of a container in every state: attached, in part, or not at all.
    fn remove(&self, container: &Container) -> Result<(), Error> {
        self.networks.remove(&Context::with_timeout(REMOVE_WITHIN)?, container)?;
        remove_netns(Path::new(&container.netns))?;
        Ok(())
    }

    /// The same for all containers, several at a time, until it is interrupted; their answers in their order.
    fn for_all<T: Send>(
        &self,
        interrupted: &AtomicBool,
        work: impl Fn(&Container) -> Result<T, Error> + Sync,
    ) -> Vec<Option<Result<T, Error>>> {
        let next = AtomicUsize::new(0);
        let answers = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    while let Some(container) = self.containers.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let begins = !interrupted.load(Ordering::Relaxed);
                        let answer = begins.then(|| work(container));
                        let id = container.container_id.clone();
                        answers.lock().unwrap_or_else(PoisonError::into_inner).push((id, answer));
                    }
                });
            }
        });
        let mut answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
        answers.sort_by(|one, other| one.0.cmp(&other.0));
        answers.into_iter().map(|(_, answer)| answer).collect()
    }
}

/// A Ctrl-C, or the signal that is the polite end. The first one lets nothing new begin, and ends what runs after a while.
/// A second one does not keep the containers from being removed.
struct Interruption {
    came: Arc<AtomicBool>,
    wait: mpsc::Receiver<()>,
}

impl Interruption {
    /// To be called while there is one thread: the signals are blocked in all that come after it.
    fn of(ctx: Context) -> Interruption {
        // SAFETY: the set is initialised by sigemptyset before it is used; the calls keep none of the pointers.
        let signals = unsafe {
            let mut signals = std::mem::zeroed();
            libc::sigemptyset(&raw mut signals);
            libc::sigaddset(&raw mut signals, libc::SIGINT);
            libc::sigaddset(&raw mut signals, libc::SIGTERM);
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const signals, ptr::null_mut());
            signals
        };
        let came = Arc::new(AtomicBool::new(false));
        let (tell, wait) = mpsc::channel();
        let flag = came.clone();
        thread::spawn(move || {
            let mut signal = 0;
            // SAFETY: both pointers are to values of this thread, which outlive the call.
            while unsafe { libc::sigwait(&raw const signals, &raw mut signal) } != 0 {}
            flag.store(true, Ordering::Relaxed);
            // Nobody waits any more: then it is over anyway.
            let _ = tell.send(());
            thread::sleep(GRACE);
            ctx.cancel();
        });
        Interruption { came, wait }
    }
}

fn run(runtime: &Runtime, hold: bool, ctx: &Context, interruption: &Interruption) -> Result<ExitCode, Error> {
    let count = runtime.containers.len();
    let started = Instant::now();
    let set_up = runtime.for_all(&interruption.came, |container| runtime.set_up(container, ctx));
    let interrupted = interruption.came.load(Ordering::Relaxed);
    let failed = set_up.iter().any(|answer| matches!(answer, Some(Err(_))));
    let results: Vec<&SetupResult> =
        set_up.iter().filter_map(|answer| answer.as_ref()?.as_ref().ok()).collect();
    if results.len() == count {
        eprintln!("attached {count} containers in {:.3} s", started.elapsed().as_secs_f64());
        print_table(&runtime.containers, &results);
        if hold && !interrupted {
            eprintln!("holding: Ctrl-C removes the containers");
            interruption.wait.recv()?;
        }
    } else if !interrupted {
        // Who interrupts need not read of every container.
        tell_failures(&runtime.containers, &set_up);
    }
    let started = Instant::now();
    let removed = runtime.for_all(&AtomicBool::new(false), |container| runtime.remove(container));
    let took = started.elapsed().as_secs_f64();
    let left = left_behind()?;
    left.iter().for_each(|what| eprintln!("left behind: {what}"));
    if tell_failures(&runtime.containers, &removed) + left.len() > 0 {
        return Ok(ExitCode::FAILURE);
    }
    eprintln!("removed {count} containers in {took:.3} s, nothing is left");
    if results.len() < count && interrupted {
        eprintln!("interrupted");
        return Ok(ExitCode::from(130));
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// How many containers something failed for.
fn tell_failures<T>(containers: &[Container], answers: &[Option<Result<T, Error>>]) -> usize {
    let failed = containers.iter().zip(answers).filter_map(|(container, answer)| match answer {
        Some(Err(error)) => Some((container, error)),
        _ => None,
    });
    failed.inspect(|(container, error)| eprintln!("{}: {error}", container.container_id)).count()
}

/// The addresses that have a gateway: those of loopback have none.
fn print_table(containers: &[Container], results: &[&SetupResult]) {
    let row = |id: &str, interface: &str, address: &str, gateway: &str, mac: &str| {
        println!("{id:<9}  {interface:<9}  {address:<16}  {gateway:<9}  {mac}");
    };
    row("CONTAINER", "INTERFACE", "ADDRESS", "GATEWAY", "MAC");
    for (container, result) in containers.iter().zip(results) {
        for network in result.results() {
            let Some(interface) = result.interface(&network.if_name) else { continue };
            for ip in &interface.ips {
                if let (Some(address), Some(gateway)) = (ip.address, ip.gateway) {
                    let (id, mac) = (&container.container_id, &interface.mac);
                    row(id, &network.if_name, &address.to_string(), &gateway.to_string(), mac);
                }
            }
        }
    }
}

/// What is there that belongs to a container.
fn left_behind() -> io::Result<Vec<String>> {
    let names = |dir: &str| -> io::Result<Vec<String>> {
        match fs::read_dir(Path::new(STATE).join(dir)) {
            Ok(entries) => {
                entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    };
    let devices = fs::read_to_string("/proc/thread-self/net/dev")?;
    let links = devices.lines().filter_map(|line| Some(line.split_once(':')?.0.trim()));
    let mut left: Vec<String> =
        links.filter(|name| name.starts_with("veth")).map(|name| format!("interface {name}")).collect();
    let leases = names("leases/miniature")?.into_iter().filter(|name| name.parse::<Ipv4Addr>().is_ok());
    left.extend(leases.map(|name| format!("lease {name}")));
    left.extend(names("cache/results")?.iter().map(|name| format!("attachment {name}")));
    left.extend(names("netns")?.iter().map(|name| format!("network namespace {name}")));
    Ok(left)
}

/// Those of `CNI_PATH`, or where distributions put plugins.
fn plugin_dirs() -> Vec<PathBuf> {
    let path = std::env::var_os("CNI_PATH").filter(|path| !path.is_empty());
    let usual = || "/opt/cni/bin:/usr/lib/cni:/usr/libexec/cni".into();
    std::env::split_paths(&path.unwrap_or_else(usual)).collect()
}

/// A new network namespace that lives as long as its file, by which plugins find it.
fn make_netns(path: &Path) -> io::Result<()> {
    File::create_new(path)?;
    let to = CString::new(path.as_os_str().as_encoded_bytes())?;
    let make = || {
        // SAFETY: takes no memory; the namespace is that of this thread alone.
        if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
            return Err(io::Error::last_os_error());
        }
        let (from, none) = (c"/proc/thread-self/ns/net", ptr::null());
        // SAFETY: both paths end in NUL and outlive the call; a bind mount has no type and no data.
        match unsafe { libc::mount(from.as_ptr(), to.as_ptr(), none, libc::MS_BIND, none.cast()) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    };
    // A network namespace belongs to a thread; this one ends with it.
    let made = thread::scope(|scope| scope.spawn(make).join());
    made.unwrap_or_else(|_| Err(io::Error::other("the thread of the namespace panicked")))
}

/// Of one that may not be there.
fn remove_netns(path: &Path) -> io::Result<()> {
    let at = CString::new(path.as_os_str().as_encoded_bytes())?;
    // Where nothing is mounted, there is nothing to let go of.
    // SAFETY: the path ends in NUL and outlives the call.
    let _ = unsafe { libc::umount2(at.as_ptr(), libc::MNT_DETACH) };
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Runs this program again as root of network and mount namespaces of its own, with memory on `/run`, which all end with
/// it. Returns only when that fails.
fn again_in_namespaces() -> Result<ExitCode, Error> {
    // SAFETY: it cannot fail and takes no memory.
    let is_root = unsafe { libc::geteuid() } == 0;
    let as_root: &[&str] = if is_root { &[] } else { &["--user", "--map-root-user"] };
    let mut command = Command::new("unshare");
    command.args(as_root).args(["--net", "--mount", "sh", "-c"]);
    command.arg(r#"mount -t tmpfs tmpfs /run && exec "$0" --here "$@""#);
    let error = command.arg(std::env::current_exe()?).args(std::env::args_os().skip(1)).exec();
    Err(format!("cannot run unshare: {error}").into())
}

fn main() -> Result<ExitCode, Error> {
    let (mut count, mut hold, mut here) = (Some(50), false, false);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--hold" => hold = true,
            "--here" => here = true,
            "--containers" => count = args.next().and_then(|count| count.parse().ok()),
            _ => count = None,
        }
    }
    let Some(count) = count.filter(|count| (1..=1000).contains(count)) else {
        eprintln!("usage: runtime [--containers N] [--hold], with N from 1 to 1000");
        return Ok(ExitCode::from(2));
    };
    if !here {
        return again_in_namespaces();
    }
    let ctx = Context::new(ContextOptions::default())?;
    let interruption = Interruption::of(ctx.clone());
    let runtime = Runtime::new(count)?;
    if let Err(error) = runtime.check_ready() {
        eprintln!("{}: {error}", error.status().name());
        return Ok(ExitCode::FAILURE);
    }
    run(&runtime, hold, &ctx, &interruption)
}
