//! Which folders and files a layer is about: the places of cargo, and the path language of `path` and `builds`.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::facts::Facts;
use super::pool::UnitFolder;
use super::preset::PresetPath;
use super::settings::Settings;
use crate::cargo::{CargoHome, InstallRoot, SOURCES};
use crate::sys::file::normal;
use crate::tree::Existing;

/// One folder, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootPlan {
    /// Its name in the entry: as the user wrote it, or a part of the layer.
    pub name: String,
    /// What `path` is.
    pub shape: Shape,
    /// Where it is, absolute.
    #[serde(with = "super::paths::one")]
    pub path: PathBuf,
    /// Patterns, relative to a folder, of what belongs to it; everything when empty.
    pub include: Vec<String>,
    /// Patterns of what does not.
    pub exclude: Vec<String>,
    /// Patterns of files that are replaced and never rewritten, besides those of cargo: they may be shared with an entry.
    pub replaced: Vec<String>,
    /// What becomes of files that are there already.
    pub existing: Existing,
}

/// What the path of a root is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// A folder that is cached whole.
    Folder,
    /// A folder of which patterns choose a part.
    Part,
    /// A file or a folder: it shows when it is saved.
    Unknown,
}

pub(super) fn cargo_roots(facts: &Facts) -> Vec<RootPlan> {
    let Some(home) = &facts.cargo_home else { return Vec::new() };
    let root = |part: &str| RootPlan {
        name: part.to_owned(),
        shape: Shape::Folder,
        path: home.path().join(part),
        include: Vec::new(),
        // A package may have lock files of its own.
        exclude: if part == SOURCES { Vec::new() } else { CargoHome::LEFT_OUT.map(str::to_owned).into() },
        replaced: Vec::new(),
        existing: Existing::Keep,
    };
    CargoHome::PARTS.map(root).into()
}

/// The folder of the executables that cargo installs. Which of them belong to the layer, cargo's records tell.
pub(super) fn bin_roots(facts: &Facts) -> Vec<RootPlan> {
    let root = |root: &InstallRoot| RootPlan {
        name: "bin".to_owned(),
        shape: Shape::Part,
        path: root.bin(),
        include: Vec::new(),
        exclude: Vec::new(),
        replaced: Vec::new(),
        existing: Existing::Keep,
    };
    facts.install_root.iter().map(root).collect()
}

pub(super) fn target_roots(settings: &Settings, facts: &Facts) -> Vec<RootPlan> {
    let mut roots: Vec<RootPlan> = Vec::new();
    let mut add = |name: String, path: PathBuf| {
        // `CARGO_TARGET_DIR` gives all workspaces one folder.
        if roots.iter().all(|root| root.path != path) {
            roots.push(RootPlan {
                name,
                shape: Shape::Folder,
                path,
                include: Vec::new(),
                exclude: Vec::new(),
                replaced: Vec::new(),
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

/// Those of `roots` into which cargo puts units: a workspace's build folder where it has one, else its target folder.
pub(super) fn unit_folders(settings: &Settings, facts: &Facts, roots: &[RootPlan]) -> Vec<UnitFolder> {
    let mut folders: Vec<UnitFolder> = Vec::new();
    for (name, workspace) in &facts.workspaces {
        let target = explicit_target(settings, facts, name);
        let folder = normal(workspace.build.as_ref().or(target.as_ref()).unwrap_or(&workspace.target));
        let Some(root) = roots.iter().find(|root| root.path == folder) else { continue };
        let lock = workspace.root.join("Cargo.lock");
        match folders.iter_mut().find(|folder| folder.root == root.name) {
            Some(folder) => folder.locks.push(lock),
            None => folders.push(UnitFolder { root: root.name.clone(), locks: vec![lock] }),
        }
    }
    folders
}

fn explicit_target(settings: &Settings, facts: &Facts, name: &str) -> Option<PathBuf> {
    let spec = settings.workspaces.iter().find(|spec| spec.path == Path::new(name))?;
    Some(normal(&facts.folder.join(&spec.path).join(spec.target.as_ref()?)))
}

/// Lines of paths and patterns as in `actions/cache`: relative to the job's folder, `~` for the home, `!` excludes.
pub(super) fn path_roots(lines: &[String], facts: &Facts) -> Vec<RootPlan> {
    let excluded = excluded(lines, facts);
    let included = lines.iter().filter(|line| !line.starts_with('!'));
    included.map(|line| path_root(line, &excluded, facts)).collect()
}

/// What the presets cache, but for what the user lists as well. The user's exclusions are about it, too.
pub(super) fn preset_roots(settings: &Settings, facts: &Facts) -> Vec<RootPlan> {
    let excluded = excluded(&settings.path, facts);
    let is_same = |a: &RootPlan, b: &RootPlan| a.path == b.path && a.include == b.include;
    let listed = path_roots(&settings.path, facts);
    let mut roots: Vec<RootPlan> = Vec::new();
    for PresetPath { name, line, preset } in &facts.preset_paths {
        let mut root = RootPlan {
            name: name.clone(),
            replaced: preset.replaced.clone(),
            existing: if preset.overwrite { Existing::Overwrite } else { Existing::Keep },
            ..path_root(line, &excluded, facts)
        };
        root.exclude.extend(preset.exclude.iter().cloned());
        if listed.iter().chain(&roots).all(|other| !is_same(other, &root)) {
            roots.push(root);
        }
    }
    roots
}

fn excluded(lines: &[String], facts: &Facts) -> Vec<PathBuf> {
    let excluded = lines.iter().filter_map(|line| line.strip_prefix('!'));
    excluded.map(|line| absolute(line.trim(), facts)).collect()
}

fn path_root(line: &str, excluded: &[PathBuf], facts: &Facts) -> RootPlan {
    let path = absolute(line, facts);
    let (path, pattern) = split_pattern(&path);
    RootPlan {
        name: line.to_owned(),
        shape: if pattern.is_some() { Shape::Part } else { Shape::Unknown },
        include: pattern.into_iter().collect(),
        exclude: excluded.iter().filter_map(|excluded| below(&path, excluded)).collect(),
        replaced: Vec::new(),
        existing: Existing::Overwrite,
        path,
    }
}

fn absolute(line: &str, facts: &Facts) -> PathBuf {
    let path = match (line.strip_prefix('~'), &facts.home) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
            home.join(rest.trim_start_matches('/'))
        }
        _ => facts.folder.join(line),
    };
    normal(&path)
}

/// Splits a path before the first component that is a pattern.
fn split_pattern(path: &Path) -> (PathBuf, Option<String>) {
    let is_pattern = |component: &Component<'_>| {
        component.as_os_str().as_encoded_bytes().iter().any(|b| b"*?[{".contains(b))
    };
    let plain: PathBuf = path.components().take_while(|component| !is_pattern(component)).collect();
    let pattern = path.strip_prefix(&plain).unwrap_or(Path::new(""));
    let pattern = (!pattern.as_os_str().is_empty()).then(|| pattern.to_string_lossy().into_owned());
    (plain, pattern)
}

/// The pattern `excluded` relative to `folder`; `None` when it is about another folder.
fn below(folder: &Path, excluded: &Path) -> Option<String> {
    if let Ok(rest) = excluded.strip_prefix(folder) {
        return Some(rest.to_string_lossy().into_owned()).filter(|rest| !rest.is_empty());
    }
    // `!/w/**/*.tmp` is about `/w/a` as well.
    let (plain, pattern) = split_pattern(excluded);
    pattern.filter(|pattern| folder.starts_with(plain) && pattern.starts_with("**/"))
}
