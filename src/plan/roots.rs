//! Which directories and files a layer is about: the places of cargo, those of presets, and what the user lists.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::facts::Facts;
use super::path_lines::{self, Bases, Named};
use super::pool::UnitDirectory;
use super::preset::PresetPath;
use super::settings::Settings;
use super::workspace_spec::WorkspaceSpec;
use crate::cargo::{CargoHome, InstallRoot, SOURCES};
use crate::sys::file::normal;
use crate::tree::Existing;

/// One directory, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootPlan {
    /// Its name in the entry: as the user wrote it, or a part of the layer.
    pub name: String,
    /// What `path` is.
    pub shape: Shape,
    /// Where it is, absolute.
    #[serde(with = "super::paths::one")]
    pub path: PathBuf,
    /// Patterns, relative to a directory, of what belongs to it; everything when empty.
    pub include: Vec<String>,
    /// Patterns of what does not.
    pub exclude: Vec<String>,
    /// Patterns of files that are replaced and never rewritten, besides those of cargo: they may be shared with an entry.
    pub replaced: Vec<String>,
    /// Whether each directory in it comes as a whole, and only where it is not there.
    pub is_of_wholes: bool,
    /// What becomes of files that are there already.
    pub existing: Existing,
}

impl RootPlan {
    /// The directory in which its tree lies in the job. For a single file it is the directory above.
    pub fn directory(&self, is_partial: bool) -> PathBuf {
        match (self.shape, self.path.parent()) {
            (Shape::Unknown, Some(parent)) if is_partial => parent.to_path_buf(),
            _ => self.path.clone(),
        }
    }
}

/// What the path of a root is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// A directory that is cached whole.
    Directory,
    /// A directory of which patterns choose a part.
    Part,
    /// A file or a directory: it shows when it is saved.
    Unknown,
}

pub(super) fn cargo_roots(facts: &Facts) -> Vec<RootPlan> {
    let Some(home) = &facts.cargo_home else { return Vec::new() };
    let root = |part: &str| RootPlan {
        name: part.to_owned(),
        shape: Shape::Directory,
        path: home.path().join(part),
        include: Vec::new(),
        // A package may have lock files of its own.
        exclude: if part == SOURCES { Vec::new() } else { CargoHome::LEFT_OUT.map(str::to_owned).into() },
        replaced: Vec::new(),
        is_of_wholes: false,
        existing: Existing::Keep,
    };
    CargoHome::PARTS.map(root).into()
}

/// The directory of the executables that cargo installs. Which of them belong to the layer, cargo's records tell.
pub(super) fn bin_roots(facts: &Facts) -> Vec<RootPlan> {
    let root = |root: &InstallRoot| RootPlan {
        name: "bin".to_owned(),
        shape: Shape::Part,
        path: root.bin(),
        include: Vec::new(),
        exclude: Vec::new(),
        replaced: Vec::new(),
        is_of_wholes: false,
        existing: Existing::Keep,
    };
    facts.install_root.iter().map(root).collect()
}

pub(super) fn target_roots(settings: &Settings, facts: &Facts) -> Vec<RootPlan> {
    let mut roots: Vec<RootPlan> = Vec::new();
    let mut add = |name: String, path: PathBuf| {
        // `CARGO_TARGET_DIR` gives all workspaces one directory.
        if roots.iter().all(|root| root.path != path) {
            roots.push(RootPlan {
                name,
                shape: Shape::Directory,
                path,
                include: Vec::new(),
                exclude: Vec::new(),
                replaced: Vec::new(),
                is_of_wholes: false,
                existing: Existing::Mirror,
            });
        }
    };
    for (name, workspace) in &facts.workspaces {
        let target = explicit_target(settings, facts, name);
        let target = normal(target.as_ref().unwrap_or(&workspace.target));
        match workspace.build.as_deref().map(normal) {
            // One holds the other.
            Some(build) if target.starts_with(&build) => add(name.clone(), build),
            Some(build) if !build.starts_with(&target) => {
                add(name.clone(), target);
                add(format!("{name} (build)"), build);
            }
            Some(_) | None => add(name.clone(), target),
        }
    }
    roots
}

