//! `Cargo.lock`: which downloads a workspace uses, and what they must hold.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use serde::Deserialize;

use super::checkouts::submodules;
use super::home::{CHECKOUTS, CRATES, CargoHome, DOWNLOADED, INDEX, REPOSITORIES, SOURCES};
use crate::sys::{self, Digest, file};
use crate::tree::{Kind, NodeId, Tree};

/// The downloads that lock files name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Locked {
    /// File names of crates with the digests that they may have: a registry other than crates.io can have one of the same
    /// name.
    crates: HashMap<String, Vec<Digest>>,
    /// Names of packages, as an index spells its files.
    names: HashSet<String>,
    /// What the directories of git repositories begin with.
    repositories: HashSet<String>,
    /// The commits of git dependencies.
    commits: Vec<String>,
    /// Packages from git, `<name>-<commit>`.
    of_git: HashSet<String>,
}

#[derive(Deserialize)]
struct LockFile {
    #[serde(default)]
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
}

impl Locked {
    /// Adds what the lock file `text` names; `false` for one that cannot be read.
    pub fn add(&mut self, text: &str) -> bool {
        let Ok(lock) = toml::from_str::<LockFile>(text) else { return false };
        for Package { name, version, source, checksum } in lock.package {
            let Some(source) = source else { continue };
            if let Some(url) = source.strip_prefix("git+") {
                self.repositories.insert(repository(url));
                let commit = url.rsplit_once('#').map_or("", |(_, commit)| commit);
                if !commit.is_empty() {
                    self.commits.push(commit.to_owned());
                }
                self.of_git.insert(format!("{name}-{commit}"));
                continue;
            }
            let digests = self.crates.entry(format!("{name}-{version}.crate")).or_default();
            digests.extend(checksum.and_then(|checksum| Digest::from_hex(&checksum)));
            self.names.insert(name.to_lowercase());
        }
        true
    }

    /// Whether packages of the name of `package`, `<name>-<version>` or `<name>-<commit>`, are named, and not this one.
    pub fn is_superseded(&self, package: &str) -> bool {
        let mut parts = package.match_indices('-').map(|(at, _)| (&package[..at], &package[at + 1..]));
        let is_of = |other: &String, name: &str| other.rsplit_once('-').is_some_and(|(own, _)| own == name);
        let is_named = |(name, release): (&str, &str)| {
            let is_version =
                release.starts_with(|first: char| first.is_ascii_digit()) && release.contains('.');
            let is_commit = release.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_version && self.names.contains(&name.to_lowercase())
                || is_commit && self.of_git.iter().any(|other| is_of(other, name))
        };
        !self.has_package(package) && parts.any(is_named)
    }

    /// Adds the submodules of these repositories, as the checkouts in `home` have them.
    pub fn add_submodules(&mut self, home: &CargoHome) -> sys::Result<()> {
        let mut found = Vec::new();
        let checkouts = home.path().join(CHECKOUTS);
        let names = file::names(&checkouts)?;
        for directory in names.iter().filter(|name| self.has_repository(name.as_bytes())) {
            let directory = checkouts.join(directory);
            // A checkout's name is what its commit's begins with.
            let is_locked = |name: &OsString| {
                self.commits.iter().any(|commit| commit.as_bytes().starts_with(name.as_bytes()))
            };
            for checkout in file::names(&directory)?.iter().filter(|name| is_locked(name)) {
                let urls = submodules(&directory.join(checkout))?;
                found.extend(urls.iter().map(|url| repository(url)));
            }
        }
        self.repositories.extend(found);
        Ok(())
    }

    /// What is not used of the part `part` of a cargo home, in which there is `tree`: files, and directories with all in them.
    pub fn unused(&self, part: &str, tree: &Tree) -> Vec<NodeId> {
        let is_used = |id: NodeId| {
            let name = String::from_utf8_lossy(tree.name(id));
            match part {
                CRATES => self.crates.contains_key(&*name),
                INDEX => !is_cached_index(tree, id) || self.names.contains(&*name.to_lowercase()),
                _ => true,
            }
        };
        if part == SOURCES {
            return directories_of_crates(tree)
                .filter(|&directory| !is_as_extracted(tree, directory))
                .collect();
        }
        if part == REPOSITORIES {
            return tree.children(0).filter(|&id| !self.has_repository(tree.name(id))).collect();
        }
        let mut is_unused = vec![false; tree.len() as usize];
        // Children come after their directory, which goes with the last of them.
        for id in (1..tree.len()).rev() {
            let mut children = tree.children(id);
            is_unused[id as usize] = match tree.node(id).kind {
                Kind::Directory { count, .. } => count > 0 && children.all(|child| is_unused[child as usize]),
                Kind::File { .. } => !is_used(id),
                Kind::Symlink { .. } => false,
            };
        }
        // The index of a registry of which nothing is used, which can be a large git repository.
        let is_idle = |registry: &NodeId| {
            part == INDEX && tree.child(*registry, b".cache").is_some_and(|cache| is_unused[cache as usize])
        };
        let idle: Vec<_> = tree.children(0).filter(is_idle).collect();
        idle.into_iter().chain((1..tree.len()).filter(|&id| is_unused[id as usize])).collect()
    }

    /// Whether a lock file names `package`: `<name>-<version>`, or `<name>-<commit>`, which may be cut.
    pub fn has_package(&self, package: &str) -> bool {
        let is_it = |other: &String| other.starts_with(package);
        self.crates.contains_key(&format!("{package}.crate")) || self.of_git.iter().any(is_it)
    }

