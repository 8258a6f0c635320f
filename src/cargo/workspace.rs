//! A cargo workspace: its target directory, lock file and manifests.
//!
//! Cargo itself tells all of it (`cargo metadata`), in 50 ms or more. Where nothing is in doubt its files tell the same
//! in one: the directory is a workspace's root, has a lock file, and no `build-dir` is configured.

use std::path::{Path, PathBuf};

use cargo_config2::{BuildConfig, Config, ResolveOptions};
use cargo_metadata::MetadataCommand;
use cargo_metadata::camino::Utf8PathBuf;

use super::ask::{ask, command};
use super::config::has_includes;
use super::home::CargoHome;
use crate::github::Environment;
use crate::sys::file;

/// What a cargo workspace is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// The workspace's directory, where its lock file is.
    pub root: PathBuf,
    /// Where its builds go.
    pub target: PathBuf,
    /// Where intermediate files go, when that is another directory.
    pub build: Option<PathBuf>,
    /// Manifests of the workspace and its members; only where there is no lock file.
    pub manifests: Vec<PathBuf>,
    /// Its `Cargo.lock`, if there is one.
    pub lock: Option<PathBuf>,
}

impl Workspace {
    /// Finds out about the workspace of `directory`; `None` when there is no `Cargo.toml` in it. `own_home` is
    /// the cargo home that the job is going to have, where that is another one than `env` tells.
    pub fn inspect(directory: &Path, env: &Environment, own_home: Option<&CargoHome>) -> Option<Self> {
        let manifest = directory.join("Cargo.toml");
        if !file::is_file(&manifest) {
            return None;
        }
        let place = Place { directory, env, home: CargoHome::find(env, directory), own_home };
        let build = place.configuration();
        let plain = build.as_ref().and_then(|build| place.read_plain(&manifest, build));
        let asked = plain.or_else(|| place.ask_cargo(build.as_ref()));
        Some(asked.unwrap_or_else(|| place.without_cargo(manifest, build.as_ref())))
    }
}

/// What `build-dir` may begin with for cargo's home.
const HOME_VARIABLE: &str = "{cargo-cache-home}";

/// Where cargo is run.
struct Place<'a> {
    directory: &'a Path,
    env: &'a Environment,
    home: Option<CargoHome>,
    own_home: Option<&'a CargoHome>,
}

impl Place<'_> {
    /// What is configured about builds; `None` where it cannot be read.
    fn configuration(&self) -> Option<BuildConfig> {
        let home = self.home.as_ref().map(|home| home.path().to_path_buf());
        let options = ResolveOptions::default().env(self.env.iter()).cargo_home(home);
        Config::load_with_options(self.directory, options).ok().map(|config| config.build)
    }

    /// Reads the files of a workspace about which nothing is in doubt.
    fn read_plain(&self, manifest: &Path, build: &BuildConfig) -> Option<Workspace> {
        let directory = self.directory;
        let lock = lock_file(directory)?;
        let table: toml::Table = String::from_utf8(file::read(manifest).ok()?).ok()?.parse().ok()?;
        // A package without a workspace of its own may be a member of one further up.
        let is_alone =
            || !directory.ancestors().skip(1).any(|above| file::is_file(&above.join("Cargo.toml")));
        let names_its_root =
            || table.get("package").is_some_and(|package| package.get("workspace").is_some());
        if !table.contains_key("workspace") && (names_its_root() || !is_alone()) {
            return None;
        }
        if build.build_dir.is_some() || has_includes(directory, self.home.as_ref()) {
            return None;
        }
        Some(Workspace {
            root: directory.to_path_buf(),
            target: target_in(directory, Some(build)),
            build: None,
            manifests: Vec::new(),
            lock: Some(lock),
        })
    }

    fn ask_cargo(&self, build: Option<&BuildConfig>) -> Option<Workspace> {
        let mut cargo = command(self.env.get("CARGO").unwrap_or("cargo"), self.directory, self.env)?;
        let mut metadata = MetadataCommand::new();
        metadata.no_deps();
        let answer = ask(cargo.args(metadata.cargo_command().get_args()), self.env)?;
        let metadata = MetadataCommand::parse(answer.lines().find(|line| line.starts_with('{'))?).ok()?;
        let root = metadata.workspace_root.into_std_path_buf();
        let target = metadata.target_directory.into_std_path_buf();
        let told = metadata.build_directory.map(Utf8PathBuf::into_std_path_buf);
        let told = told.filter(|told| *told != target);
        let mut manifests: Vec<_> =
            metadata.packages.into_iter().map(|package| package.manifest_path.into_std_path_buf()).collect();
        manifests.push(root.join("Cargo.toml"));
        manifests.sort();
        manifests.dedup();
        let lock = lock_file(&root);
        Some(Workspace {
            build: told.map(|told| self.in_own_home(told, build)),
            root,
            target,
            manifests,
            lock,
        })
    }

    /// The build directory `told`, which cargo told of the home that it has now, in the home that it is going to have.
    fn in_own_home(&self, told: PathBuf, build: Option<&BuildConfig>) -> PathBuf {
        let configured = build.and_then(|build| build.build_dir.as_ref());
        let is_in_home = configured.is_some_and(|configured| configured.starts_with(HOME_VARIABLE));
        let (Some(home), Some(own), true) = (&self.home, self.own_home, is_in_home) else { return told };
        told.strip_prefix(home.path()).map_or_else(|_| told.clone(), |rest| own.path().join(rest))
    }

    /// What can be told where there is no cargo yet, or one that rejects the manifest.
    fn without_cargo(&self, manifest: PathBuf, build: Option<&BuildConfig>) -> Workspace {
        let directory = self.directory;
        Workspace {
            root: directory.to_path_buf(),
            target: target_in(directory, build),
            build: build.and_then(|build| self.resolved(build.build_dir.as_deref()?)),
            manifests: vec![manifest],
            lock: lock_file(directory),
        }
    }

    /// The `build-dir` as it is configured, without its variables. Only cargo knows the hash of `{workspace-path-hash}`.
    fn resolved(&self, configured: &Path) -> Option<PathBuf> {
        let home = self.own_home.or(self.home.as_ref())?.path().to_str()?;
        let resolved = configured
            .to_str()?
            .replace("{workspace-root}", self.directory.to_str()?)
            .replace(HOME_VARIABLE, home);
        (!resolved.contains('{')).then(|| self.directory.join(resolved))
    }
}