/// Those of `roots` into which cargo puts units: a workspace's build directory where it has one, else its target directory.
pub(super) fn unit_directories(settings: &Settings, facts: &Facts, roots: &[RootPlan]) -> Vec<UnitDirectory> {
    let mut directories: Vec<UnitDirectory> = Vec::new();
    for (name, workspace) in &facts.workspaces {
        let target = explicit_target(settings, facts, name);
        let directory = normal(workspace.build.as_ref().or(target.as_ref()).unwrap_or(&workspace.target));
        let Some(root) = roots.iter().find(|root| root.path == directory) else { continue };
        let lock = workspace.root.join("Cargo.lock");
        match directories.iter_mut().find(|directory| directory.root == root.name) {
            Some(directory) => directory.locks.push(lock),
            None => directories.push(UnitDirectory { root: root.name.clone(), locks: vec![lock] }),
        }
    }
    directories
}

fn explicit_target(settings: &Settings, facts: &Facts, name: &str) -> Option<PathBuf> {
    let place = |spec: &&WorkspaceSpec| Bases::of(facts).place(&spec.path);
    let spec = settings.workspaces.iter().find(|spec| place(spec).1 == name)?;
    Some(normal(&place(&spec).0.join(spec.target.as_ref()?)))
}

/// What lines of `path` or `builds` name.
pub(super) fn path_roots(lines: &[String], facts: &Facts) -> Vec<RootPlan> {
    path_lines::named(lines, Bases::of(facts)).into_iter().map(path_root).collect()
}

/// Leaves the cache out of what lies around it.
pub(super) fn without_cache(mut roots: Vec<RootPlan>, cache: &Path) -> Vec<RootPlan> {
    for root in roots.iter_mut().filter(|root| root.path != cache) {
        root.exclude.extend(pattern_of(cache, &root.path));
    }
    roots
}

/// The pattern that matches `path` below `directory`, if it lies there.
pub(super) fn pattern_of(path: &Path, directory: &Path) -> Option<String> {
    let names = path.strip_prefix(directory).ok()?.components();
    let names: Vec<_> = names.map(|name| globset::escape(&name.as_os_str().to_string_lossy())).collect();
    Some(names.join("/"))
}

/// What the presets cache, but for what the user lists as well. The user's exclusions are about it, too.
pub(super) fn preset_roots(settings: &Settings, facts: &Facts) -> Vec<RootPlan> {
    let is_same = |a: &RootPlan, b: &RootPlan| a.path == b.path && a.include == b.include;
    let listed = path_roots(&settings.path, facts);
    let mut roots: Vec<RootPlan> = Vec::new();
    for PresetPath { name, line, preset } in &facts.preset_paths {
        let mut root = RootPlan {
            name: name.clone(),
            replaced: preset.replaced.clone(),
            is_of_wholes: preset.whole,
            existing: if preset.overwrite { Existing::Overwrite } else { Existing::Keep },
            ..path_root(path_lines::named_by(line, &settings.path, Bases::of(facts)))
        };
        let is_excluded = root.exclude.iter().any(|pattern| pattern == path_lines::ALL);
        root.exclude.extend(preset.exclude.iter().cloned());
        if !is_excluded && listed.iter().chain(&roots).all(|other| !is_same(other, &root)) {
            roots.push(root);
        }
    }
    roots
}

fn path_root(Named { name, path, include, exclude }: Named) -> RootPlan {
    RootPlan {
        name,
        shape: if include.is_none() { Shape::Unknown } else { Shape::Part },
        path,
        include: include.into_iter().collect(),
        exclude,
        replaced: Vec::new(),
        is_of_wholes: false,
        existing: Existing::Overwrite,
    }
}
