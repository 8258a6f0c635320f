//! Commands.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

use super::hook::HookCommand;
use super::host::HostCommand;
use super::inputs::{Inputs, Limits, Root};
use super::report::Report;
use super::stats::Stats;
use super::top::Top;
use super::updates::{Fetch, SelfUpdate};
use crate::sys::Pid;

/// A local cache for self-hosted runners: Rust dependencies, target directories, build outputs.
#[derive(Debug, Parser)]
#[command(name = "runner-cache", version, args_override_self = true, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Print the outcome as one JSON object. Output of a command of `run` or `audit` goes to the log.
    #[arg(long, global = true)]
    pub json: bool,
    /// Write what each thread does, and when, to this file: a trace for Perfetto.
    #[arg(long, global = true, value_name = "FILE", require_equals = true)]
    pub trace: Option<PathBuf>,
    /// What does not hold of the action's inputs, for people.
    #[arg(skip)]
    pub narrowed: Vec<String>,
    /// The variables that the action's inputs set for the job, as its later steps will have them.
    #[arg(skip)]
    pub variables: Vec<(&'static str, &'static str)>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Restore cached files into the job, and record what to save when it ends.
    #[command(args_override_self = true)]
    Restore {
        /// What is cached.
        #[command(flatten)]
        inputs: Box<Inputs>,
        /// Record nothing for a later save.
        #[arg(long)]
        no_session: bool,
    },
    /// Save the job's files: those that its restore recorded, or those that the inputs describe.
    #[command(args_override_self = true)]
    Save {
        /// What is cached.
        #[command(flatten)]
        inputs: Box<Inputs>,
    },
    /// Restore, run a command and save: a job outside of GitHub.
    #[command(args_override_self = true)]
    Run {
        /// What is cached.
        #[command(flatten)]
        inputs: Box<Inputs>,
        /// Command and arguments.
        #[arg(last = true, required = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
    /// Compare a restored build with a clean build: restore, run a command, run it again from scratch at the same path, and
    /// compare exit codes and cargo's outputs. Saves nothing, puts the restored target directory back, and exits with 1 if the
    /// builds differ.
    #[command(args_override_self = true)]
    Audit {
        /// What is cached.
        #[command(flatten)]
        inputs: Box<Inputs>,
        /// Command and arguments.
        #[arg(last = true, required = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
    /// Show the keys of this job, the entries in the cache, and why each is used or not.
    #[command(args_override_self = true)]
    Explain {
        /// What is cached.
        #[command(flatten)]
        inputs: Box<Inputs>,
        /// Show only entries of this key: whole, its short id, or a prefix and `*`.
        #[arg(value_name = "KEY", conflicts_with = "last_build")]
        of: Option<String>,
        /// Show which units cargo compiled in this job despite the restored target directory, and why. Run it after the
        /// build and before the save.
        #[arg(long)]
        last_build: bool,
    },
    /// List entries by repository and layer, most recently used first. All commands accept short key ids, such as
    /// `target-3f9a01bc`.
    #[command(args_override_self = true)]
    List {
        /// Sort order.
        #[arg(long, value_name = "BY", default_value = "last-use")]
        sort: Order,
        /// Include units of the pool.
        #[arg(long)]
        units: bool,
        /// How to print them.
        #[command(flatten)]
        form: ListForm,
        /// Where the entries are.
        #[command(flatten)]
        root: Root,
    },
    /// Show all details of the entries of a key.
    Inspect {
        /// Key: whole, a prefix, or its short id.
        key: String,
        /// Where the entries are.
        #[command(flatten)]
        root: Root,
    },
    /// Show disk usage by layer and repository.
    #[command(args_override_self = true)]
    Du {
        /// Where the entries are.
        #[command(flatten)]
        root: Root,
    },
    /// Show what the cache did: hit rates, time saved, sizes, the best and worst jobs, and what limits cost.
    #[command(args_override_self = true)]
    Stats(Stats),
    /// Write one HTML page of charts that needs no network: hit rates, time saved, disk use, restores, entries.
    #[command(args_override_self = true)]
    Report(Report),
    /// Show what is at work in the cache, who waits for whom, the disk, and what happened last: live on a terminal, until `q`.
    #[command(args_override_self = true)]
    Top(Top),
    /// Evict entries beyond the limits, and remove leftovers of killed jobs.
    #[command(args_override_self = true)]
    Gc {
        /// Show what would be evicted, without evicting it.
        #[arg(long)]
        dry_run: bool,
        /// Also evict entries of compilers that their repositories no longer use.
        #[arg(long)]
        older_toolchains: bool,
        /// Also evict entries of closed pull requests and deleted branches, as GitHub's API tells.
        #[arg(long)]
        closed: bool,
        /// A file with the token for the API, which is sent to no other host. Default: `GITHUB_TOKEN`.
        #[arg(long, value_name = "FILE", requires = "closed")]
        token_file: Option<PathBuf>,
        /// What may stay.
        #[command(flatten)]
        limits: Limits,
        /// Where the entries are.
        #[command(flatten)]
        root: Root,
    },
    /// Remove entries by key.
    #[command(args_override_self = true)]
    Remove {
        /// Keys, whole or short ids; `PREFIX*` matches all keys with the prefix.
        #[arg(required = true, value_name = "KEY")]
        keys: Vec<String>,
        /// Show what would be removed, without removing it.
        #[arg(long)]
        dry_run: bool,
        /// Where the entries are.
        #[command(flatten)]
        root: Root,
    },
    /// Compare entries with their manifests, and take damaged ones out of use.
    #[command(args_override_self = true)]
    Verify {
        /// Also read all contents, and compare them with the first deep verification.
        #[arg(long)]
        deep: bool,
        /// Where the entries are.
        #[command(flatten)]
        root: Root,
    },
    /// Rewrite cache steps of other actions and of rsync scripts in this action's words: shows the changes, and names what has
    /// no counterpart. Ends with 1 where a file cannot be read as YAML or written; then none is written.
    #[command(args_override_self = true)]
    Migrate {
        /// Write the files.
        #[arg(long)]
        write: bool,
        /// Also rewrite jobs that run on GitHub's own runners.
        #[arg(long)]
        hosted: bool,
        /// Workflows, or `action.yml` of composite actions.
        #[arg(required = true, value_name = "WORKFLOW")]
        files: Vec<PathBuf>,
    },
    /// Check cache, disks and runners of this host, one line each, with what to change. Ends with 1 if there is a problem.
    #[command(args_override_self = true)]
    Doctor {
        /// Mend what can be mended without taking anything from anybody: sweep leftovers of killed jobs, take the cache
        /// out of what systemd-tmpfiles cleans, set permission bits of own directories.
        #[arg(long)]
        fix: bool,
        /// Also write what a bug report needs to this file, without names of users, hosts and repositories and without tokens:
        /// versions, checks, host policy, statistics, entries, and what was logged after jobs. Read it before you send it.
        #[arg(long, value_name = "FILE")]
        bundle: Option<PathBuf>,
        /// Directory of a runner that is not found by itself.
        #[arg(long = "runner-dir", value_name = "DIRECTORY")]
        runner_dirs: Vec<PathBuf>,
        /// What may stay.
        #[command(flatten)]
        limits: Limits,
        /// Where the entries are.
        #[command(flatten)]
        root: Root,
    },
    /// Write all entries to the disk, safe from a power cut.
    #[command(args_override_self = true)]
    Flush {
        /// Where the entries are.
        #[command(flatten)]
        root: Root,
    },
    /// Download a release's binary, verify it, and put it where the action looks for it, so that jobs download nothing. Prints
    /// its path.
    #[command(args_override_self = true)]
    Fetch(Fetch),
    /// Replace this program by the newest release, or by the one that is named.
    #[command(args_override_self = true)]
    SelfUpdate(SelfUpdate),
    /// Let runners save each job and tidy up after it by themselves: install the hooks, show them, or remove them.
    Hook {
        /// What to do.
        #[command(subcommand)]
        command: HookCommand,
    },
    /// Run by the runner's hook before a job.
    #[command(args_override_self = true, hide = true)]
    JobStarted {
        /// What holds where no restore noted anything else.
        #[command(flatten)]
        inputs: Box<Inputs>,
    },
    /// Run by the runner's hook after a job.
    #[command(args_override_self = true, hide = true)]
    JobCompleted {
        /// What holds where no restore noted anything else.
        #[command(flatten)]
        inputs: Box<Inputs>,
    },
    /// Run as root by the runner's hook: gives what is root's in a directory to the directory's owner.
    #[command(hide = true)]
    HandBack {
        /// The directory.
        directory: PathBuf,
    },
    /// Run by a restore whose `post` is watch.
    #[command(args_override_self = true, hide = true)]
    WatchJob {
        /// The number of the process that runs the job.
        #[arg(long, value_parser = parse_pid)]
        worker: Pid,
        /// What the restore noted.
        #[arg(long)]
        session: PathBuf,
        /// What holds where no restore noted anything else.
        #[command(flatten)]
        inputs: Box<Inputs>,
    },
    /// Run after a save by the runner's hook, with what was saved on the standard input: does what no job has to wait for.
    #[command(args_override_self = true, hide = true)]
    AfterSave {
        /// Where the entries are.
        #[command(flatten)]
        root: Root,
    },
    /// Set up this host for its runners, show how it is set up, or undo that.
    Host {
        /// What to do.
        #[command(subcommand)]
        command: HostCommand,
    },
}

fn parse_pid(text: &str) -> Result<Pid, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.and_then(Pid::from_raw).ok_or_else(|| "allowed: the number of a process".to_owned())
}

