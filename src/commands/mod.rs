//! One file a command: the sequence of steps, no policy.

mod audit;
mod du;
mod explain;
mod flush;
mod gc;
mod inspect;
mod last_build;
mod list;
mod meant;
mod remove;
mod restore;
mod run;
mod save;
mod verify;

use crate::cli::{Cli, Command, Root};
use crate::job::{Exit, Job};
use crate::store::Store;
use crate::store::retention::Policy;

/// Carries out a command line.
pub fn execute(cli: Cli, job: &Job) -> anyhow::Result<Exit> {
    if let Some(why) = job.policy_trouble.as_ref().filter(|_| !cli.command.is_of_job()) {
        anyhow::bail!("the policy of this host: {why}");
    }
    match cli.command {
        Command::Restore { inputs, no_session } => Ok(restore::run(job, &inputs, !no_session)),
        Command::Save { inputs } => Ok(save::run(job, &inputs)),
        Command::Explain { last_build: true, .. } => Ok(last_build::run(job)),
        Command::Explain { inputs, of, .. } => explain::run(job, &inputs, of.as_deref()),
        Command::Run { inputs, command } => Ok(run::run(job, &inputs, &command)),
        Command::Audit { inputs, json, command } => audit::run(job, &inputs, json, &command),
        Command::List { sort, units, form, root } => {
            list::run(job, open(job, &root)?.as_ref(), sort, units, form)
        }
        Command::Inspect { key, root } => with(job, &root, |store| inspect::run(job, store, &key)),
        Command::Du { root } => with(job, &root, |store| du::run(job, store)),
        Command::Gc { dry_run, older_toolchains, limits, root } => {
            let policy = Policy { older_toolchains, ..limits.policy() };
            with(job, &root, |store| gc::run(job, store, &policy, dry_run))
        }
        Command::Remove { keys, dry_run, root } => {
            with(job, &root, |store| remove::run(job, store, &keys, dry_run))
        }
        Command::Verify { deep, root } => with(job, &root, |store| verify::run(job, store, deep)),
        Command::Flush { root } => with(job, &root, flush::run),
    }
}

/// Does `work` with the store; where there is none yet, there is nothing to do.
fn with(job: &Job, root: &Root, work: impl FnOnce(&Store) -> anyhow::Result<Exit>) -> anyhow::Result<Exit> {
    match open(job, root)? {
        Some(store) => work(&store),
        None => Ok(Exit::Success),
    }
}

/// Opens the store if it is there: these commands make none.
fn open(job: &Job, root: &Root) -> anyhow::Result<Option<Store>> {
    let directory = root.directory(&job.env);
    let store = Store::open_existing(&directory, root.root_access)?;
    if store.is_none() {
        job.console.say(format!(
            "there is no cache in {} yet; hint: `--cache-root` or RUNNER_CACHE_ROOT names another directory",
            directory.display()
        ));
    }
    Ok(store)
}
