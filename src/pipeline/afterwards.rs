//! What is left to do once a job's entries are there: units for the pool, eviction, the flush. A step does it itself; a hook, for
//! whose end other jobs wait, leaves it to a process that outlives the job.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use super::flush::flush;
use super::{clean_up, outliving};
use crate::job::trouble::Trouble;
use crate::job::{Job, chain};
use crate::layers::units::pool::{self, PooledUnits};
use crate::layers::units::publish::publish_units;
use crate::outcome::{Cleaned, Code, Pooled};
use crate::plan::{PoolPlan, Session, SessionLayer, Start};
use crate::report::{evicted_text, pooled_text};
use crate::store::retention::Room;
use crate::store::{Activity, EntryId, Store, WorkPhase};
use crate::sys::ManyOpenFiles;

/// What the ledger records of where a process ran.
const VARIABLES: [&str; 4] = ["GITHUB_REF", "GITHUB_RUN_ATTEMPT", "GITHUB_RUN_ID", "RUNNER_NAME"];

/// Starts a process for it and does not wait. `directories`: those of the new entries, by the layers of `session`.
pub(crate) fn leave_running(job: &Job, store: &Store, session: &Session, directories: &[Option<&Path>]) {
    let layers = session.layers.iter().zip(directories.iter().copied());
    let of_entry = |(layer, directory): (&SessionLayer, Option<&Path>)| {
        let entry = directory?.to_path_buf();
        Some(SessionLayer { start: Some(Start { entry, is_exact: true }), ..layer.clone() })
    };
    let session = Session { layers: layers.filter_map(of_entry).collect(), ..session.clone() };
    let text = serde_json::to_vec(&session).expect("it has text, numbers and texts as names");
    let mut command = outliving::command(job, store, &VARIABLES);
    command.arg("after-save").arg("--cache-root").arg(store.root()).stdin(Stdio::piped());
    let told = command.spawn().and_then(|mut process| match process.stdin.take() {
        Some(mut stdin) => stdin.write_all(&text),
        None => Ok(()),
    });
    if let Err(error) = told {
        job.console.say(format!(
            "saved entries are not flushed, and older ones not evicted until the next save: cannot start a process: {error}"
        ));
    }
}

/// Does it for `session`, of which each layer starts from its new entry.
pub(crate) fn carry_out(job: &Job, store: &Store, session: &Session) -> anyhow::Result<()> {
    let _at_work = job.work.begin(&job.context, store, Activity::AfterSave);
    job.work.at(WorkPhase::Pool);
    for layer in &session.layers {
        let Some(pool) = layer.plan.pool() else { continue };
        match add_units(job, store, session, layer, pool) {
            Ok(pooled) if pooled.added > 0 => job.console.say(pooled_text(pooled)),
            Ok(_) => {}
            Err(error) => {
                let why = chain(&error);
                job.warn(Code::PoolNotFilled, format!("nothing added to the unit pool: {why}"));
            }
        }
    }
    if let Some(evicted) = clean_up(job, store, session).as_ref().and_then(evicted_text) {
        job.console.say(evicted);
    }
    flush(job, store)?;
    Ok(())
}

fn add_units(
    job: &Job,
    store: &Store,
    session: &Session,
    layer: &SessionLayer,
    pool: &PoolPlan,
) -> Result<Pooled, Trouble> {
    let entry = layer.start.as_ref().and_then(|start| store.entry_at(&start.entry));
    let Some(id) = entry else { return Ok(Pooled::default()) };
    let known = known(job, store, pool, &id)?;
    publish_units(job, store, session, pool, &id, &known)
}

/// What the pool has of each root of the entry that is a directory of units.
fn known(
    job: &Job,
    store: &Store,
    pool: &PoolPlan,
    id: &EntryId,
) -> Result<Vec<Option<PooledUnits>>, Trouble> {
    let files = ManyOpenFiles::allow(pool::OTHER_FILES);
    let entry = store.lease(id.clone())?;
    let known = entry.manifest().roots.iter().map(|root| {
        let is_of_units = pool.directories.iter().any(|directory| directory.root == root.name);
        is_of_units.then(|| PooledUnits::find(job, store, &files, pool, &root.tree)).transpose()
    });
    known.collect()
}

/// Evicts what may not stay beside the new entries; trouble is a warning.
pub(crate) fn clean_up(job: &Job, store: &Store, session: &Session) -> Option<Cleaned> {
    let cleaned = clean_up::limits(job, store, &session.maintenance, session.reach.as_ref())
        .and_then(|limits| clean_up::run(job, store, &limits, Room::default()));
    cleaned.unwrap_or_else(|error| {
        job.warn(Code::NotRemoved, format!("cannot evict old entries: {}", chain(&error)));
        None
    })
}