impl Command {
    /// Whether a job goes on where it cannot be carried out.
    pub fn is_of_job(&self) -> bool {
        matches!(
            self,
            Self::Restore { .. }
                | Self::Save { .. }
                | Self::Run { .. }
                | Self::Audit { .. }
                | Self::JobStarted { .. }
                | Self::JobCompleted { .. }
                | Self::WatchJob { .. }
                | Self::AfterSave { .. }
        )
    }

    /// Whether it is for the cache alone: without the host's policy it cannot be carried out. One that is wrong is found by `host`
    /// itself, on the system that it is about, and told by `doctor`.
    pub fn is_of_cache(&self) -> bool {
        !self.is_of_job()
            && !matches!(
                self,
                Self::Migrate { .. }
                    | Self::Fetch(_)
                    | Self::SelfUpdate(_)
                    | Self::Hook { .. }
                    | Self::HandBack { .. }
                    | Self::Host { .. }
                    | Self::Doctor { .. }
            )
    }

    /// The action's inputs, where the command takes them.
    pub(super) fn inputs_mut(&mut self) -> Option<&mut Inputs> {
        match self {
            Self::Restore { inputs, .. }
            | Self::Save { inputs }
            | Self::Run { inputs, .. }
            | Self::Audit { inputs, .. }
            | Self::JobStarted { inputs }
            | Self::JobCompleted { inputs }
            | Self::WatchJob { inputs, .. }
            | Self::Explain { inputs, .. } => Some(inputs),
            _ => None,
        }
    }
}

/// How a list is printed: in 80 columns, or so.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct ListForm {
    /// Print one table with all columns, untruncated.
    #[arg(long)]
    pub wide: bool,
}

/// What a list is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Order {
    /// Most recently used first.
    LastUse,
    /// Newest first.
    Created,
    /// Largest first.
    Size,
    /// By layer, repository, ref and key.
    Key,
}
