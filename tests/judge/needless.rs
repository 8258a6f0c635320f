//! Units that a job compiled although an earlier one had built and saved just these, from the same contents.
//!
//! The need of a compilation is judged by contents, as an ideal cache could: by what cargo calls the unit (package,
//! target, profile, features, names of its files), by the files of its package and of the path packages that it needs,
//! and by what its shape declares besides. Saved by whom: a job of the same lane, for a branch that this job may read.
//! Entries are few and hold what one job used, so not all that is counted here could be had; none of it is hidden.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;
use test_support::files::inside;

use crate::history::{Branch, Clock, History, Job};
use crate::project::{Part, Project};
use crate::world::Counts;

/// How many units need not have been compiled, and were.
#[derive(Debug, Default, Clone)]
pub(crate) struct Needless {
    /// Those that an earlier job had built at the same path.
    pub(crate) one_path: Share,
    /// Those that an earlier job had built anywhere.
    pub(crate) any_path: Share,
    /// Those at the same path by the shape that they belong to.
    pub(crate) by_shape: BTreeMap<&'static str, Share>,
}

/// Of units that were not needed, those that were compiled all the same.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Share {
    pub(crate) compiled: u64,
    pub(crate) all: u64,
}

impl Share {
    pub(crate) fn add(&mut self, other: Self) {
        self.compiled += other.compiled;
        self.all += other.all;
    }

    pub(crate) fn percent(self) -> f64 {
        100.0 * self.compiled as f64 / self.all.max(1) as f64
    }
}

/// What the jobs of a history have built and saved.
#[derive(Debug)]
pub(crate) struct Built {
    parts: Vec<Part>,
    saved: BTreeSet<Saved>,
}

/// A unit that was saved.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Saved {
    branch: Branch,
    lane: u8,
    place: u8,
    unit: String,
}

/// Paths with digests of what is there.
type Sources = BTreeMap<String, String>;

impl Built {
    pub(crate) fn new(history: &History) -> Self {
        Self { parts: Project::new(history).parts, saved: BTreeSet::new() }
    }

    /// Counts what the job compiled, and notes what it saved.
    pub(crate) fn count(&mut self, job: &Job, records: &Path, lab: &Path, stats: &mut Counts) {
        let records = records.join("cached");
        let sources = sources(&fs::read_to_string(records.join("sources")).unwrap_or_default());
        let mut units: BTreeMap<String, bool> = BTreeMap::new();
        let mut shapes = BTreeMap::new();
        for text in outputs(&records) {
            let messages = text.lines().filter(|line| line.starts_with("{\"reason\":\"compiler-artifact\""));
            let messages = messages.filter_map(|line| serde_json::from_str::<Value>(line).ok());
            // Documentation is kept only by request.
            let messages = messages.filter(|message| job.options.keeps_all || !is_documentation(message));
            for message in messages.filter(|message| !self.is_made_again(message, lab)) {
                let unit = self.unit(&message, &sources, lab);
                shapes.insert(unit.clone(), self.shape(&message, lab));
                // What one command has compiled is fresh to the next.
                *units.entry(unit).or_insert(true) &= message["fresh"] == true;
            }
        }
        let counts = job.options.has_freshness && job.killed_after.is_none();
        for (unit, is_fresh) in &units {
            if counts {
                stats.units += 1;
                stats.fresh += u64::from(*is_fresh);
                let share = Share { compiled: u64::from(!is_fresh), all: 1 };
                if self.has(job, unit, |place| place == job.place) {
                    stats.needless.one_path.add(share);
                    stats.needless.by_shape.entry(shapes[unit]).or_default().add(share);
                }
                if self.has(job, unit, |_| true) {
                    stats.needless.any_path.add(share);
                }
            }
        }
        // What was built by a wrong clock nobody can trust.
        if job.saves && job.clock != Clock::WasAhead {
            let saved = units.into_keys().map(|unit| Saved {
                branch: job.branch,
                lane: job.lane,
                place: job.place,
                unit,
            });
            self.saved.extend(saved);
        }
    }

