//! What every command works with.

pub(crate) mod bar;
pub(crate) mod cargo_lock;
pub(crate) mod progress;
pub(crate) mod trouble;
pub(crate) mod work;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::github::{Context, Environment, FileCommands};
use crate::job::work::Work;
use crate::outcome::{Code, Warning};
use crate::plan::HostPolicy;
use crate::report::Console;
pub(crate) use crate::sys::chain;
use crate::sys::{Interrupt, file};

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All is well; trouble in the cache is, too.
    Success,
    /// The job is to fail, as by `fail-on-cache-miss`, or what the command was asked to look for is there, such as damage.
    Failure,
    /// The inputs are wrong, or what was asked cannot be told.
    Usage,
    /// The process was asked to end.
    Interrupted,
    /// The exit code of the command that `run` ran.
    Command(u8),
}

impl Exit {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::Interrupted => 130,
            Self::Command(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
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
    /// This program, for what goes on when the process is over.
    pub program: PathBuf,
    /// What it is at, for whoever looks on.
    pub(crate) work: Work,
    /// What was warned of.
    warnings: Mutex<Vec<Warning>>,
    /// Why something failed.
    errors: Mutex<Vec<String>>,
    /// Damaged entries and units that were found.
    damaged: AtomicU64,
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
        // Where the kernel does not tell it, it is the same file by another name.
        let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("/proc/self/exe"));
        Self {
            env,
            policy,
            policy_trouble,
            context,
            console,
            files,
            interrupt,
            started,
            program,
            work: Work::default(),
            warnings: Mutex::default(),
            errors: Mutex::default(),
            damaged: AtomicU64::default(),
        }
    }

    /// Tells of trouble that does not fail the job, once.
    pub fn warn(&self, code: Code, message: impl Into<String>) {
        let warning = Warning { code, message: message.into() };
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        if !warnings.contains(&warning) {
            self.console.warn(&warning.message);
            warnings.push(warning);
        }
    }

    /// Tells why something fails.
    pub fn error(&self, message: impl Into<String>) {
        let message = message.into();
        self.console.error(&message);
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).push(message);
    }

    /// Why something failed until now, in order.
    pub fn errors(&self) -> Vec<String> {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was warned of until now, in order.
    pub fn warnings(&self) -> Vec<Warning> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes so many damaged entries or units, for the ledger.
    pub(crate) fn note_damaged(&self, count: u64) {
        self.damaged.fetch_add(count, Ordering::Relaxed);
    }

    /// How many were found since this was asked last.
    pub(crate) fn take_damaged(&self) -> u64 {
        self.damaged.swap(0, Ordering::Relaxed)
    }

    /// The directory to which the inputs' paths are relative.
    pub fn directory(&self) -> anyhow::Result<PathBuf> {
        match &self.context.workspace {
            Some(workspace) if file::is_dir(workspace) => Ok(file::canonicalize(workspace)?),
            _ => Ok(std::env::current_dir()?),
        }
    }
}
