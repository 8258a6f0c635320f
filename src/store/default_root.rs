//! Where the cache is when nobody says: on the workspace's disk if there is a place for it, so that files can be linked, and
//! not in memory.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::github::Environment;
use crate::sys::{self, cleaned, cleaner_rules, file};

/// The directory's name wherever it is.
const NAME: &str = "runner-cache";

/// Its name beside the runner's tools, of which this program is one.
const BESIDE_TOOLS: &str = "runner-cache-root";

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
    /// Looks at `parent` of a system whose `/` is `top`.
    fn look(top: &Path, parent: PathBuf, workspace: Option<u64>) -> Self {
        let there = top.join(parent.strip_prefix("/").unwrap_or(&parent));
        let device = device(&there);
        Self {
            has_root: file::is_dir(&there.join(NAME)),
            is_in_memory: sys::is_in_memory(&there),
            is_near: device.is_some() && device == workspace,
            parent,
        }
    }

    fn chosen(&self, why: &str) -> ChosenRoot {
        let memory = if self.is_in_memory { "; it is in memory and lost at reboot" } else { "" };
        ChosenRoot { directory: self.parent.join(NAME), why: format!("{why}{memory}") }
    }
}

fn device(path: &Path) -> Option<u64> {
    sys::space_at(path).ok().map(|space| space.device)
}

/// The root in the environment `env`, and why.
pub fn choose_root(env: &Environment) -> ChosenRoot {
    let workspace =
        env.get("GITHUB_WORKSPACE").map(PathBuf::from).filter(|directory| file::is_dir(directory));
    let workspace = workspace.or_else(|| std::env::current_dir().ok()).unwrap_or_default();
    if let Some(chosen) = in_container(env, &|path| file::is_dir(path)) {
        return chosen;
    }
    let mut chosen = choose_below(Path::new("/"), env.cache_home(), &workspace);
    if let Some(rule) = cleaned(&chosen.directory, &cleaner_rules()).told() {
        let _ = write!(chosen.why, "; systemd-tmpfiles {rule}");
    }
    chosen
}

/// The root in a job container, whose home is removed after the job and whose `/tmp` is its own; `None` elsewhere, and where
/// a cache is there. Of the host it sees what the runner mounts: workspaces, temporary files and tools (`ContainerInfo.cs` and
/// `StepHost.cs` of the runner).
fn in_container(env: &Environment, is_dir: &dyn Fn(&Path) -> bool) -> Option<ChosenRoot> {
    let is_in_container = env.get("HOME") == Some("/github/home");
    let tools = env.get("RUNNER_TOOL_CACHE").map(Path::new).filter(|tools| is_dir(tools))?;
    let has_root = ["/tmp", "/var/tmp"].iter().any(|place| is_dir(&Path::new(place).join(NAME)));
    (is_in_container && !has_root).then(|| ChosenRoot {
        directory: tools.join(BESIDE_TOOLS),
        why: "this job container has no other directory that stays; hint: mount the host's cache, as in `container: volumes: \
              [/data/runner-cache:/data/runner-cache]`, and name it in `cache-root`"
            .to_owned(),
    })
}

/// The root on a system whose `/` is `top`, for a user whose cache directory there is `of_user`, and a `workspace` there.
pub fn choose_below(top: &Path, of_user: Option<PathBuf>, workspace: &Path) -> ChosenRoot {
    let device = device(&top.join(workspace.strip_prefix("/").unwrap_or(workspace)));
    let look = |parent: PathBuf| Place::look(top, parent, device);
    choose(&look("/tmp".into()), of_user.map(look).as_ref(), &look("/var/tmp".into()))
}

fn choose(tmp: &Place, of_user: Option<&Place>, var_tmp: &Place) -> ChosenRoot {
    let places = [Some(tmp), of_user, Some(var_tmp)];
    if let Some(there) = places.into_iter().flatten().find(|place| place.has_root) {
        return there.chosen("it already exists");
    }
    if tmp.is_near && !tmp.is_in_memory {
        return tmp.chosen("/tmp is on the workspace's disk");
    }
    let not_tmp =
        if tmp.is_in_memory { "/tmp is in memory" } else { "/tmp is on another disk than the workspace" };
    match of_user.filter(|place| place.is_near && !place.is_in_memory) {
        Some(place) => place.chosen(&format!("{not_tmp}; this directory is on the workspace's disk")),
        None => {
            var_tmp.chosen(&format!("{not_tmp}; the user's cache directory is not on the workspace's disk"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(parent: &str, has_root: bool, is_in_memory: bool, is_near: bool) -> Place {
        Place { parent: parent.into(), has_root, is_in_memory, is_near }
    }

    #[test]
    fn a_container_keeps_its_cache_with_the_tools_unless_there_is_one() {
        let env = |home: &str| Environment::from([("HOME", home), ("RUNNER_TOOL_CACHE", "/__t")]);
        let root = |home: &str, there: &[&str]| {
            let chosen = in_container(&env(home), &|path| there.iter().any(|there| path == Path::new(there)));
            chosen.map(|chosen| chosen.directory)
        };
        assert_eq!(root("/github/home", &["/__t"]), Some("/__t/runner-cache-root".into()));
        assert_eq!(root("/github/home", &["/__t", "/tmp/runner-cache"]), None);
        assert_eq!(root("/github/home", &[]), None);
        assert_eq!(root("/home/ci", &["/__t"]), None);
    }

    #[test]
    fn a_root_is_on_the_workspaces_disk_and_not_in_memory_unless_it_is_there_already() {
        let var_tmp = place("/var/tmp", false, false, false);
        for (tmp, of_user, directory, why) in [
            (place("/tmp", true, false, false), None, "/tmp/runner-cache", "it already exists"),
            (
                place("/tmp", true, true, false),
                None,
                "/tmp/runner-cache",
                "it already exists; it is in memory and lost at reboot",
            ),
            (place("/tmp", false, false, true), None, "/tmp/runner-cache", "/tmp is on the workspace's disk"),
            (
                place("/tmp", false, true, true),
                Some(place("/h/.cache", false, false, true)),
                "/h/.cache/runner-cache",
                "/tmp is in memory; this directory is on the workspace's disk",
            ),
            (
                place("/tmp", false, false, true),
                Some(place("/h/.cache", true, false, false)),
                "/h/.cache/runner-cache",
                "it already exists",
            ),
            (
                place("/tmp", false, false, false),
                Some(place("/h/.cache", false, false, false)),
                "/var/tmp/runner-cache",
                "/tmp is on another disk than the workspace; the user's cache directory is not on the \
                 workspace's disk",
            ),
        ] {
            let chosen = choose(&tmp, of_user.as_ref(), &var_tmp);
            assert_eq!((chosen.directory.to_str().unwrap(), &*chosen.why), (directory, why));
        }
    }
}