    fn has(&self, job: &Job, unit: &str, is_place: impl Fn(u8) -> bool) -> bool {
        let may_read = |branch| branch == Branch::Main || branch == job.branch;
        self.saved.iter().any(|saved| {
            saved.unit == unit && saved.lane == job.lane && may_read(saved.branch) && is_place(saved.place)
        })
    }

    /// Whether each job has to build the unit.
    fn is_made_again(&self, message: &Value, lab: &Path) -> bool {
        let manifest = within(message["manifest_path"].as_str().unwrap_or_default(), lab);
        let again = self.parts.iter().filter(|part| part.shape.is_made_again);
        let directories = again.map(|part| part.path("")).filter(|directory| directory != ".");
        { directories }.any(|directory| manifest.starts_with(&format!("app/{directory}/")))
    }

    /// The shape that the unit belongs to.
    fn shape(&self, message: &Value, lab: &Path) -> &'static str {
        let manifest = within(message["manifest_path"].as_str().unwrap_or_default(), lab);
        let directories = self.parts.iter().map(|part| (part.path(""), part.shape.name));
        let own = directories.filter(|(directory, _)| manifest.starts_with(&format!("app/{directory}/")));
        own.max_by_key(|(directory, _)| directory.len())
            .map_or("dependencies and the repository's root", |(_, name)| name)
    }

    /// All that the unit is made of.
    fn unit(&self, message: &Value, sources: &Sources, lab: &Path) -> String {
        let within = |text: &str| within(text, lab);
        // Cargo gives some files a further name without the hash, in some builds.
        let names: Vec<_> =
            message["filenames"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let name = names
            .iter()
            .rev()
            .find(|name| name.contains("/deps/") || name.contains("/build/"))
            .or(names.first());
        let identity = format!(
            "{} {} {} {} {} {name:?}",
            message["package_id"],
            message["target"]["kind"],
            message["target"]["name"],
            message["profile"],
            message["features"],
        );
        let manifest = within(message["manifest_path"].as_str().unwrap_or_default());
        // The directory of a checkout from git has the commit in its name.
        let release = if message["package_id"].as_str().is_some_and(|id| id.starts_with("git+")) {
            &*manifest
        } else {
            ""
        };
        let package = manifest
            .strip_prefix("app/")
            .unwrap_or(&manifest)
            .rsplit_once('/')
            .map_or(".", |(package, _)| package);
        format!("{} {release} {:?}", within(&identity), self.contents(package, sources))
    }

    /// What a package and those that it needs are made of.
    fn contents<'s>(&self, package: &str, sources: &'s Sources) -> BTreeMap<&'s str, &'s str> {
        let packages: BTreeSet<_> = sources.keys().filter_map(|path| directory_of_manifest(path)).collect();
        let owner = |path: &str| {
            let owners = packages
                .iter()
                .filter(|package| **package == "." || path.starts_with(&format!("{package}/")));
            owners.max_by_key(|package| if **package == "." { 0 } else { package.len() }).copied()
        };
        let mut prefixes = Vec::new();
        let mut needed = BTreeSet::new();
        let mut left = vec![package.to_owned()];
        while let Some(package) = left.pop() {
            if !needed.insert(package.clone()) {
                continue;
            }
            for part in &self.parts {
                let is_this = |directory: &str| {
                    let path = part.path(directory);
                    path == package
                        || (path.is_empty() && package == ".")
                        || path == format!("../deps/{package}")
                };
                prefixes.extend(
                    part.shape
                        .inputs
                        .iter()
                        .filter(|(directory, _)| is_this(directory))
                        .map(|(_, path)| part.path(path)),
                );
                let manifests = part
                    .shape
                    .packages
                    .iter()
                    .filter(|package| is_this(package.directory))
                    .map(|package| package.manifest);
                let files = part
                    .shape
                    .files
                    .iter()
                    .filter_map(|(path, text)| Some((directory_of_manifest(path)?, text)));
                let files = files
                    .filter(|(directory, _)| is_this(if *directory == "." { "" } else { directory }))
                    .map(|(_, text)| *text);
                for manifest in manifests.chain(files) {
                    left.extend(path_dependencies(manifest).map(|path| join(&package, path)));
                }
            }
        }
        let is_needed = |path: &str| {
            owner(path).is_some_and(|owner| needed.contains(owner))
                || prefixes.iter().any(|prefix| path.starts_with(prefix))
        };
        sources
            .iter()
            .filter(|(path, _)| is_needed(path))
            .map(|(path, digest)| (&**path, &**digest))
            .collect()
    }
}

