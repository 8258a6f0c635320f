//! What an entry is made of, as a save notes it: the sources of the job, and what each unit was made of.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use tracing::debug_span;

use crate::cargo::{
    CargoHome, Configured, Earlier, Host, Making, NO_SOURCES, OUTPUT_MARKS, OutputDirectory, SourceTrees,
    SourcesSince, config_files, named_files, named_programs, path_packages, sibling_directory,
    source_directory,
};
use crate::facts::git;
use crate::job::trouble::Trouble;
use crate::job::{Job, chain};
use crate::layers::working_tree::WorkingTree;
use crate::outcome::Code;
use crate::plan::SourcesPlan;
use crate::store::{Lease, Manifest, Provenance, Revision, Sources};
use crate::sys::{self, Dir, Interrupt, Time, file};
use crate::tree::{Selection, Snapshot, Tree};

/// What an entry is made of.
#[derive(Default)]
pub(crate) struct Noted {
    pub(crate) sources: Vec<Sources>,
    pub(crate) provenance: Provenance,
}

/// Notes the sources of the plan's workspaces, and what the units in `working` were made of on `host`. The job `started`
/// then, and `began` with these revisions. Errors become one warning and empty notes: the entry is saved all the same.
pub(crate) fn note(
    job: &Job,
    host: Host<'_>,
    (started, began): (Timestamp, &[Revision]),
    plan: &SourcesPlan,
    working: &[WorkingTree<'_>],
    base: Option<&Lease>,
) -> Noted {
    let _span = debug_span!("note").entered();
    try_note(job, host, (started, began), plan, working, base).unwrap_or_else(|error| {
        let what = "cannot read the inputs of the build; the next job will compile all of it";
        job.warn(Code::Freshness, format!("target: {what}: {}", chain(&error)));
        Noted::default()
    })
}

fn try_note(
    job: &Job,
    host: Host<'_>,
    (started, began): (Timestamp, &[Revision]),
    plan: &SourcesPlan,
    working: &[WorkingTree<'_>],
    base: Option<&Lease>,
) -> Result<Noted, Trouble> {
    let earlier = base.map(Lease::manifest);
    let now = Time::from(Timestamp::now());
    let sources = if plan.is_compared {
        read_all(plan, earlier.map_or(&[], |earlier| &earlier.sources), &job.interrupt)?
    } else {
        Vec::new()
    };
    let directories: Vec<_> = sources.iter().map(|sources| directory_of(plan, sources)).collect();
    let trees = directories.iter().cloned().zip(sources.iter().map(|sources| sources.snapshot.tree()));
    let trees = SourceTrees::new(trees.collect());
    let mut places = plan.places.clone();
    places.extend(directories.iter().filter(|directory| !plan.places.contains(directory)).cloned());
    let configured = configured(plan, host);
    let making = Making {
        configured: &configured,
        sources: &trees,
        home: plan.home.as_deref(),
        places,
        revisions: with_those_before(
            revisions_of(host, sources.iter().flat_map(|sources| checkouts_in(plan, sources)).collect()),
            began,
        ),
        host,
        earlier: earlier.map(|earlier| since(earlier, &sources, working)),
        since: Time::from(started),
        now,
    };
    let outputs: Vec<_> = working
        .iter()
        .map(|working| OutputDirectory {
            path: &working.plan.path,
            workspaces: workspaces_of(plan, &working.root.name),
            tree: &working.root.tree,
            location: (&working.dir).into(),
        })
        .collect();
    let provenance = making.provenance(&outputs)?;
    Ok(Noted { sources, provenance })
}

/// What cargo is told by its configuration and on the `host`.
fn configured(plan: &SourcesPlan, host: Host<'_>) -> Configured {
    let mut found = Configured::default();
    let home = plan.home.clone().map(CargoHome::at);
    for config in plan.workspaces.iter().flat_map(|workspace| config_files(workspace, home.as_ref())) {
        let directory = config.ancestors().nth(2).unwrap_or(&config);
        let text = file::read_if_present(&config).ok().flatten().unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        found.files.extend(named_files(&text, directory));
        found.programs.extend(named_programs(&text));
        found.configurations.push(config);
    }
    for tool in host.named_tools() {
        if tool.contains('/') { found.files.push(tool.into()) } else { found.programs.push(tool) }
    }
    found
}

/// The workspaces that are built in the root called `root`.
pub(crate) fn workspaces_of<'p>(plan: &'p SourcesPlan, root: &str) -> &'p [PathBuf] {
    plan.outputs.iter().find(|output| output.root == root).map_or(&[], |output| &output.workspaces)
}

/// What the job started from, beside what there is now.
fn since<'a>(earlier: &'a Manifest, sources: &[Sources], working: &[WorkingTree<'_>]) -> Earlier<'a> {
    let of_now = |then: &Sources| {
        let (number, now) = (0..).zip(sources).find(|(_, now)| now.directory == then.directory)?;
        Some(SourcesSince { now: number, nodes: now.snapshot.since(&then.snapshot) })
    };
    let root = |working: &WorkingTree<'_>| {
        let number = earlier.roots.iter().position(|root| root.name == working.root.name)?;
        Some((number, &earlier.roots[number].tree))
    };
    Earlier {
        provenance: &earlier.provenance,
        roots: working.iter().map(root).collect(),
        sources: earlier.sources.iter().map(of_now).collect(),
        trees: earlier.sources.iter().map(|sources| sources.snapshot.tree()).collect(),
    }
}

