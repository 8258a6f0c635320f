//! One file a command: the sequence of steps, no policy.

mod around_job;
mod audit;
mod bundle;
mod doctor;
mod du;
mod ended;
mod explain;
mod fetch;
mod flush;
mod gc;
mod hand_back;
mod hook;
mod host;
mod inspect;
mod last_build;
mod list;
mod meant;
mod migrate;
mod releases;
mod remove;
mod report;
mod restore;
mod run;
mod save;
mod self_update;
mod stats;
mod top;
mod verify;

pub use self::ended::Ended;
use self::gc::OfClosed;
use self::run::Output;
use crate::cli::{Cli, Command, Root};
use crate::doctor::Asked;
use crate::job::{Exit, Job};
use crate::outcome::{self, Outcome};
use crate::report::printed;
use crate::store::Store;
use crate::store::retention::Policy;

/// How the result of a command is printed.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// As JSON.
    json: bool,
    /// Where it is a list, with all columns.
    wide: bool,
}

impl Form {
    /// As the command line says.
    pub fn of(cli: &Cli) -> Self {
        Self { json: cli.json, wide: matches!(&cli.command, Command::List { form, .. } if form.wide) }
    }
}

/// Carries out a command line, and tells why that fails.
pub fn execute(cli: Cli, job: &Job) -> Ended {
    carry_out(cli, job).unwrap_or_else(|error| {
        job.error(format!("{error:#}"));
        Ended::early(Exit::Failure)
    })
}

/// Prints what a command did.
pub fn print(ended: &Ended, job: &Job, form: Form) {
    if form.json {
        let outcome = Outcome {
            version: outcome::VERSION,
            exit_code: ended.exit.code(),
            seconds: job.started.elapsed(),
            errors: &job.errors(),
            warnings: &job.warnings(),
            done: ended.done.as_ref(),
        };
        let text = serde_json::to_string_pretty(&outcome).expect("it has text, numbers and texts as names");
        job.console.print_data(text);
    } else if let Some(text) = ended.done.as_ref().and_then(|done| printed(done, form.wide)) {
        job.console.print(text.trim_end());
    }
}

fn carry_out(cli: Cli, job: &Job) -> anyhow::Result<Ended> {
    if let Some(why) = job.policy_trouble.as_ref().filter(|_| cli.command.is_of_cache()) {
        anyhow::bail!("host policy: {why}");
    }
    // What a command writes is not to mix with the result.
    let output = if cli.json { Output::ToLog } else { Output::AsOurs };
    match cli.command {
        Command::Restore { inputs, no_session } => Ok(restore::run(job, &inputs, !no_session)),
        Command::Save { inputs } => Ok(save::run(job, &inputs)),
        Command::Explain { last_build: true, .. } => Ok(last_build::run(job)),
        Command::Explain { inputs, of, .. } => explain::run(job, &inputs, of.as_deref()),
        Command::Run { inputs, command } => Ok(run::run(job, &inputs, &command, output)),
        Command::Audit { inputs, command } => audit::run(job, &inputs, output, &command),
        Command::List { sort, units, root, .. } => list::run(open(job, &root)?.as_ref(), sort, units),
        Command::Inspect { key, root } => with(job, &root, |store| inspect::run(job, store, &key)),
        Command::Du { root } => with(job, &root, du::run),
        Command::Stats(wanted) => with(job, &wanted.root, |store| stats::run(job, store, &wanted)),
        Command::Report(wanted) => with(job, &wanted.root, |store| report::run(job, store, &wanted)),
        Command::Top(wanted) => with(job, &wanted.root, |store| top::run(job, store, &wanted, cli.json)),
        Command::Gc { dry_run, older_toolchains, closed, token_file, limits, root } => {
            let policy = Policy { older_toolchains, ..limits.policy() };
            let token_file = token_file.as_deref();
            let of_closed = if closed { OfClosed::Go { token_file } } else { OfClosed::ByLimits };
            with(job, &root, |store| gc::run(job, store, policy, of_closed, dry_run))
        }
        Command::Remove { keys, dry_run, root } => {
            with(job, &root, |store| remove::run(job, store, &keys, dry_run))
        }
        Command::Verify { deep, root } => with(job, &root, |store| verify::run(job, store, deep)),
        Command::Doctor { fix, bundle, runner_dirs, limits, root } => {
            let (access, limits) = (root.root_access, limits.policy());
            let asked = Asked { root: root.directory(&job.env), access, runner_dirs, limits };
            doctor::run(job, &asked, fix, bundle.as_deref())
        }
        Command::Flush { root } => with(job, &root, |store| flush::run(job, store)),
        Command::Fetch(fetch) => fetch::run(job, &fetch),
        Command::SelfUpdate(update) => self_update::run(job, &update),
        Command::Migrate { write, hosted, files } => Ok(migrate::run(job, &files, write, hosted)),
        Command::Hook { command } => hook::run(job, &command),
        Command::JobStarted { inputs } => Ok(around_job::started(job, &inputs)),
        Command::JobCompleted { inputs } => Ok(around_job::completed(job, &inputs)),
        Command::HandBack { directory } => hand_back::run(job, &directory),
        Command::WatchJob { worker, session, inputs } => {
            Ok(around_job::watch(job, &inputs, worker, &session))
        }
        Command::AfterSave { root } => around_job::after_save(job, &root),
        Command::Host { command } => host::run(job, &command),
    }
}

/// Does `work` with the store; where there is none yet, there is nothing to do.
fn with(job: &Job, root: &Root, work: impl FnOnce(&Store) -> anyhow::Result<Ended>) -> anyhow::Result<Ended> {
    match open(job, root)? {
        Some(store) => work(&store),
        None => Ok(Ended::early(Exit::Success)),
    }
}

/// Opens the store if it is there: these commands make none.
fn open(job: &Job, root: &Root) -> anyhow::Result<Option<Store>> {
    let directory = root.directory(&job.env);
    let store = Store::open_existing(&directory, root.root_access)?;
    if store.is_none() {
        job.console.say(format!(
            "no cache in {} yet; hint: name another directory with `--cache-root` or RUNNER_CACHE_ROOT",
            directory.display()
        ));
    }
    Ok(store)
}
