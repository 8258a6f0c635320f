//! Which directories and files a layer is about: the places of cargo, and the path language of `path` and `builds`.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::facts::Facts;
use super::pool::UnitDirectory;
use super::preset::PresetPath;
use super::settings::Settings;
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
    let spec = settings.workspaces.iter().find(|spec| spec.path == Path::new(name))?;
    Some(normal(&facts.directory.join(&spec.path).join(spec.target.as_ref()?)))
}

/// Lines of paths and patterns as in `actions/cache`: relative to the job's directory, `~` for the home, `!` excludes from what the
/// lines before it name. So of all lines that match a file the last one decides, as in `internal-globber.ts` of `@actions/glob`.
pub(super) fn path_roots(lines: &[String], facts: &Facts) -> Vec<RootPlan> {
    let included = lines.iter().enumerate().filter(|(_, line)| !line.starts_with('!'));
    included.map(|(index, line)| path_root(line, &excluded(&lines[index + 1..], facts), facts)).collect()
}

/// Leaves the cache out of what patterns choose, as it is below their directory.
pub(super) fn without_cache(mut roots: Vec<RootPlan>, cache: &Path) -> Vec<RootPlan> {
    for root in roots.iter_mut().filter(|root| root.shape == Shape::Part) {
        let Ok(rest) = cache.strip_prefix(&root.path) else { continue };
        let names: Vec<_> = rest.components().map(|component| globset::escape(&part(component))).collect();
        root.exclude.push(names.join("/"));
    }
    roots
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
            is_of_wholes: preset.whole,
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

fn excluded(lines: &[String], facts: &Facts) -> Vec<Line> {
    let excluded = lines.iter().filter_map(|line| line.strip_prefix('!'));
    excluded.map(|line| Line::new(line.trim(), facts)).collect()
}

fn path_root(line: &str, excluded: &[Line], facts: &Facts) -> RootPlan {
    let Line { plain, pattern } = Line::new(line, facts);
    // `d`, `./d` and `d/` are one.
    let name = line.trim_start_matches("./").trim_end_matches('/');
    RootPlan {
        name: if name.is_empty() { line } else { name }.to_owned(),
        shape: if pattern.is_empty() { Shape::Unknown } else { Shape::Part },
        include: (!pattern.is_empty()).then(|| pattern.join("/")).into_iter().collect(),
        exclude: excluded.iter().flat_map(|excluded| excluded.below(&plain)).collect(),
        replaced: Vec::new(),
        is_of_wholes: false,
        existing: Existing::Overwrite,
        path: plain,
    }
}

/// A path, and from its first component on that is one a pattern.
struct Line {
    plain: PathBuf,
    pattern: Vec<String>,
}

impl Line {
    /// What the line says is a pattern; the directory that it is relative to is none, whatever it is called.
    fn new(line: &str, facts: &Facts) -> Self {
        let (directory, rest) = match (line.strip_prefix('~'), &facts.home) {
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
                (home, rest.trim_start_matches('/'))
            }
            _ => (&facts.directory, line),
        };
        let (mut plain, mut pattern) = (directory.clone(), Vec::new());
        for component in Path::new(rest).components() {
            let name = part(component);
            match component {
                Component::ParentDir if !pattern.is_empty() => drop(pattern.pop()),
                _ if pattern.is_empty() && !is_pattern(&name) => plain.push(unescaped(&name)),
                _ => pattern.push(name),
            }
        }
        // A pattern with a slash at its end matches directories only: what is in them.
        if rest.ends_with('/') && !pattern.is_empty() {
            pattern.push("**".to_owned());
        }
        Self { plain: normal(&plain), pattern }
    }

    /// What of it is about `directory`, as patterns relative to that: all ways in which a part of it can lead to the directory.
    fn below(&self, directory: &Path) -> Vec<String> {
        if let Ok(rest) = self.plain.strip_prefix(directory) {
            let rest = rest.components().map(|component| globset::escape(&part(component)));
            let whole: Vec<_> = rest.chain(self.pattern.iter().cloned()).collect();
            // The directory itself: all that is in it.
            return vec![if whole.is_empty() { "**".to_owned() } else { whole.join("/") }];
        }
        let Ok(rest) = directory.strip_prefix(&self.plain) else { return Vec::new() };
        let names: Vec<_> = rest.components().map(part).collect();
        let mut found = Vec::new();
        led(&self.pattern, &names, &mut found);
        found.dedup();
        found
    }
}

