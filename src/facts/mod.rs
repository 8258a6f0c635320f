//! Gathers the facts of a job.

pub(crate) mod git;
pub(crate) mod isolation;
mod policy;
pub(crate) mod presets;
mod worker_log;

pub use policy::host_policy;
pub(crate) use worker_log::{WORKER, worker_log, workers_since};

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::cargo::{
    CargoHome, Host, InstallRoot, OUTPUT_MARKS, Toolchain, Workspace, config_files, output_variables, system,
};
use crate::job::{Job, chain};
use crate::plan::path_lines::{self, Bases, Named};
use crate::plan::{self, Facts, FileDigest, Presets, Settings};
use crate::store::Origin;
use crate::sys::{self, Dir, Interrupt, file, sha256_hex};
use crate::tree::{Selection, walk};

/// Directories in which no file is looked for by a pattern that does not name them, besides those of cargo: they are large and
/// made by tools.
const NOT_SEARCHED: [&str; 2] = ["**/.git", "**/node_modules"];

/// Why there is no plan.
#[derive(Debug)]
pub(crate) enum NoPlan {
    /// The user has to change something.
    WrongInput(String),
    /// Something cannot be read: the job goes on without a cache.
    Trouble(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for NoPlan {
    fn from(error: E) -> Self {
        Self::Trouble(error.into())
    }
}

/// Reads what the plan needs to know.
pub(crate) fn gather(job: &Job, settings: &Settings) -> Result<Facts, NoPlan> {
    let directory = job.directory()?;
    let mut facts = Facts {
        os: std::env::consts::OS.to_owned(),
        arch: std::env::consts::ARCH.to_owned(),
        context: job.context.clone(),
        host_mode: job.policy.mode(&job.context),
        home: job.env.get("HOME").map(PathBuf::from),
        trigger: digest_if_present(&directory.join(&settings.trigger_file), "trigger-file")?,
        directory,
        ..Facts::default()
    };
    facts.declared = key_files(job, Bases::of(&facts), &settings.key_files)?;
    if settings.presets.may_be_rust() {
        gather_cargo(job, settings, &mut facts)?;
    }
    if !settings.cargo_bins.is_empty() {
        facts.cargo_home = cargo_home(job, settings, &facts.directory)?;
        facts.install_root = InstallRoot::find(&job.env, &facts.directory, facts.cargo_home.as_ref());
    }
    presets::gather(job, settings, &mut facts)?;
    for name in &settings.key_env {
        // The user's own variables may hold secrets, and people read what a key was made from.
        let value = job.env.get(name).map(|value| sha256_hex(value.as_bytes())).unwrap_or_default();
        facts.declared.push((format!("variable {name}"), value));
    }
    if !settings.builds.is_empty() {
        facts.commits = commits(job, &facts);
    }
    Ok(facts)
}

/// Who saves.
pub(crate) fn origin(job: &Job) -> Origin {
    let context = job.context.clone();
    Origin {
        server: context.server,
        workflow: context.workflow,
        job: context.job,
        run: context.run,
        commit: context.commit,
        runner: context.runner,
        boot: sys::boot_id(),
        since_boot: None,
    }
}

fn gather_cargo(job: &Job, settings: &Settings, facts: &mut Facts) -> Result<(), NoPlan> {
    let own_home = if settings.isolate_cargo_home { isolation::home(job) } else { None };
    for spec in &settings.workspaces {
        let (directory, name) = Bases::of(facts).place(&spec.path);
        match Workspace::inspect(&directory, &job.env, own_home.as_ref()) {
            Some(workspace) => facts.workspaces.push((name, workspace)),
            None if settings.presets == Presets::Auto && name == "." => {}
            None => {
                return Err(NoPlan::WrongInput(format!(
                    "input `workspaces`: `{name}`: no Cargo.toml in {}; hint: check it out in an earlier \
                     step, or remove the line",
                    directory.display()
                )));
            }
        }
    }
    let Some((_, first)) = facts.workspaces.first() else { return Ok(()) };
    facts.cargo_home = cargo_home(job, settings, &facts.directory)?;
    if !plan::needs_parts(settings) {
        return Ok(());
    }
    facts.toolchain = Toolchain::of(&first.root, &job.env)?;
    tell_of_unknown_compiler(job, &facts.toolchain);
    facts.system = system()?;
    facts.variables = output_variables(&job.env);
    for (name, workspace) in &facts.workspaces {
        facts.lock.extend(lock_files(name, workspace)?);
    }
    facts.config = configuration(job, facts)?;
    if let Some(home) = &facts.cargo_home {
        // Cargo hashes the absolute paths of dependencies' sources into their fingerprints (tried with 1.95): with
        // another home it compiles all of them again.
        facts.config.push(("CARGO_HOME".to_owned(), home.path().display().to_string()));
    }
    Ok(())
}

/// The next job may find another compiler under this key, or the same one under another key.
fn tell_of_unknown_compiler(job: &Job, toolchain: &Toolchain) {
    if toolchain.version.is_some() {
        return;
    }
    let hint = "hint: install the toolchain before the restore";
    job.console.say(match &toolchain.file {
        Some((name, _)) => format!(
            "key: rustc does not run, perhaps because the toolchain of {name} is not installed; the key \
             has that file instead of a version; {hint}"
        ),
        None => format!("key: no rustc found; the key has no compiler version; {hint}"),
    });
}

/// Cargo's configuration files of all workspaces. One of the home is called so wherever the home is, which may lie above.
fn configuration(job: &Job, facts: &Facts) -> sys::Result<Vec<FileDigest>> {
    let homes = [CargoHome::find(&job.env, &facts.directory), CargoHome::of_user(&job.env)];
    let label = |name: &str, root: &Path, file: &Path| {
        let mut in_homes = homes.iter().flatten().map(|home| file.strip_prefix(home.path()));
        if let Some(Ok(path)) = in_homes.find(Result::is_ok) {
            return format!("CARGO_HOME/{}", path.display());
        }
        // Another runner's job lies elsewhere.
        format!("{name}/{}", pathdiff::diff_paths(file, root).as_deref().unwrap_or(file).display())
    };
    let mut found = Vec::new();
    for (name, workspace) in &facts.workspaces {
        for file in config_files(&workspace.root, homes[0].as_ref()) {
            match digest_if_present(&file, &label(name, &workspace.root, &file))? {
                Some(digest) if !found.contains(&digest) => found.push(digest),
                Some(_) | None => {}
            }
        }
    }
    Ok(found)
}

/// The home that the job's cargo will use.
fn cargo_home(job: &Job, settings: &Settings, directory: &Path) -> Result<Option<CargoHome>, NoPlan> {
    if !settings.isolate_cargo_home {
        return Ok(CargoHome::find(&job.env, directory));
    }
    let wrong = || {
        let hint = "hint: set RUNNER_TEMP outside of a runner";
        NoPlan::WrongInput(format!("input `isolate-cargo-home`: `true`: RUNNER_TEMP is not set; {hint}"))
    };
    Ok(Some(isolation::home(job).ok_or_else(wrong)?))
}

/// The workspace's lock file, or all its manifests where it has none: libraries often commit none.
fn lock_files(name: &str, workspace: &Workspace) -> sys::Result<Vec<FileDigest>> {
    if let Some(lock) = &workspace.lock {
        return Ok(digest_if_present(lock, &format!("{name}/Cargo.lock"))?.into_iter().collect());
    }
    let mut digests = Vec::new();
    for manifest in &workspace.manifests {
        let path = manifest.strip_prefix(&workspace.root).unwrap_or(manifest);
        digests.extend(digest_if_present(manifest, &format!("{name}/{}", path.display()))?);
    }
    Ok(digests)
}

/// The files that the input `key-files` names.
fn key_files(job: &Job, bases: Bases<'_>, lines: &[String]) -> Result<Vec<FileDigest>, NoPlan> {
    let (mut digests, mut absent) = (Vec::new(), Vec::new());
    for named in path_lines::named(lines, bases) {
        let found = matching(bases, &named, "input `key-files`")?;
        match &named.include {
            None if found.is_empty() => {
                let what = format!("no such file in {}", bases.directory.display());
                return Err(NoPlan::WrongInput(format!("input `key-files`: `{}`: {what}", named.name)));
            }
            Some(_) if found.is_empty() => absent.push(named.name),
            _ => digests.extend(found),
        }
    }
    if !absent.is_empty() {
        job.console.say(format!("key-files: no file matches {}", absent.join(", ")));
    }
    Ok(digests)
}

/// The files of `what` that a line names.
pub(crate) fn matching(bases: Bases<'_>, named: &Named, what: &str) -> Result<Vec<FileDigest>, NoPlan> {
    let Some(pattern) = &named.include else {
        return Ok(digest_if_present(&named.path, &named.name)?.into_iter().collect());
    };
    // A file may be called as patterns are written.
    let path = named.path.join(pattern);
    if let Some(digest) = digest_if_present(&path, &named.name)? {
        return Ok(vec![digest]);
    }
    if !file::is_dir(&named.path) {
        return Ok(Vec::new());
    }
    let is_meant =
        |directory: &&str| pattern.split('/').any(|part| directory.strip_prefix("**/") == Some(part));
    let left_out =
        NOT_SEARCHED.iter().filter(|directory| !is_meant(directory)).map(|name| (*name).to_owned());
    let left_out: Vec<_> = named.exclude.iter().cloned().chain(left_out).collect();
    let selection = Selection::new(std::slice::from_ref(pattern), &left_out)
        .map_err(|error| NoPlan::WrongInput(format!("{what}: {}", chain(&error))))?
        .of_sources(&OUTPUT_MARKS);
    let found = walk(&Dir::open(&named.path)?, &selection, &Interrupt::default())?;
    let mut digests = Vec::new();
    for (id, _) in found.tree.iter() {
        let path = found.tree.path_below(0, id);
        let path = named.path.join(std::ffi::OsStr::from_bytes(&path));
        digests.extend(digest_if_present(&path, &bases.name(&path))?);
    }
    Ok(digests)
}

pub(crate) fn digest_if_present(path: &Path, label: &str) -> sys::Result<Option<FileDigest>> {
    if !file::is_file(path) {
        return Ok(None);
    }
    Ok(Some((label.to_owned(), file::digest(path)?.hex())))
}

/// The commit of each workspace, or of the job's directory where there is none. Nothing at all where one of them has changes
/// or cannot be told: then it is not known what is built.
fn commits(job: &Job, facts: &Facts) -> Vec<(String, String)> {
    let mut directories: Vec<_> =
        facts.workspaces.iter().map(|(name, workspace)| (name.clone(), &*workspace.root)).collect();
    if directories.is_empty() {
        directories.push((".".to_owned(), &*facts.directory));
    }
    let commit = |(name, directory): (String, &Path)| Some((name, commit(job, directory)?));
    directories.into_iter().map(commit).collect::<Option<_>>().unwrap_or_default()
}

fn commit(job: &Job, directory: &Path) -> Option<String> {
    if !is_of_git(directory) {
        return head(job, directory);
    }
    if git::has_changes(Host::new(&job.env), directory)? { None } else { head(job, directory) }
}

/// The commit that is checked out around a directory.
pub(crate) fn head(job: &Job, directory: &Path) -> Option<String> {
    if is_of_git(directory) {
        git::head(Host::new(&job.env), directory)
    } else {
        // Not checked out by git: sources of the run's own commit, if they lie in its workspace. Those of a sibling are another's.
        let is_of_run = job.directory().is_ok_and(|own| directory.starts_with(own));
        job.context.commit.clone().filter(|_| is_of_run)
    }
}

fn is_of_git(directory: &Path) -> bool {
    directory.ancestors().any(|above| file::is_present(&above.join(".git")))
}
