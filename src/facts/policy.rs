//! The policy of the host: read once, before anything else, and only from a file that jobs cannot write.

use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use crate::job::chain;
use crate::plan::{HOST_POLICY, HostPolicy};
use crate::sys::file;

/// Permission bits of a file that others than its owner can write.
const WRITABLE: u32 = 0o022;

/// The bit of directories in which only owners replace what is theirs.
const STICKY: u32 = 0o1000;

/// Links that are followed one behind another, at most.
const MOST_LINKS: usize = 40;

/// Where `path` leads, and the directories on the way in which somebody could put something else, where there is a link on it.
fn led(path: &Path) -> Option<(PathBuf, Vec<PathBuf>)> {
    let mut pending: Vec<PathBuf> = path.components().rev().map(|part| part.as_os_str().into()).collect();
    let (mut at, mut directories, mut links) = (PathBuf::new(), Vec::new(), 0);
    while let Some(part) = pending.pop() {
        // An absolute target begins anew, and `..` leads up.
        let next = file::normal(&at.join(&part));
        if !at.as_os_str().is_empty() {
            directories.push(at.clone());
        }
        if let Some(target) = file::link_target(&next) {
            links += 1;
            pending.extend(target.components().rev().map(|part| part.as_os_str().into()));
        } else {
            at = next;
        }
        if links > MOST_LINKS {
            return None;
        }
    }
    if links == 0 {
        directories.clear();
    }
    file::is_file(&at).then_some((at, directories))
}

/// Whether jobs can write to the file, as far as owner and mode tell.
fn is_writable(path: &Path) -> bool {
    let user = geteuid();
    let of = file::owner_and_mode(path).ok().flatten();
    of.is_none_or(|(owner, mode)| owner == user.as_raw() && !user.is_root() || mode & WRITABLE != 0)
}

/// Whether somebody else than root may put something else in the place of what is root's in a directory. Whose the jobs of other
/// users are nobody knows here.
fn is_replaceable_in(directory: &Path) -> bool {
    let of = file::owner_and_mode(directory).ok().flatten();
    of.is_none_or(|(owner, mode)| owner != 0 || mode & WRITABLE != 0 && mode & STICKY == 0)
}

/// Reads the policy of this host; an empty one where there is none. Why not, where it cannot be read or is none: then nobody
/// knows what it would forbid.
pub fn host_policy() -> Result<HostPolicy, String> {
    let path = Path::new(HOST_POLICY);
    let told = |why: String| format!("{HOST_POLICY}: {why}");
    if !file::is_present(path) {
        return Ok(HostPolicy::default());
    }
    // It may be a link, of a configuration manager.
    let (path, directories) = led(path).ok_or_else(|| told("no file, or a link to none".to_owned()))?;
    if is_writable(&path) {
        let of = path.display();
        let hint = format!("hint: `chown root {of}`, `chmod 644 {of}`");
        return Err(told(format!("not trusted: jobs can write to {of}; {hint}")));
    }
    if let Some(directory) = directories.iter().find(|directory| is_replaceable_in(directory)) {
        let hint = "hint: link to a file that only root can replace";
        return Err(told(format!("not trusted: jobs can write to {}; {hint}", directory.display())));
    }
    let bytes = file::read(&path).map_err(|error| chain(&error))?;
    let text = String::from_utf8(bytes).map_err(|_| told("not valid UTF-8".to_owned()))?;
    HostPolicy::parse(&text).map_err(|error| told(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Dir;

    #[test]
    fn all_directories_count_in_which_a_link_on_the_way_lies() {
        let place = tempfile::tempdir().unwrap();
        let base = file::canonicalize(place.path()).unwrap();
        for directory in ["etc", "opt/current", "store/1"] {
            file::make_dirs(&base.join(directory)).unwrap();
        }
        file::write_new(&base.join("store/1/policy"), b"").unwrap();
        let link = |at: &str, name: &[u8], to: &[u8]| {
            Dir::open(&base.join(at)).unwrap().make_symlink(name, to).unwrap();
        };
        link("etc", b"policy", b"../opt/current/policy");
        let to_store = base.join("store/1/policy");
        link("opt/current", b"policy", to_store.as_os_str().as_encoded_bytes());
        let (file, directories) = led(&base.join("etc/policy")).unwrap();
        assert_eq!(file, to_store);
        for directory in ["etc", "opt", "opt/current", "store", "store/1"] {
            assert!(directories.contains(&base.join(directory)), "{directory}: {directories:?}");
        }
        assert_eq!(led(&to_store), Some((to_store.clone(), Vec::new())), "there is no link");
        link("etc", b"nowhere", b"absent");
        link("etc", b"round", b"round");
        assert!(led(&base.join("etc/nowhere")).is_none() && led(&base.join("etc/round")).is_none());
    }

    #[test]
    fn a_directory_in_which_only_owners_replace_their_own_is_as_safe_as_one_of_roots() {
        let place = tempfile::tempdir().unwrap();
        let parent = Dir::open(place.path()).unwrap();
        file::make_dirs(&place.path().join("d")).unwrap();
        let is_of_root = geteuid().is_root();
        for (mode, is_safe) in [(0o755, true), (0o1775, true), (0o775, false), (0o777, false)] {
            parent.set_mode(b"d", mode).unwrap();
            assert_eq!(is_replaceable_in(&place.path().join("d")), !(is_safe && is_of_root), "{mode:o}");
        }
    }
}
