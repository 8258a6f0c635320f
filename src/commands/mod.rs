//! One file a command: the sequence of steps, no policy.

mod cargo_lock;
mod facts;
mod inspect;
mod job;
mod list;
mod progress;
mod restore;
mod run;
mod save;
mod source;
mod trouble;

pub use job::{Exit, Job};

use crate::cli::{Cli, Command};

/// Carries out a command line.
pub fn execute(cli: Cli, job: &Job) -> anyhow::Result<Exit> {
    match cli.command {
        Command::Restore { inputs, no_session } => Ok(restore::run(job, &inputs, !no_session)),
        Command::Save { inputs } => Ok(save::run(job, &inputs)),
        Command::Run { inputs, command } => run::run(job, &inputs, &command),
        Command::List { root } => list::run(&root.folder(&job.env)),
        Command::Inspect { key, root } => inspect::run(job, &root.folder(&job.env), &key),
    }
}
