//! Which directories have to be watched so that a change of a path is noticed, whatever it is: of the file itself, of a
//! directory on the way to it, of a link that leads there.
//!
//! A path is walked from the root. Each directory on the way is watched for the next name; a link is followed, and
//! its own way is walked as well. So a directory that is removed and made again, one that is not there yet, and a
//! link that is swapped (as Kubernetes does with the files of a ConfigMap) are all the same case: a name changed
//! in a directory that is watched. After every change the walk is done again.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

/// As the kernel follows at most.
const MOST_LINKS: usize = 40;

/// The directories that are watched at most: configuration directories are small, and others' mistakes shall not
/// take all watches of the user.
pub(super) const MOST_DIRS: usize = 1024;

/// Something that is watched.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    path: PathBuf,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A directory of configurations, with the directories of drop-in plugins in it.
    ConfDir,
    ConfFile,
    PluginDir,
}

impl Watched {
    pub(super) fn conf_dir(path: PathBuf) -> Watched {
        Watched { path, kind: Kind::ConfDir }
    }

    pub(super) fn conf_file(path: PathBuf) -> Watched {
        Watched { path, kind: Kind::ConfFile }
    }

    pub(super) fn plugin_dir(path: PathBuf) -> Watched {
        Watched { path, kind: Kind::PluginDir }
    }
}

/// What is of interest in one directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Interest {
    networks: Names,
    plugins: Names,
}

/// Names in a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Names {
    all: bool,
    /// Sorted, each once.
    these: Vec<OsString>,
}

impl Names {
    fn have(&self, name: &OsStr) -> bool {
        self.all || self.place_of(name).is_ok()
    }

    fn add(&mut self, name: &OsStr) {
        if let Err(place) = self.place_of(name) {
            self.these.insert(place, name.to_owned());
        }
    }

    fn place_of(&self, name: &OsStr) -> Result<usize, usize> {
        self.these.binary_search_by(|known| known.as_os_str().cmp(name))
    }
}

impl Interest {
    /// Whether a change of that name is one of the networks, and whether it is one of the plugins.
    pub(super) fn of(&self, name: &OsStr) -> (bool, bool) {
        (self.networks.have(name), self.plugins.have(name))
    }

    pub(super) fn add(&mut self, other: &Interest) {
        for (own, more) in [(&mut self.networks, &other.networks), (&mut self.plugins, &other.plugins)] {
            own.all |= more.all;
            more.these.iter().for_each(|name| own.add(name));
        }
    }
}

/// What has to be watched now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Directories {
    /// The directories, sorted, and for what.
    pub interests: Vec<(PathBuf, Interest)>,
    /// The first directory that is one too many.
    pub left_out: Option<PathBuf>,
}

/// The directories to be watched now, and for what.
pub(super) fn directories(watched: &[Watched]) -> Directories {
    let mut walk = Walk { directories: Directories::default() };
    // Those that can be many go last.
    let (conf_dirs, others): (Vec<_>, Vec<_>) =
        watched.iter().partition(|watched| watched.kind == Kind::ConfDir);
    for Watched { path, kind } in others.into_iter().chain(conf_dirs) {
        match kind {
            Kind::ConfFile => {
                walk.follow(path, *kind);
            }
            Kind::PluginDir => {
                if let Some(dir) = walk.follow(path, *kind) {
                    walk.whole(&dir, *kind);
                }
            }
            Kind::ConfDir => {
                if let Some(dir) = walk.follow(path, *kind) {
                    walk.conf_dir(&dir, true);
                }
            }
        }
    }
    walk.directories
}

struct Walk {
    directories: Directories,
}

impl Walk {
    /// The names that are of interest in a directory, for a kind of change.
    fn names(&mut self, dir: &Path, kind: Kind) -> Option<&mut Names> {
        let Directories { interests, left_out } = &mut self.directories;
        let place = interests.binary_search_by(|(known, _)| known.as_os_str().cmp(dir.as_os_str()));
        let place = match place {
            Ok(place) => place,
            Err(_) if interests.len() >= MOST_DIRS => {
                left_out.get_or_insert_with(|| dir.to_owned());
                return None;
            }
            Err(place) => {
                interests.insert(place, (dir.to_owned(), Interest::default()));
                place
            }
        };
        let (_, interest) = &mut interests[place];
        Some(if kind == Kind::PluginDir { &mut interest.plugins } else { &mut interest.networks })
    }

