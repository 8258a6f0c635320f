//! A stand-in of GitHub's self-hosted runner on Linux: what a job and its hooks meet, without a server.
//!
//! It follows the source of `actions/runner` (August 2026, after 2.336). Each point names the file and the method that it
//! is taken from, below `src/` there, as *Runner.Worker/StepsRunner.cs: `RunAsync`*. The tests in `contract/` prove the
//! points one by one.
//!
//! | module | stands for |
//! |---|---|
//! | [`job`] | the message that the server sends: steps, environment, event |
//! | [`user`] | the user whose the service is, and what the host lets that user do |
//! | [`runner`] | what an administrator sets up, and what a test does with it: start, cancel, kill, read the record |
//! | [`listener`], [`worker`] | the two processes, `Runner.Listener` and `Runner.Worker`, by these names |
//! | [`plan`], [`steps`] | which steps there are, and how one after the other is run |
//! | [`background`] | steps with `background: true`, and those that wait for them or cancel them |
//! | [`composite`] | a composite action, read from its `action.yml` |
//! | [`handler`], [`invoke`] | a script: its shell, environment and directory; its process, output and end |
//! | [`container`] | a job's container, without an image: the mounts and the environment of the contract |
//! | [`file_commands`], [`commands`] | what a step tells by files, and by its output |
//! | [`orphans`] | processes that are left at the end |
//! | [`record`] | all that happened, in order |
//! | [`api`] | the server's list of a run's jobs |
//!
//! Not to the letter: an image, services, problem matchers, expressions other than those of the action's own files.
//! A job can shorten the runner's times all alike, see [`job::Job::hurried`].

pub(crate) mod api;
mod background;
mod commands;
mod composite;
mod container;
mod context;
mod file_commands;
mod handler;
mod invoke;
pub(crate) mod job;
mod listener;
mod orphans;
mod plan;
pub(crate) mod record;
pub(crate) mod runner;
mod steps;
mod token;
mod user;
mod worker;

pub(crate) use job::{Job, When, run, uses};
pub(crate) use record::Outcome;
pub(crate) use runner::Runner;
pub(crate) use user::User;

/// The runner's processes are this program under their names.
#[test]
#[ignore = "the entry of the stand-in's processes: under another name there is nothing to do"]
fn entry() {
    match std::env::args_os()
        .next()
        .as_deref()
        .and_then(|path| std::path::Path::new(path).file_name()?.to_str())
    {
        Some(listener::NAME) => listener::main(),
        Some(worker::NAME) => worker::main(),
        _ => {}
    }
}
