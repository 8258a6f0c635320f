//! `doctor --bundle`: what a bug report needs, in one file, without names and secrets.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use jiff::SignedDuration;

use super::stats;
use crate::cargo::system;
use crate::doctor::{self, Asked, Who};
use crate::job::{Job, chain};
use crate::ledger::stats::Filter;
use crate::outcome::{Diagnosis, Done, StatsForm, StatsOutcome};
use crate::plan::HOST_POLICY;
use crate::report::{Names, Section, bundle_text, printed};
use crate::store::{Layer, Store};
use crate::sys::{file, file_system_of, host_name, kernel};

/// How far statistics look back.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Lines of the log of what goes on after jobs, at most.
const LINES: usize = 200;

/// Writes it to `path`, for its owner only.
pub(super) fn write(job: &Job, asked: &Asked, diagnosis: &Diagnosis, path: &Path) -> anyhow::Result<()> {
    let mut names = names_of_host(job, asked);
    let of_store = of_store(asked, &mut names);
    let (stats, entries, logs) = match &of_store {
        Ok(OfStore { stats, entries, logs }) => (&**stats, &**entries, &**logs),
        Err(why) => (&**why, &**why, &**why),
    };
    let section = |title, text: &str| Section { title, text: text.to_owned() };
    let diagnosis = printed(&Done::Doctor(diagnosis.clone()), false).unwrap_or_default();
    let sections = [
        section("host", &host(job, asked)),
        section("doctor", &diagnosis),
        section("host policy", &policy()),
        section("statistics of seven days", stats),
        section("entries", entries),
        section("after jobs", logs),
    ];
    file::write_atomic(path, names.mask(&bundle_text(&sections)).as_bytes())?;
    job.console.say(format!("{}: read it before you send it", path.display()));
    Ok(())
}

/// What the cache tells.
struct OfStore {
    stats: String,
    entries: String,
    logs: String,
}

/// Reads it, and adds the names of its repositories to `names`; or why it cannot be read. Tables cut long names, so these are masked
/// before.
fn of_store(asked: &Asked, names: &mut Names) -> Result<OfStore, String> {
    let store = Store::open_existing(&asked.root, asked.access).map_err(|error| chain(&error))?;
    let store = store.ok_or_else(|| "no cache".to_owned())?;
    let stats = stats::of_window(&store, WEEK, &Filter::default(), StatsForm::Text);
    let mut stats = stats.map_err(|error| format!("{error:#}"))?;
    let mut known = store.known_in(&Layer::OF_JOBS).map_err(|error| chain(&error))?;
    let logs = store.last_of_logs(LINES).map_err(|error| chain(&error))?;
    let of_entries = known.iter().map(|entry| &entry.header.scope.repository);
    let of_events = stats.stats.repositories.iter().map(|group| &group.name);
    let of_logs = logs.iter().filter_map(|line| line.of.repository.as_ref());
    let repositories: BTreeSet<_> = of_entries.chain(of_events).chain(of_logs).cloned().collect();
    for (repository, number) in repositories.iter().zip(1..) {
        add_repository(names, repository, number);
    }
    mask_stats(&mut stats, names);
    for entry in &mut known {
        entry.header.scope.repository = names.mask(&entry.header.scope.repository);
    }
    known.sort_by_key(|entry| std::cmp::Reverse(entry.last_used));
    let print = |done| printed(&done, false).unwrap_or_default();
    Ok(OfStore {
        stats: print(Done::Stats(Box::new(stats))),
        entries: print(Done::List(known)),
        logs: logs.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    })
}

fn mask_stats(StatsOutcome { stats, stored, .. }: &mut StatsOutcome, names: &Names) {
    let of_groups = stats.repositories.iter_mut().chain(&mut stats.jobs).map(|group| &mut group.name);
    let of_families = stats.families.iter_mut().map(|of| &mut of.family.repository);
    let of_lost = stats.lost_hits.iter_mut().map(|lost| &mut lost.family.repository);
    let of_stored = stored.iter_mut().map(|stored| &mut stored.repository);
    for name in of_groups.chain(of_families).chain(of_lost).chain(of_stored) {
        *name = names.mask(name);
    }
}

fn host(job: &Job, asked: &Asked) -> String {
    let mut text = format!("runner-cache {}\n", env!("CARGO_PKG_VERSION"));
    let unknown = || "unknown".to_owned();
    let system = system().ok().flatten().unwrap_or_else(unknown);
    let _ = writeln!(text, "kernel {}\nsystem {system}", kernel());
    let workspace = job.context.workspace.as_deref().map(|workspace| ("workspace", workspace));
    for (what, path) in [("cache", asked.root.as_path())].into_iter().chain(workspace) {
        let on = file_system_of(path).unwrap_or_else(unknown);
        let _ = writeln!(text, "{what} {}: {on}", path.display());
    }
    text
}

fn policy() -> String {
    match file::read(Path::new(HOST_POLICY)) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => chain(&error),
    }
}

/// The names of the host, its users and runners, and of the repositories that its policy and its runners name.
fn names_of_host(job: &Job, asked: &Asked) -> Names {
    let mut names = Names::default();
    names.add(&host_name(), "HOST");
    for (variable, stands_for_it) in
        [("HOME", "~"), ("USER", "USER"), ("LOGNAME", "USER"), ("SUDO_USER", "USER")]
    {
        names.add(job.env.get(variable).unwrap_or_default(), stands_for_it);
    }
    for (who, number) in doctor::people(asked).into_iter().zip(1..) {
        match who {
            Who::User(name) => names.add(&name, format!("user-{number}")),
            Who::Runner(name) => names.add(&name, format!("runner-{number}")),
        }
    }
    let of_job = job.context.repository.iter();
    for (repository, number) in of_job.chain(job.policy.repositories().iter()).zip(1..) {
        add_repository(&mut names, repository.trim_end_matches("/*"), number * 1000);
    }
    names
}

/// Adds `owner/name`, and each of both where it is a directory.
fn add_repository(names: &mut Names, repository: &str, number: u32) {
    names.add(repository, format!("repository-{number}"));
    for part in repository.split('/') {
        names.add_directory(part, format!("name-{number}"));
    }
}