/// The text without the paths of the lab and of the place in it.
fn within(text: &str, lab: &Path) -> String {
    let lab = format!("{}/", lab.display());
    let parts: Vec<_> = text.split(&lab).collect();
    // Below the lab there is the place first.
    let rest = parts[1..].iter().map(|part| part.split_once('/').map_or(*part, |(_, rest)| rest));
    std::iter::once(parts[0]).chain(rest).collect::<Vec<_>>().join("")
}

fn is_documentation(message: &Value) -> bool {
    let mut names = message["filenames"].as_array().into_iter().flatten().filter_map(Value::as_str);
    names.any(|name| name.ends_with("/index.html"))
}

fn outputs(records: &Path) -> Vec<String> {
    let mut paths = inside(records);
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "out"));
    paths.into_iter().map(|path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()).collect()
}

/// Of lines of `git ls-files -s`.
fn sources(text: &str) -> Sources {
    let lines = text.lines().filter_map(|line| line.split_once('\t'));
    lines.map(|(digest, path)| (path.to_owned(), digest.to_owned())).collect()
}

fn directory_of_manifest(path: &str) -> Option<&str> {
    match path.strip_suffix("Cargo.toml")? {
        "" => Some("."),
        directory => directory.strip_suffix('/'),
    }
}

fn path_dependencies(manifest: &str) -> impl Iterator<Item = &str> {
    let dependencies = manifest.lines().filter(|line| line.contains("{ path = "));
    dependencies.filter_map(|line| line.split_once("path = \"")?.1.split('"').next())
}

/// `path` as seen from `package`.
fn join(package: &str, path: &str) -> String {
    let mut parts: Vec<_> = if package == "." { Vec::new() } else { package.split('/').collect() };
    for part in path.split('/') {
        match part {
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::{Built, Sources, join};
    use crate::history::History;

    #[test]
    fn package_sources_include_dependencies_and_declared_files() {
        let mut history = History::random(1, &["plain", "included"]);
        (history.shapes, history.has_root_package) = (vec!["plain".into(), "included".into()], false);
        let built = Built::new(&history);
        let paths = [
            "Cargo.toml",
            "plain/Cargo.toml",
            "plain/src/lib.rs",
            "plain/leaf/Cargo.toml",
            "plain/leaf/src/lib.rs",
            "included/Cargo.toml",
            "included/src/main.rs",
            "included-shared/v.txt",
        ];
        let sources: Sources = paths.iter().map(|path| ((*path).to_owned(), "digest".to_owned())).collect();
        for (package, made_of) in
            [("plain/leaf", &paths[3..5]), ("plain", &paths[1..5]), ("included", &paths[5..8])]
        {
            let mut made_of = made_of.to_vec();
            made_of.sort_unstable();
            assert_eq!(
                built.contents(package, &sources).into_keys().collect::<Vec<_>>(),
                made_of,
                "{package}"
            );
        }
    }

    #[test]
    fn dependency_paths_are_relative_to_their_package() {
        for (package, path, joined) in
            [(".", "leaf", "leaf"), ("a/b", "../c", "a/c"), ("a", "../../sibling", "../sibling")]
        {
            assert_eq!(join(package, path), joined);
        }
    }
}
