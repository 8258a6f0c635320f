//! Where the cache is when nobody says: on the workspace's disk if there is a place for it, so that files can be linked, and
//! not in memory.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::github::Environment;
use crate::sys::{self, file};

/// The directory's name wherever it is.
const NAME: &str = "runner-cache";

/// Where systemd's tmpfiles has its rules, see tmpfiles.d(5).
const CLEANERS: [&str; 3] = ["/etc/tmpfiles.d", "/run/tmpfiles.d", "/usr/lib/tmpfiles.d"];

/// A root that was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenRoot {
    /// The directory.
    pub directory: PathBuf,
    /// Why it is this one, for people.
    pub why: String,
}

/// A place for a root.
#[derive(Debug, Clone)]
struct Place {
    /// The directory that the root would be in.
    parent: PathBuf,
    has_root: bool,
    is_in_memory: bool,
    /// Whether it is on the disk of the workspace.
    is_near: bool,
}

impl Place {
    fn look(parent: PathBuf, workspace: Option<u64>) -> Self {
        let device = sys::space_at(&parent).map(|space| space.device).ok();
        Self {
            has_root: file::is_dir(&parent.join(NAME)),
            is_in_memory: sys::is_in_memory(&parent),
            is_near: device.is_some() && device == workspace,
            parent,
        }
    }

    fn chosen(&self, why: &str) -> ChosenRoot {
        let memory =
            if self.is_in_memory { "; it is in memory, and the next boot begins without it" } else { "" };
        ChosenRoot { directory: self.parent.join(NAME), why: format!("{why}{memory}") }
    }
}

/// The root in the environment `env`, and why.
pub(super) fn choose_root(env: &Environment) -> ChosenRoot {
    let workspace =
        env.get("GITHUB_WORKSPACE").map(PathBuf::from).filter(|directory| file::is_dir(directory));
    let workspace = workspace.or_else(|| std::env::current_dir().ok());
    let device = workspace.and_then(|directory| sys::space_at(&directory).ok()).map(|space| space.device);
    let of_user = env.get("XDG_CACHE_HOME").map(PathBuf::from).filter(|directory| directory.is_absolute());
    let of_user = of_user.or_else(|| Some(Path::new(env.get("HOME")?).join(".cache")));
    let look = |parent: PathBuf| Place::look(parent, device);
    let mut chosen = choose(&look("/tmp".into()), of_user.map(look).as_ref(), &look("/var/tmp".into()));
    if let Some(rule) = cleaned(&chosen.directory, &rules()) {
        let _ = write!(chosen.why, "; systemd-tmpfiles {rule}");
    }
    chosen
}

fn choose(tmp: &Place, of_user: Option<&Place>, var_tmp: &Place) -> ChosenRoot {
    let places = [Some(tmp), of_user, Some(var_tmp)];
    if let Some(there) = places.into_iter().flatten().find(|place| place.has_root) {
        return there.chosen("it is there already");
    }
    if tmp.is_near && !tmp.is_in_memory {
        return tmp.chosen("/tmp is on the workspace's disk");
    }
    let not_tmp =
        if tmp.is_in_memory { "/tmp is in memory" } else { "/tmp is on another disk than the workspace" };
    match of_user.filter(|place| place.is_near && !place.is_in_memory) {
        Some(place) => place.chosen(&format!("{not_tmp}, and this is on the workspace's")),
        None => {
            var_tmp.chosen(&format!("{not_tmp}, and the user's cache directory is not on the workspace's"))
        }
    }
}

/// All rules of the cleaner, one a line.
fn rules() -> String {
    let mut rules = String::new();
    for directory in CLEANERS.map(Path::new) {
        for name in file::names(directory).unwrap_or_default() {
            let path = directory.join(name);
            let text = file::read(&path).unwrap_or_default();
            rules.push_str(&String::from_utf8_lossy(&text));
            rules.push('\n');
        }
    }
    rules
}

/// What the cleaner does with `directory`, by its `rules`.
fn cleaned(directory: &Path, rules: &str) -> Option<String> {
    let mut found = None;
    for rule in rules.lines() {
        let mut fields = rule.split_whitespace();
        let (Some(kind), Some(path)) = (fields.next(), fields.next()) else { continue };
        let age = fields.nth(3).unwrap_or("-");
        match kind.chars().next() {
            Some('x' | 'X') if directory.starts_with(path) => return None,
            Some('d' | 'D' | 'e' | 'v' | 'q' | 'Q') if directory.starts_with(path) && age != "-" => {
                found = Some(format!("removes what nobody used for {age} in {path}"));
            }
            Some('D') if directory.starts_with(path) && found.is_none() => {
                found = Some(format!("empties {path} at each boot"));
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(parent: &str, has_root: bool, is_in_memory: bool, is_near: bool) -> Place {
        Place { parent: parent.into(), has_root, is_in_memory, is_near }
    }

    #[test]
    fn a_root_is_on_the_workspaces_disk_and_not_in_memory_unless_it_is_there_already() {
        let var_tmp = place("/var/tmp", false, false, false);
        for (tmp, of_user, directory, why) in [
            (place("/tmp", true, false, false), None, "/tmp/runner-cache", "it is there already"),
            (
                place("/tmp", true, true, false),
                None,
                "/tmp/runner-cache",
                "it is there already; it is in memory, and the next boot begins without it",
            ),
            (place("/tmp", false, false, true), None, "/tmp/runner-cache", "/tmp is on the workspace's disk"),
            (
                place("/tmp", false, true, true),
                Some(place("/h/.cache", false, false, true)),
                "/h/.cache/runner-cache",
                "/tmp is in memory, and this is on the workspace's",
            ),
            (
                place("/tmp", false, false, true),
                Some(place("/h/.cache", true, false, false)),
                "/h/.cache/runner-cache",
                "it is there already",
            ),
            (
                place("/tmp", false, false, false),
                Some(place("/h/.cache", false, false, false)),
                "/var/tmp/runner-cache",
                "/tmp is on another disk than the workspace, and the user's cache directory is not on the workspace's",
            ),
        ] {
            let chosen = choose(&tmp, of_user.as_ref(), &var_tmp);
            assert_eq!((chosen.directory.to_str().unwrap(), &*chosen.why), (directory, why));
        }
    }

    #[test]
    fn a_cleaner_of_old_files_is_told() {
        let directory = Path::new("/var/tmp/runner-cache");
        let of_debian = "# comment\nD /tmp 1777 root root -\nq /var/tmp 1777 root root 30d\nx /tmp/systemd-private-%b-*\n";
        assert_eq!(cleaned(directory, of_debian).unwrap(), "removes what nobody used for 30d in /var/tmp");
        assert_eq!(cleaned(Path::new("/tmp/runner-cache"), of_debian).unwrap(), "empties /tmp at each boot");
        assert_eq!(cleaned(Path::new("/home/u/.cache/runner-cache"), of_debian), None);
        assert_eq!(cleaned(directory, &format!("{of_debian}x /var/tmp/runner-cache\n")), None);
    }
}
