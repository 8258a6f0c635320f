//! The words of `host`: how this machine is set up for its runners.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What to do with the host.
#[derive(Debug, clap::Subcommand)]
pub enum HostCommand {
    /// Set up this host: cache directory, policy, hooks, timer, completions and manual pages. Doing it again changes
    /// nothing.
    Setup {
        /// How it is to be.
        #[command(flatten)]
        setup: Box<HostSetup>,
        /// Only show what would be written and run.
        #[arg(long)]
        dry_run: bool,
        /// Set up the system below this directory instead, such as an image, and start nothing.
        #[arg(long, value_name = "DIRECTORY")]
        destdir: Option<PathBuf>,
    },
    /// Show the runners of this host, and whether what `setup` wrote is there. Ends with 1 where something is missing.
    Status {
        /// Look at the system below this directory instead.
        #[arg(long, value_name = "DIRECTORY")]
        destdir: Option<PathBuf>,
    },
    /// Remove what `setup` made and nobody changed since; everything else is named and stays.
    Remove {
        /// Only show what would go.
        #[arg(long)]
        dry_run: bool,
        /// Remove it from the system below this directory instead, and stop nothing.
        #[arg(long, value_name = "DIRECTORY")]
        destdir: Option<PathBuf>,
    },
}

/// How a host is to be. What is not given is as it was the last time.
#[derive(Debug, Default, clap::Args)]
pub struct HostSetup {
    /// Cache directory. With runners of several users, each has one below it, named after the user, unless they share
    /// one by `--group`.
    #[arg(long, value_name = "DIRECTORY")]
    pub root: Option<PathBuf>,
    /// Let all users of this group share the cache directory: no wall between them.
    #[arg(long, value_name = "NAME")]
    pub group: Option<String>,
    /// Directory of a runner that is not found by itself.
    #[arg(long = "runner-dir", value_name = "DIRECTORY")]
    pub runner_dirs: Vec<PathBuf>,
    /// User of runners that are registered later, as on images.
    #[arg(long = "user", value_name = "NAME")]
    pub users: Vec<String>,
    /// This program, where the timer finds it [default: where it is; with `--destdir` /usr/local/bin/runner-cache].
    #[arg(long, value_name = "FILE")]
    pub program: Option<PathBuf>,
    /// Who runs `gc` daily: `systemd`, `none` (you; a line for cron is printed) or `auto`: systemd where it runs, or is
    /// in the image.
    #[arg(long, value_name = "WHO", hide_possible_values = true)]
    pub timer: Option<Timer>,
    /// Whether to install the runners' hooks, which save each job and tidy up after it [default: true].
    #[arg(long, value_name = "BOOL")]
    pub hooks: Option<bool>,
    /// Archive (.tar.gz) of the action's repository at one commit, from which runners then take the action instead of
    /// downloading it.
    #[arg(long = "action-archive", value_name = "FILE")]
    pub archives: Vec<PathBuf>,
    /// Repository of the archives, as workflows name it.
    #[arg(long, value_name = "OWNER/NAME", default_value = "btcdecoded/runner-cache")]
    pub action: String,
}

/// Who runs `gc`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Timer {
    /// Systemd, where it is.
    #[default]
    Auto,
    /// Systemd, wherever it is.
    Systemd,
    /// Nobody of ours.
    None,
}