/// The revisions with those that the job `began` with, where it committed, tagged or checked out another since: what was built has one
/// or the other, and a checkout has never both.
fn with_those_before(mut now: Vec<Revision>, began: &[Revision]) -> Vec<Revision> {
    let others: Vec<_> = began.iter().filter(|then| !now.contains(then)).cloned().collect();
    now.extend(others);
    now
}

/// What is checked out, in the order of the sources.
pub(crate) fn revisions(
    plan: &SourcesPlan,
    sources: &[Sources],
    of: impl Fn(&Path) -> Revision,
) -> Vec<Revision> {
    sources.iter().flat_map(|sources| checkouts_in(plan, sources)).map(|directory| of(&directory)).collect()
}

/// The directories of sources that are checkouts: submodules and others are within the first.
pub(crate) fn checkouts_in(plan: &SourcesPlan, sources: &Sources) -> Vec<PathBuf> {
    let (directory, tree) = (directory_of(plan, sources), sources.snapshot.tree());
    let directories = tree.iter().filter(|(_, node)| node.kind.is_directory());
    let paths = directories.map(|(id, _)| directory.join(OsStr::from_bytes(&tree.path_below(0, id))));
    paths.filter(|path| file::is_present(&path.join(".git"))).collect()
}

/// The same, asked at once.
fn revisions_of(host: Host<'_>, directories: Vec<PathBuf>) -> Vec<Revision> {
    directories.into_par_iter().map(|directory| git::revision(host, &directory)).collect()
}

/// What is checked out where the plan's workspaces are.
pub(crate) fn checked_out(host: Host<'_>, plan: &SourcesPlan) -> Vec<Revision> {
    let mut directories: Vec<_> =
        plan.workspaces.iter().map(|workspace| source_directory(workspace, &plan.directory)).collect();
    directories.dedup();
    let is_checkout = |directory: &PathBuf| file::is_present(&directory.join(".git"));
    directories.into_iter().filter(is_checkout).map(|directory| git::revision(host, &directory)).collect()
}

pub(crate) fn directory_of(plan: &SourcesPlan, sources: &Sources) -> PathBuf {
    file::normal(&plan.directory.join(&sources.directory))
}

fn read_all(plan: &SourcesPlan, earlier: &[Sources], interrupt: &Interrupt) -> Result<Vec<Sources>, Trouble> {
    let mut found: Vec<(PathBuf, Sources)> = Vec::new();
    let mut pending: Vec<_> =
        plan.workspaces.iter().map(|workspace| source_directory(workspace, &plan.directory)).collect();
    for config in plan.workspaces.iter().flat_map(|workspace| config_files(workspace, None)) {
        // Its paths are relative to the directory in which `.cargo` is.
        let directory = config.ancestors().nth(2).unwrap_or(&config);
        pending.extend(packages_of(&config, directory)?);
    }
    while let Some(package) = pending.pop() {
        let is_own = package.starts_with(&plan.directory);
        let path = if is_own { package.clone() } else { sibling_directory(&package, &plan.directory) };
        if found.iter().any(|(other, _)| path.starts_with(other)) {
            continue;
        }
        // Names are relative: another runner's job lies elsewhere.
        let Some(name) = pathdiff::diff_paths(&path, &plan.directory) else { continue };
        let name = name.to_string_lossy().into_owned();
        let earlier =
            earlier.iter().find(|sources| sources.directory == name).map(|sources| &sources.snapshot);
        let taken = Snapshot::take(&Dir::open(&path)?, &selection()?, earlier, interrupt);
        let (path, name, snapshot) = match taken {
            Ok(snapshot) => (path, name, snapshot),
            // A checkout of others may have what this user cannot read. Its package must do.
            Err(_) if path != package => {
                let name = pathdiff::diff_paths(&package, &plan.directory).unwrap_or_default();
                let snapshot = Snapshot::take(&Dir::open(&package)?, &selection()?, None, interrupt)?;
                (package, name.to_string_lossy().into_owned(), snapshot)
            }
            Err(error) => return Err(error.into()),
        };
        for manifest in manifests(snapshot.tree()) {
            let manifest = path.join(manifest);
            pending.extend(packages_of(&manifest, manifest.parent().unwrap_or(&path))?);
        }
        found.retain(|(other, _)| !other.starts_with(&path));
        found.push((path, Sources { directory: name, snapshot }));
    }
    Ok(found.into_iter().map(|(_, sources)| sources).collect())
}

/// The packages that a manifest or a configuration file names by paths relative to `directory`.
fn packages_of(list: &Path, directory: &Path) -> sys::Result<Vec<PathBuf>> {
    let text = file::read_if_present(list)?.unwrap_or_default();
    Ok(path_packages(&String::from_utf8_lossy(&text), directory))
}

/// Paths of all manifests in a directory; links among them.
fn manifests(tree: &Tree) -> Vec<PathBuf> {
    let is_manifest = |id| tree.name(id) == b"Cargo.toml" && !tree.node(id).kind.is_directory();
    let ids = tree.iter().map(|(id, _)| id).filter(|id| is_manifest(*id));
    ids.map(|id| PathBuf::from(OsStr::from_bytes(&tree.path_below(0, id)))).collect()
}

pub(crate) fn selection() -> Result<Selection, Trouble> {
    Ok(Selection::new(&[], &NO_SOURCES.map(str::to_owned))?.of_sources(&OUTPUT_MARKS))
}
