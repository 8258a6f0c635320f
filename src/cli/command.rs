//! Commands.

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use super::inputs::{Inputs, Limits, Root};

/// A local cache for self-hosted runners: Rust dependencies, target directories, build outputs.
#[derive(Debug, Parser)]
#[command(name = "runner-cache", version, args_override_self = true, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What does not hold of the action's inputs, for people.
    #[arg(skip)]
    pub narrowed: Vec<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Bring what is cached into the job, and note what to save when the job is over.
    #[command(args_override_self = true)]
    Restore {
        /// What is cached.
        #[command(flatten)]
        inputs: Box<Inputs>,
        /// Leave nothing for a later save.
        #[arg(long)]
        no_session: bool,
    },
    /// Save what the job made: what its restore noted, or else what the inputs describe.
    #[command(args_override_self = true)]
    Save {
        /// What is cached.
        #[command(flatten)]
        inputs: Box<Inputs>,
    },
    /// Restore, run a command, save: the same job outside of GitHub.
    #[command(args_override_self = true)]
    Run {
        /// What is cached.
        #[command(flatten)]
        inputs: Box<Inputs>,
        /// The command and its arguments.
        #[arg(last = true, required = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
    /// Restore, run a command, run it again from nothing at the same path, and compare exit codes and all that cargo made.
    /// Saves nothing; the restored target directory is put back. Ends with 1 where there is a difference.
    #[command(args_override_self = true)]
    Audit {
        /// What is cached.
        #[command(flatten)]
        inputs: Box<Inputs>,
        /// As JSON. What the command writes to its standard output goes to the log.
        #[arg(long)]
        json: bool,
        /// The command and its arguments.
        #[arg(last = true, required = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
    /// Tell what this job looks for, what there is, and why an entry serves or does not.
    #[command(args_override_self = true)]
    Explain {
        /// What is cached.
        #[command(flatten)]
        inputs: Box<Inputs>,
        /// Tell only of the entries of this key: whole, its short id, or its beginning and a `*`.
        #[arg(value_name = "KEY", conflicts_with = "last_build")]
        of: Option<String>,
        /// Tell instead which units cargo compiled in this job although the target directory came from the cache, and why.
        /// After the build and before the save.
        #[arg(long)]
        last_build: bool,
    },
    /// List the entries by repository and layer, those that were of use last first. A short key id, such as
    /// `target-3f9a01bc`, stands for a long key in each command.
    #[command(args_override_self = true)]
    List {
        /// What to order by.
        #[arg(long, value_name = "BY", default_value = "last-use")]
        sort: Order,
        /// The units of the pool as well.
        #[arg(long)]
        units: bool,
        /// How to print them.
        #[command(flatten)]
        form: ListForm,
        /// Where the entries are.
        #[command(flatten)]
        root: Root,
    },
    /// Show all that is known about the entries of a key.
    Inspect {
        /// The key: whole, its beginning, or its short id.
        key: String,
        /// Where the entries are.
        #[command(flatten)]
        root: Root,
    },
    /// Show what the entries take on the disk, by layer and repository.
    #[command(args_override_self = true)]
    Du {
        /// Where the entries are.
        #[command(flatten)]
        root: Root,
    },
    /// Remove entries that are too many, too old or too large, and what killed jobs left behind.
    #[command(args_override_self = true)]
    Gc {
        /// Only tell what would go.
        #[arg(long)]
        dry_run: bool,
        /// Also remove what was made by compilers that their repositories no longer use.
        #[arg(long)]
        older_toolchains: bool,
        /// What may stay.
        #[command(flatten)]
        limits: Limits,
        /// Where the entries are.
        #[command(flatten)]
        root: Root,
    },
    /// Remove the entries of keys.
    #[command(args_override_self = true)]
    Remove {
        /// The keys, whole or by their short ids; one that ends in `*` means all that begin so.
        #[arg(required = true, value_name = "KEY")]
        keys: Vec<String>,
        /// Only tell what would go.
        #[arg(long)]
        dry_run: bool,
        /// Where the entries are.
        #[command(flatten)]
        root: Root,
    },
    /// Compare the entries' files with their manifests, and take damaged entries out of use.
    #[command(args_override_self = true)]
    Verify {
        /// Also read all contents, and compare them with those of the first such reading.
        #[arg(long)]
        deep: bool,
        /// Where the entries are.
        #[command(flatten)]
        root: Root,
    },
    /// Wait until all entries are on the disk, safe from a power cut.
    #[command(args_override_self = true)]
    Flush {
        /// Where the entries are.
        #[command(flatten)]
        root: Root,
    },
}

impl Command {
    /// Whether a job goes on where it cannot be carried out.
    pub fn is_of_job(&self) -> bool {
        matches!(self, Self::Restore { .. } | Self::Save { .. } | Self::Run { .. } | Self::Audit { .. })
    }

    /// The action's inputs, where the command takes them.
    pub(super) fn inputs_mut(&mut self) -> Option<&mut Inputs> {
        match self {
            Self::Restore { inputs, .. }
            | Self::Save { inputs }
            | Self::Run { inputs, .. }
            | Self::Audit { inputs, .. }
            | Self::Explain { inputs, .. } => Some(inputs),
            _ => None,
        }
    }
}

/// How a list is printed: in 80 columns, or so.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct ListForm {
    /// As one table with all columns, whole.
    #[arg(long)]
    pub wide: bool,
    /// As JSON, one array of all entries.
    #[arg(long, conflicts_with = "wide")]
    pub json: bool,
}

/// What a list is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Order {
    /// Those that were of use last first.
    LastUse,
    /// The newest first.
    Created,
    /// The largest first.
    Size,
    /// By layer, repository, ref and key.
    Key,
}
