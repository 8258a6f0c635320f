//! What every command works with.

pub(crate) mod cargo_lock;
pub(crate) mod progress;
pub(crate) mod trouble;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use crate::github::{Context, Environment, FileCommands};
use crate::plan::HostPolicy;
use crate::report::Console;
use crate::sys::{Interrupt, file};

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All is well; trouble in the cache is, too.
    Success,
    /// `fail-on-cache-miss`, or a destination that could not be put back as it was.
    Failure,
    /// The inputs are wrong.
    Usage,
    /// The process was asked to end.
    Interrupted,
    /// The exit code of the command that `run` ran.
    Command(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Success => 0,
            Exit::Failure => 1,
            Exit::Usage => 2,
            Exit::Interrupted => 130,
            Exit::Command(code) => code,
        })
    }
}

/// The job that a command is part of.
#[derive(Debug)]
pub struct Job {
    /// The environment of the process.
    pub env: Environment,
    /// What the host's owner has decided.
    pub policy: HostPolicy,
    /// Why that is not known, where it should be.
    pub policy_trouble: Option<String>,
    /// What the runner says.
    pub context: Context,
    /// Where messages go.
    pub console: Console,
    /// Where outputs go.
    pub files: FileCommands,
    /// Whether the process was asked to end.
    pub interrupt: Interrupt,
    /// When the process started.
    pub started: Instant,
}

impl Job {
    /// The job that `env` tells of, on a host with this policy.
    pub fn new(
        env: Environment,
        policy: Result<HostPolicy, String>,
        interrupt: Interrupt,
        started: Instant,
    ) -> Self {
        let (policy, policy_trouble) =
            policy.map_or_else(|why| (HostPolicy::default(), Some(why)), |policy| (policy, None));
        let event = match env.get("GITHUB_EVENT_PATH") {
            Some(path) => file::read(&PathBuf::from(path)).map(Some).map_err(|error| chain(&error)),
            // Every runner sets it: who does not plays one, and the other variables say what he wants.
            None => Ok(None),
        };
        let context = Context::new(&env, event.as_ref().map(Option::as_deref).map_err(Clone::clone));
        let console = Console::new(context.is_actions);
        let files = FileCommands::new(&env);
        Self { env, policy, policy_trouble, context, console, files, interrupt, started }
    }

    /// The directory to which the inputs' paths are relative.
    pub fn directory(&self) -> anyhow::Result<PathBuf> {
        match &self.context.workspace {
            Some(workspace) if file::is_dir(workspace) => Ok(file::canonicalize(workspace)?),
            _ => Ok(std::env::current_dir()?),
        }
    }
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