fn target_in(directory: &Path, build: Option<&BuildConfig>) -> PathBuf {
    directory.join(build.and_then(|build| build.target_dir.as_deref()).unwrap_or(Path::new("target")))
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

    /// What reaches the toolchain, and nothing that configures cargo.
    fn env(root: &Path) -> Environment {
        let process = Environment::of_process();
        let rustup = process.get("HOME").map(|home| format!("{home}/.rustup")).unwrap_or_default();
        let home = root.join("home").display().to_string();
        Environment::from([
            ("PATH", process.get("PATH").unwrap_or_default()),
            ("RUSTUP_HOME", process.get("RUSTUP_HOME").unwrap_or(&rustup)),
            ("RUSTUP_TOOLCHAIN", process.get("RUSTUP_TOOLCHAIN").unwrap_or_default()),
            ("HOME", &home),
        ])
    }

    fn read_plain(directory: &Path, root: &Path) -> Option<Workspace> {
        let env = env(root);
        let place = Place { directory, env: &env, home: CargoHome::find(&env, directory), own_home: None };
        place.read_plain(&directory.join("Cargo.toml"), &place.configuration()?)
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
            let read = read_plain(&root, &root).unwrap();
            let env = env(&root);
            let asked =
                Place { directory: &root, env: &env, home: None, own_home: None }.ask_cargo(None).unwrap();
            assert_eq!((read.root, read.target, read.lock), (asked.root, asked.target, asked.lock));
        }
    }

    #[test]
    fn cargo_is_asked_where_files_leave_a_doubt() {
        let inspect =
            |directory: &Path, root: &Path| Workspace::inspect(directory, &env(root), None).unwrap();
        let member = ("member/Cargo.toml", "[package]\nname = \"m\"\nversion = \"1.0.0\"\n");
        let member_lock = ("member/Cargo.lock", LOCK.1);
        let member_source = ("member/src/lib.rs", "");
        let virtual_root = ("Cargo.toml", "[workspace]\nmembers = [\"member\"]\nresolver = \"2\"\n");
        let (_place, root) = project(&[virtual_root, member, member_lock, member_source]);
        let directory = root.join("member");
        assert_eq!(read_plain(&directory, &root), None);
        let workspace = inspect(&directory, &root);
        assert_eq!((&workspace.root, &workspace.target), (&root, &root.join("target")));

        let (_place, root) =
            project(&[PACKAGE, LOCK, SOURCE, (".cargo/config.toml", "build.build-dir = \"b\"\n")]);
        assert_eq!(read_plain(&root, &root), None);
        assert_eq!(inspect(&root, &root).build, Some(root.join("b")));

        let including = (".cargo/config.toml", "include = [\"more.toml\"]\n");
        let included = (".cargo/more.toml", "build.target-dir = \"out\"\n");
        let (_place, root) = project(&[PACKAGE, LOCK, SOURCE, including, included]);
        assert_eq!(read_plain(&root, &root), None);
        assert_eq!(inspect(&root, &root).target, root.join("out"));

        let (_place, root) = project(&[PACKAGE, SOURCE]);
        assert_eq!(inspect(&root, &root).manifests, [root.join("Cargo.toml")]);
    }

    #[test]
    fn a_build_directory_in_the_home_is_in_the_home_that_the_job_is_going_to_have() {
        let build_dir = |template: &str| format!("build.build-dir = \"{template}\"\n");
        let config = build_dir("{cargo-cache-home}/build/{workspace-path-hash}");
        let (_place, root) = project(&[PACKAGE, LOCK, SOURCE, (".cargo/config.toml", &config)]);
        let build =
            |own: Option<&CargoHome>| Workspace::inspect(&root, &env(&root), own).unwrap().build.unwrap();
        let rest = build(None).strip_prefix(root.join("home/.cargo/build")).unwrap().to_path_buf();
        let own = CargoHome::at("/temp/cargo-home");
        assert_eq!(build(Some(&own)), Path::new("/temp/cargo-home/build").join(rest));
    }

    #[test]
    fn without_cargo_a_build_directory_is_told_as_far_as_it_needs_no_hash() {
        for (template, expected) in [
            ("b", Some("b")),
            ("{workspace-root}/x/b", Some("x/b")),
            ("{cargo-cache-home}/b", Some("home/.cargo/b")),
            ("{cargo-cache-home}/{workspace-path-hash}", None),
        ] {
            let config = format!("build.build-dir = \"{template}\"\n");
            let (_place, root) = project(&[PACKAGE, LOCK, SOURCE, (".cargo/config.toml", &config)]);
            let home = root.join("home").display().to_string();
            let env = Environment::from([("HOME", &*home), ("PATH", "/nowhere")]);
            let told = Workspace::inspect(&root, &env, None).unwrap().build;
            assert_eq!(told, expected.map(|path| root.join(path)), "{template}");
        }
    }
}
