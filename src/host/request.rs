//! How a host is to be, as it was asked for, and paths that units and rules can name as they are.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::{Result, refused};
use crate::cli::{HostSetup, Timer};

/// What was asked for. It is kept, so that what is not asked again stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Request {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) root: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) runner_dirs: Vec<PathBuf>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) users: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) program: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timer: Option<Timer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hooks: Option<bool>,
}

impl Request {
    /// What `setup` says, and else what was asked before.
    pub(super) fn of(setup: &HostSetup, before: &Self) -> Self {
        let or = |new: &Option<PathBuf>, old: &Option<PathBuf>| new.clone().or_else(|| old.clone());
        let either =
            |new: &[PathBuf], old: &[PathBuf]| if new.is_empty() { old.to_vec() } else { new.to_vec() };
        Self {
            root: or(&setup.root, &before.root),
            group: setup.group.clone().or_else(|| before.group.clone()),
            runner_dirs: either(&setup.runner_dirs, &before.runner_dirs),
            users: if setup.users.is_empty() { before.users.clone() } else { setup.users.clone() },
            program: or(&setup.program, &before.program),
            timer: setup.timer.or(before.timer),
            hooks: setup.hooks.or(before.hooks),
        }
    }
}

/// An absolute path that needs no quotes in units, in rules for systemd-tmpfiles, in YAML and in a shell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PlainPath(String);

impl PlainPath {
    /// `path` as one; refused where it is none. `what` names it for people.
    pub(super) fn new(what: &str, path: &Path) -> Result<Self> {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+@".contains(letter);
        let has_dots = path
            .components()
            .any(|component| !matches!(component.as_os_str().to_str(), Some(name) if name != ".."));
        match path.to_str() {
            Some(text)
                if path.is_absolute()
                    && text.chars().all(is_plain)
                    && !has_dots
                    && path.parent().is_some() =>
            {
                // Without what says nothing: a final slash, a doubled one.
                Ok(Self(path.components().collect::<PathBuf>().to_string_lossy().into_owned()))
            }
            _ => refused(format!(
                "{what}: `{}` is not an absolute path of letters, digits and `._-+@`, which units and rules of the system can \
                 name; hint: name another",
                path.display()
            )),
        }
    }

    pub(super) fn path(&self) -> &Path {
        Path::new(&self.0)
    }

    /// What is called `name` in it.
    pub(super) fn join(&self, what: &str, name: &str) -> Result<Self> {
        Self::new(what, &self.path().join(name))
    }
}

impl fmt::Display for PlainPath {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_that_need_no_quotes_are_taken() {
        let new = |path: &str| PlainPath::new("`--root`", Path::new(path)).map(|path| path.to_string());
        assert_eq!(new("/mnt//data/runner-cache/").unwrap(), "/mnt/data/runner-cache");
        for path in ["/a b", "/a%b", "a", "/a/../b", "/", "/ä", "/a\nb", "/a*", ""] {
            assert!(new(path).is_err(), "{path}");
        }
    }
}