    /// How many packages of registries and from git the lock files name.
    pub fn count(&self) -> usize {
        self.crates.len() + self.of_git.len()
    }

    /// Names of the directories in `registry/src` of the crates that lock files name.
    pub fn sources(&self) -> Vec<Vec<u8>> {
        self.crates.keys().map(|name| name.trim_end_matches(".crate").into()).collect()
    }

    /// Whether the crate `name` may hold what `digest` is of. One without a known digest may hold anything.
    pub fn is_right(&self, name: &[u8], digest: &Digest) -> bool {
        let known = self.crates.get(&*String::from_utf8_lossy(name));
        known.is_none_or(|digests| digests.is_empty() || digests.contains(digest))
    }

    fn has_repository(&self, directory: &[u8]) -> bool {
        let directory = String::from_utf8_lossy(directory);
        // `<repository>-<hash of its URL>[-shallow]`
        let directory = directory.strip_suffix("-shallow").unwrap_or(&directory);
        directory.rsplit_once('-').is_none_or(|(name, _)| self.repositories.contains(&name.to_lowercase()))
    }
}

/// The directories of crates in `registry/src`: `<registry>/<name>-<version>`.
pub fn directories_of_crates(tree: &Tree) -> impl Iterator<Item = NodeId> {
    tree.children(0).flat_map(|registry| tree.children(registry))
}

/// Whether a crate's directory holds all of it, as it was extracted. Cargo writes the mark last: what is younger was patched.
fn is_as_extracted(tree: &Tree, directory: NodeId) -> bool {
    let Some(mark) = tree.child(directory, DOWNLOADED.as_bytes()).map(|id| tree.node(id)) else {
        return false;
    };
    let mut pending = vec![directory];
    while let Some(id) = pending.pop() {
        if tree.node(id).mtime > mark.mtime {
            return false;
        }
        pending.extend(tree.children(id));
    }
    matches!(mark.kind, Kind::File { size, .. } if size > 0)
}

/// The last part of a URL such as `https://example.com/owner/Name.git?branch=main#0123`, as cargo names its directory.
fn repository(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or(url).trim_end_matches('/');
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".git").unwrap_or(name).to_lowercase()
}

/// Whether a file of an index is what cargo noted of one package: `<registry>/.cache/<prefix>/<name>`.
fn is_cached_index(tree: &Tree, id: NodeId) -> bool {
    let mut at = id;
    while at != 0 {
        at = tree.node(at).parent;
        if tree.name(at) == b".cache" {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{Dir, Interrupt, file};
    use crate::tree::{Selection, walk};

    const LOCK: &str = r#"
version = 4
[[package]]
name = "mine"
version = "0.1.0"
[[package]]
name = "Inflector"
version = "0.11.4"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
[[package]]
name = "tool"
version = "1.0.0+build.1"
source = "git+https://example.com/o/Tools.git?branch=main#0123456789"
"#;

    #[test]
    fn what_a_lock_file_names_is_used_and_the_rest_is_not() {
        let mut locked = Locked::default();
        assert!(locked.add(LOCK) && !locked.add("[[package]]\nname = 1"));
        let place = tempfile::tempdir().unwrap();
        let unused = |part: &str, files: &[&str]| {
            let directory = place.path().join(part);
            for path in files {
                let path = directory.join(path);
                file::make_dirs(path.parent().unwrap()).unwrap();
                file::write_new(&path, b"").unwrap();
            }
            let tree =
                walk(&Dir::open(&directory).unwrap(), &Selection::all(), &Interrupt::default()).unwrap().tree;
            let paths = locked.unused(part, &tree).into_iter().map(|id| tree.path_below(0, id));
            paths.map(|path| String::from_utf8(path).unwrap()).collect::<Vec<_>>()
        };
        let crates = ["i-1/Inflector-0.11.4.crate", "i-1/Inflector-0.11.3.crate", "i-1/mine-0.1.0.crate"];
        assert_eq!(unused("registry/cache", &crates), ["i-1/Inflector-0.11.3.crate", "i-1/mine-0.1.0.crate"]);
        let index =
            ["i-1/.cache/in/fl/inflector", "i-1/.cache/mi/ne/mine", "i-1/config.json", "g-1/.git/HEAD"];
        let mine = ["i-1/.cache/mi", "i-1/.cache/mi/ne", "i-1/.cache/mi/ne/mine"];
        assert_eq!(unused("registry/index", &index), mine);
        let another = unused("registry/index", &["another-1/.cache/mi/ne/mine", "another-1/.git/HEAD"]);
        assert_eq!(another[0], "another-1", "nothing of it is used");
        let sources = ["i-1/whole-1.0.0/.cargo-ok", "i-1/half-1.0.0/lib.rs"];
        assert_eq!(
            unused("registry/src", &sources),
            ["i-1/half-1.0.0", "i-1/whole-1.0.0"],
            "the file is empty"
        );
        assert_eq!(unused("git/db", &["tools-0123/HEAD", "tool-4567/HEAD"]), ["tool-4567"]);
    }

    #[test]
    fn a_crate_with_another_digest_is_not_right() {
        let mut locked = Locked::default();
        locked.add(LOCK);
        assert!(locked.is_right(b"Inflector-0.11.4.crate", &Digest::of(b"test")));
        assert!(!locked.is_right(b"Inflector-0.11.4.crate", &Digest::of(b"tampered")));
        assert!(locked.is_right(b"other-1.0.0.crate", &Digest::of(b"anything")));
    }
}