    fn whole(&mut self, dir: &Path, kind: Kind) {
        if let Some(names) = self.names(dir, kind) {
            names.all = true;
        }
    }

    /// A directory of configurations, and what its entries lead to.
    fn conf_dir(&mut self, dir: &Path, with_drop_ins: bool) {
        self.whole(dir, Kind::ConfDir);
        let Ok(entries) = std::fs::read_dir(dir) else { return };
        let mut names: Vec<OsString> = entries.flatten().map(|entry| entry.file_name()).collect();
        // So that, of too many, it is always the same ones that are watched.
        names.sort();
        for name in names {
            let path = dir.join(name);
            let Ok(kind) = path.symlink_metadata() else { continue };
            if kind.is_symlink() {
                if let Some(target) = self.follow(&path, Kind::ConfFile)
                    && with_drop_ins
                    && target.is_dir()
                {
                    self.conf_dir(&target, false);
                }
            } else if kind.is_dir() && with_drop_ins {
                self.conf_dir(&path, false);
            }
        }
    }

    /// Watches every step on the way to `path`; where it leads, without links, if there is something.
    fn follow(&mut self, path: &Path, kind: Kind) -> Option<PathBuf> {
        let path = std::path::absolute(path).ok()?;
        let mut rest: VecDeque<OsString> = names_of(&path);
        let mut at = PathBuf::from("/");
        let mut links = 0;
        while let Some(name) = rest.pop_front() {
            if name == ".." {
                at.pop();
                continue;
            }
            self.names(&at, kind)?.add(&name);
            let next = at.join(&name);
            let metadata = next.symlink_metadata().ok()?;
            if metadata.is_symlink() {
                links += 1;
                let target = next.read_link().ok().filter(|_| links <= MOST_LINKS)?;
                if target.is_absolute() {
                    at = PathBuf::from("/");
                }
                for name in names_of(&target).into_iter().rev() {
                    rest.push_front(name);
                }
            } else if rest.is_empty() || metadata.is_dir() {
                at = next;
            } else {
                return None;
            }
        }
        Some(at)
    }
}

fn names_of(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some(OsString::from("..")),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn every_step_of_a_way_is_watched_also_behind_links_and_before_what_is_not_there() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        fs::create_dir_all(base.join("real/net.d/dropins")).unwrap();
        fs::create_dir(base.join("..2024")).unwrap();
        fs::write(base.join("..2024/10-a.conflist"), "{}").unwrap();
        symlink("real", base.join("link")).unwrap();
        symlink("../../..2024/10-a.conflist", base.join("real/net.d/10-a.conflist")).unwrap();
        let found = directories(&[
            Watched::conf_dir(base.join("link/net.d")),
            Watched::plugin_dir(base.join("opt/cni/bin")),
        ]);
        let of = |dir: &str, name: &str| {
            let mut known = found.interests.iter();
            known
                .find(|(known, _)| *known == base.join(dir))
                .map(|(_, interest)| interest.of(OsStr::new(name)))
        };
        assert_eq!(of("", "link"), Some((true, false)));
        assert_eq!(of("", "real"), Some((true, false)));
        assert_eq!(of("", "opt"), Some((false, true)));
        assert_eq!(of("", "other"), Some((false, false)));
        assert_eq!(of("", "..2024"), Some((true, false)));
        assert_eq!(of("..2024", "10-a.conflist"), Some((true, false)));
        assert_eq!(of("..2024", "11-b.conflist"), Some((false, false)));
        assert_eq!(of("real", "net.d"), Some((true, false)));
        assert_eq!(of("real/net.d", "anything"), Some((true, false)));
        assert_eq!(of("real/net.d/dropins", "x.conf"), Some((true, false)));
        assert_eq!(of("opt", "cni"), None);
    }

    #[test]
    fn links_in_a_circle_end() {
        let dir = tempfile::tempdir().unwrap();
        symlink("b", dir.path().join("a")).unwrap();
        symlink("a", dir.path().join("b")).unwrap();
        let found = directories(&[Watched::conf_dir(dir.path().join("a"))]);
        assert!(found.interests.len() < 20);
    }
}
