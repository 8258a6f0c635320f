//! Gathers the facts of a host.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use jiff::Timestamp;

use super::facts::{Asked, Containers, Contents, Disk, Facts, Root, Runner, State};
use super::look_runners::{programs, runners};
use crate::job::{Job, chain};
use crate::ledger::stats::{Filter, LostHits};
use crate::ledger::{Ledger, Window};
use crate::store::{self, Access, Store};
use crate::sys::{self, can_reflink, cleaned, cleaner_rules, file, space_at};

/// How much later than now is of a clock that was wrong, and not of two processes at work.
const AHEAD: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

/// How far back hits are looked for that limits cost, and trouble after jobs.
const WEEK: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);

/// Lines of what outlived jobs told that are looked at, at most.
const LINES: usize = 1000;

/// The sockets of what starts containers.
const ENGINES: [&str; 3] = ["/run/docker.sock", "/var/run/docker.sock", "/run/podman/podman.sock"];

/// What tells a process that it is in a container.
const INSIDE: [&str; 2] = ["/.dockerenv", "/run/.containerenv"];

/// Gathers them.
pub(super) fn look(job: &Job, asked: &Asked) -> Facts {
    let now = Timestamp::now();
    let (runners, unread) = runners(asked);
    Facts {
        now,
        policy_trouble: job.policy_trouble.clone(),
        root: root(asked, now),
        disks: disks(job, asked, &runners),
        programs: programs(job, &runners),
        containers: containers(&asked.root),
        runners,
        unread,
    }
}

fn root(asked: &Asked, now: Timestamp) -> Root {
    let path = asked.root.clone();
    let state = match of_user(asked) {
        Some(user) => State::OfUser(user),
        None => match contents(asked, now) {
            Ok(None) => State::Absent,
            Ok(Some(contents)) => State::There(contents),
            Err(error) => State::Refused(chain(&error)),
        },
    };
    Root {
        is_in_memory: sys::is_in_memory(&path),
        cleaned: cleaned(&path, &cleaner_rules()),
        // Where jobs get no cache, nothing is written either.
        has_reflinks: if matches!(state, State::There(_)) { can_reflink(&path) } else { None },
        state,
        path,
    }
}

/// The user whose own cache directory it is, where root looks.
fn of_user(asked: &Asked) -> Option<u32> {
    let (owner, _) = file::owner_and_mode(&asked.root).ok().flatten()?;
    let is_of_user = owner != 0 && asked.access == Access::Private && rustix::process::geteuid().is_root();
    is_of_user.then_some(owner)
}

fn contents(asked: &Asked, now: Timestamp) -> Result<Option<Contents>, store::Error> {
    let Some(store) = Store::open_existing(&asked.root, asked.access)? else { return Ok(None) };
    let known = store.known()?;
    let times = || known.iter().map(|entry| entry.header.created.max(entry.last_used));
    Ok(Some(Contents {
        entries: known.len(),
        newest: times().max(),
        of_future: times().filter(|time| time.duration_since(now) > AHEAD).count(),
        debris: store.debris(now)?,
        ownership: store.ownership()?,
        lost_hits: lost_hits(&store, now).ok(),
        troubles: troubles(&store, now),
    }))
}

/// The warnings and errors among what processes told that outlived jobs.
fn troubles(store: &Store, now: Timestamp) -> Vec<String> {
    let lines = store.last_of_logs(LINES).unwrap_or_default().into_iter();
    let is_of_late = |line: &store::LogLine| now.duration_since(line.of.at) < WEEK;
    let troubles = lines.filter(|line| store::is_trouble(&line.text) && is_of_late(line));
    troubles.map(|line| line.to_string()).collect()
}

/// Hits that limits cost in the last week, by the limit.
fn lost_hits(store: &Store, now: Timestamp) -> Result<BTreeMap<String, u64>, Box<dyn Error>> {
    let mut lost = BTreeMap::new();
    let Some(ledger) = Ledger::open_existing(store)? else { return Ok(lost) };
    let window = Window { since: now.checked_sub(WEEK)?, until: now };
    for LostHits { reason, hits, .. } in ledger.stats(window, &Filter::default())?.lost_hits {
        *lost.entry(reason).or_default() += hits;
    }
    Ok(lost)
}

fn disks(job: &Job, asked: &Asked, runners: &[Runner]) -> Vec<Disk> {
    let mut disks = Vec::<Disk>::new();
    let workspace = job.context.workspace.as_deref();
    let workspaces = runners.iter().map(|runner| runner.work.as_path()).chain(workspace);
    for path in [asked.root.as_path()].into_iter().chain(workspaces) {
        // What is not there yet is made where it is named, but a job's workspace may be of another mount.
        let Ok(space) = space_at(path) else { continue };
        if !disks.iter().any(|disk| disk.space.device == space.device) {
            // The disk guard goes by a job's own limit, an eviction of others' entries by the host's.
            let (own, host) =
                (asked.limits.min_free, job.policy.limits.policy(&asked.limits, space).min_free);
            let min_free = if own.laxer(host, space) == own { host } else { own };
            disks.push(Disk { path: path.into(), space, min_free });
        }
    }
    disks
}

fn containers(root: &Path) -> Containers {
    let is_there = |path: &&str| file::is_present(Path::new(path));
    if INSIDE.iter().any(is_there) {
        let device = |path: &Path| space_at(path).ok().map(|space| space.device);
        return Containers::Inside { is_mounted: device(root) != device(Path::new("/")) };
    }
    if ENGINES.iter().any(is_there) { Containers::Engine } else { Containers::None }
}