/// Adds what is left of `pattern` behind each way in which it can match all of `names`.
fn led(pattern: &[String], names: &[String], found: &mut Vec<String>) {
    match (pattern.split_first(), names.split_first()) {
        (_, None) => {
            let left = if pattern.is_empty() { "**".to_owned() } else { pattern.join("/") };
            if !found.contains(&left) {
                found.push(left);
            }
        }
        // A directory above is excluded.
        (None, Some(_)) => led(pattern, &[], found),
        (Some((any, rest)), Some((_, below))) if any == "**" => {
            led(rest, names, found);
            led(pattern, below, found);
        }
        (Some((first, rest)), Some((name, below))) => {
            if globset::Glob::new(first).is_ok_and(|glob| glob.compile_matcher().is_match(name)) {
                led(rest, below, found);
            }
        }
    }
}

fn part(component: Component<'_>) -> String {
    component.as_os_str().to_string_lossy().into_owned()
}

/// The name that a component stands for which is no pattern: `\!x` is `!x`.
fn unescaped(part: &str) -> String {
    let mut characters = part.chars();
    let mut name = String::new();
    while let Some(character) = characters.next() {
        name.push(if character == '\\' { characters.next().unwrap_or(character) } else { character });
    }
    name
}

fn is_pattern(part: &str) -> bool {
    part.contains(['*', '?', '[', '{'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(directory: &str) -> Facts {
        Facts { directory: directory.into(), home: Some("/home/me".into()), ..Facts::default() }
    }

    fn root(lines: &[&str]) -> RootPlan {
        let lines: Vec<_> = lines.iter().map(|line| (*line).to_owned()).collect();
        path_roots(&lines, &facts("/w")).remove(0)
    }

    #[test]
    fn an_exclusion_is_about_each_path_that_it_can_lead_to() {
        for (path, excluded, left_out) in [
            ("node_modules", "**/node_modules/.cache", &["**/node_modules/.cache", ".cache"][..]),
            ("packages/a/node_modules", "packages/*/node_modules/.cache", &[".cache"]),
            ("target", "target/debug", &["debug"]),
            ("target", "**/target/debug", &["**/target/debug", "debug"]),
            ("target", "target", &["**"]),
            ("target/debug", "target", &["**"]),
            ("apps/web/.next/cache", "apps/*/.next/cache/webpack", &["webpack"]),
            ("apps", "apps/*/dist", &["*/dist"]),
            ("a/x/b", "a/**/b/*.log", &["**/b/*.log", "*.log"]),
            ("a", "/w/a/*.log", &["*.log"]),
            ("a", "b/*.log", &[]),
            ("a/b", "a/c*/d", &[]),
            ("~/.npm", "~/.npm/_logs", &["_logs"]),
            ("~/.npm", "**/_logs", &[]),
            ("../sibling/a", "../sibling/a/b", &["b"]),
        ] {
            let mut found = root(&[path, &format!("!{excluded}")]).exclude;
            found.sort();
            let mut expected: Vec<_> = left_out.iter().map(ToString::to_string).collect();
            expected.sort();
            assert_eq!(found, expected, "{path}, !{excluded}");
        }
    }

    #[test]
    fn only_the_line_itself_is_a_pattern() {
        let lines = ["out/**/*.bin".to_owned(), "!out/[ab]".to_owned()];
        let root = path_roots(&lines, &facts("/w/{x}/[y]")).remove(0);
        assert_eq!(root.path, Path::new("/w/{x}/[y]/out"));
        assert_eq!((root.include, root.exclude), (vec!["**/*.bin".to_owned()], vec!["[ab]".to_owned()]));
        let around = path_roots(&["..".to_owned(), "!a".to_owned()], &facts("/w/[y]")).remove(0);
        assert_eq!(around.exclude, ["[[]y[]]/a"]);
    }

    #[test]
    fn a_path_is_the_same_with_a_slash_at_its_end() {
        assert_eq!(root(&["d/"]), root(&["d"]));
        assert_eq!(root(&["./d"]), root(&["d"]));
        assert_eq!(root(&["d/*/"]).include, ["*/**"]);
        assert_eq!(root(&["/"]).name, "/");
    }
}
