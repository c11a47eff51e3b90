//! Finding the program of a plugin.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::process::sys::may_execute;
use crate::error::{Error, Result, Status};
use crate::text;

/// The program of a plugin type: in the first directory that has an executable regular file of that name,
/// symbolic links followed.
///
/// Blocks on the file systems of the directories alone, and changes nothing.
///
/// # Errors
/// [`Status::PluginNotFound`] for an empty name, a name with `/`, no directory, or no such file; files of that
/// name which may not be executed are named.
pub fn find_in_path(plugin: &str, dirs: &[PathBuf]) -> Result<PathBuf> {
    let not_found = |message: String| Err(Error::new(Status::PluginNotFound, message));
    if plugin.is_empty() {
        return not_found("no plugin name provided".to_owned());
    }
    if plugin.contains('/') {
        return not_found(format!("invalid plugin name: {plugin}"));
    }
    if dirs.is_empty() {
        return not_found("no paths provided".to_owned());
    }
    let mut not_executable = Vec::new();
    for dir in dirs {
        let path = join(dir, plugin);
        if !path.metadata().is_ok_and(|metadata| metadata.is_file()) {
            continue;
        }
        if may_execute(&path) {
            return Ok(path);
        }
        not_executable.push(path.to_string_lossy().into_owned());
    }
    let dirs: Vec<_> = dirs.iter().map(|dir| dir.to_string_lossy()).collect();
    let mut message = format!("failed to find plugin {} in path [{}]", text::quote(plugin), dirs.join(" "));
    if !not_executable.is_empty() {
        message += &format!(" (not executable: {})", not_executable.join(", "));
    }
    not_found(message)
}

/// The path of `name` in `dir` as the original spells it, which plugins and logs see: cleaned by text alone,
/// without a look at the file system.
fn join(dir: &Path, name: &str) -> PathBuf {
    let dir = dir.as_os_str();
    if dir.is_empty() {
        return clean(name.into());
    }
    let mut joined = OsString::with_capacity(dir.len() + 1 + name.len());
    joined.push(dir);
    joined.push("/");
    joined.push(name);
    clean(joined)
}

/// No empty and no `.` elements, `..` resolved against the element before it, `.` for nothing at all.
fn clean(path: OsString) -> PathBuf {
    let bytes = path.as_bytes();
    let below_root = bytes.strip_prefix(b"/").unwrap_or(bytes);
    if below_root.split(|byte| *byte == b'/').all(|element| !matches!(element, b"" | b"." | b"..")) {
        return path.into();
    }
    let rooted = bytes.first() == Some(&b'/');
    let mut elements: Vec<&[u8]> = Vec::new();
    for element in bytes.split(|byte| *byte == b'/') {
        match element {
            b"" | b"." => {}
            b".." if elements.last().is_some_and(|last| *last != b"..") => drop(elements.pop()),
            b".." if rooted => {}
            element => elements.push(element),
        }
    }
    let mut cleaned = if rooted { vec![b'/'] } else { Vec::new() };
    cleaned.extend(elements.join(&b'/'));
    if cleaned.is_empty() {
        cleaned.push(b'.');
    }
    PathBuf::from(OsString::from_vec(cleaned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_and_cleaned_as_the_original_does() {
        for (dir, name, path) in [
            ("/opt/cni/bin", "bridge", "/opt/cni/bin/bridge"),
            ("/opt//cni/./bin/", "bridge", "/opt/cni/bin/bridge"),
            ("/opt/cni/../bin", "bridge", "/opt/bin/bridge"),
            ("/../..", "bridge", "/bridge"),
            ("/", "bridge", "/bridge"),
            ("", "bridge", "bridge"),
            (".", "bridge", "bridge"),
            ("..", "bridge", "../bridge"),
            ("../../a/..", "bridge", "../../bridge"),
            ("a/../..", "bridge", "../bridge"),
            ("bin", "..", "."),
            ("/bin", "..", "/"),
        ] {
            assert_eq!(join(Path::new(dir), name), Path::new(path), "{dir:?} and {name:?}");
        }
    }
}
