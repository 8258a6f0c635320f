//! A cargo workspace: its target folder, lock file and manifests.
//!
//! Cargo itself tells all of it (`cargo metadata`), in 50 ms or more. Where nothing is in doubt its files tell the same
//! in one: the folder is a workspace's root, has a lock file, and no `build-dir` is configured.

use std::path::{Path, PathBuf};

use cargo_config2::Config;
use cargo_metadata::MetadataCommand;
use cargo_metadata::camino::Utf8PathBuf;

use crate::sys::file;

/// What a cargo workspace is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// The workspace's folder, where its lock file is.
    pub root: PathBuf,
    /// Where its builds go.
    pub target: PathBuf,
    /// Where intermediate files go, when that is another folder.
    pub build: Option<PathBuf>,
    /// Manifests of the workspace and its members; only where there is no lock file.
    pub manifests: Vec<PathBuf>,
    /// Its `Cargo.lock`, if there is one.
    pub lock: Option<PathBuf>,
}

impl Workspace {
    /// Finds out about the workspace of the folder `folder`; `None` when there is no `Cargo.toml` in it.
    pub fn inspect(folder: &Path) -> Option<Self> {
        let manifest = folder.join("Cargo.toml");
        if !file::is_file(&manifest) {
            return None;
        }
        let plain = read_plain(folder, &manifest);
        Some(plain.or_else(|| ask_cargo(folder)).unwrap_or_else(|| without_cargo(folder, manifest)))
    }
}

/// Reads the files of a workspace about which nothing is in doubt.
fn read_plain(folder: &Path, manifest: &Path) -> Option<Workspace> {
    let lock = lock_file(folder)?;
    let table: toml::Table = String::from_utf8(file::read(manifest).ok()?).ok()?.parse().ok()?;
    // A package without a workspace of its own may be a member of one further up.
    let is_alone = || !folder.ancestors().skip(1).any(|above| file::is_file(&above.join("Cargo.toml")));
    let names_its_root = || table.get("package").is_some_and(|package| package.get("workspace").is_some());
    if !table.contains_key("workspace") && (names_its_root() || !is_alone()) {
        return None;
    }
    let build = Config::load_with_cwd(folder).ok()?.build;
    if build.build_dir.is_some() {
        return None;
    }
    Some(Workspace {
        root: folder.to_path_buf(),
        target: build.target_dir.map_or_else(|| folder.join("target"), |target| folder.join(target)),
        build: None,
        manifests: Vec::new(),
        lock: Some(lock),
    })
}

fn ask_cargo(folder: &Path) -> Option<Workspace> {
    let metadata =
        MetadataCommand::new().current_dir(folder).no_deps().env("RUSTUP_AUTO_INSTALL", "0").exec().ok()?;
    let root = metadata.workspace_root.into_std_path_buf();
    let target = metadata.target_directory.into_std_path_buf();
    let build = metadata.build_directory.map(Utf8PathBuf::into_std_path_buf);
    let mut manifests: Vec<_> =
        metadata.packages.into_iter().map(|package| package.manifest_path.into_std_path_buf()).collect();
    manifests.push(root.join("Cargo.toml"));
    manifests.sort();
    manifests.dedup();
    let lock = lock_file(&root);
    Some(Workspace { build: build.filter(|build| *build != target), root, target, manifests, lock })
}

/// What can be told where there is no cargo yet, or one that rejects the manifest.
fn without_cargo(folder: &Path, manifest: PathBuf) -> Workspace {
    let build = Config::load_with_cwd(folder).ok().map(|config| config.build);
    let target = build.and_then(|build| build.target_dir).unwrap_or_else(|| "target".into());
    Workspace {
        root: folder.to_path_buf(),
        target: folder.join(target),
        build: None,
        manifests: vec![manifest],
        lock: lock_file(folder),
    }
}

fn lock_file(root: &Path) -> Option<PathBuf> {
    Some(root.join("Cargo.lock")).filter(|lock| file::is_file(lock))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace on disk, and what cargo says of it.
    fn project(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
        let place = tempfile::tempdir().unwrap();
        for (path, contents) in files {
            let path = place.path().join(path);
            file::make_dirs(path.parent().unwrap()).unwrap();
            file::write_atomic(&path, contents.as_bytes()).unwrap();
        }
        let root = file::canonicalize(place.path()).unwrap();
        (place, root)
    }

    const PACKAGE: (&str, &str) = ("Cargo.toml", "[package]\nname = \"a\"\nversion = \"1.0.0\"\n");
    const LOCK: (&str, &str) =
        ("Cargo.lock", "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n");
    const SOURCE: (&str, &str) = ("src/lib.rs", "");

    #[test]
    fn files_tell_the_same_as_cargo_does() {
        let config = (".cargo/config.toml", "build.target-dir = \"out\"\n");
        for files in [&[PACKAGE, LOCK, SOURCE][..], &[PACKAGE, LOCK, SOURCE, config]] {
            let (_place, root) = project(files);
            let read = read_plain(&root, &root.join("Cargo.toml")).unwrap();
            let asked = ask_cargo(&root).unwrap();
            assert_eq!((read.root, read.target, read.lock), (asked.root, asked.target, asked.lock));
        }
    }

    #[test]
    fn cargo_is_asked_where_files_leave_a_doubt() {
        let member = ("member/Cargo.toml", "[package]\nname = \"m\"\nversion = \"1.0.0\"\n");
        let member_lock = ("member/Cargo.lock", LOCK.1);
        let member_source = ("member/src/lib.rs", "");
        let virtual_root = ("Cargo.toml", "[workspace]\nmembers = [\"member\"]\nresolver = \"2\"\n");
        let (_place, root) = project(&[virtual_root, member, member_lock, member_source]);
        let folder = root.join("member");
        assert_eq!(read_plain(&folder, &folder.join("Cargo.toml")), None);
        let workspace = Workspace::inspect(&folder).unwrap();
        assert_eq!((&workspace.root, &workspace.target), (&root, &root.join("target")));

        let (_place, root) =
            project(&[PACKAGE, LOCK, SOURCE, (".cargo/config.toml", "build.build-dir = \"b\"\n")]);
        assert_eq!(read_plain(&root, &root.join("Cargo.toml")), None);
        assert_eq!(Workspace::inspect(&root).unwrap().build, Some(root.join("b")));

        let (_place, root) = project(&[PACKAGE, SOURCE]);
        assert_eq!(Workspace::inspect(&root).unwrap().manifests, [root.join("Cargo.toml")]);
    }
}
