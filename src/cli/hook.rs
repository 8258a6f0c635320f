//! The words of `hook`: what runners run around each job.

use std::path::PathBuf;

/// What to do with the hooks.
#[derive(Debug, clap::Subcommand)]
pub enum HookCommand {
    /// Install the hooks in the `.env` of each runner of this host. Other lines stay, and a hook that is there is run as well.
    /// Doing it again changes nothing.
    Install {
        /// Which runners.
        #[command(flatten)]
        places: HookPlaces,
        /// Only show what would be written.
        #[arg(long)]
        dry_run: bool,
    },
    /// Remove the hooks; one that was there before comes back.
    Uninstall {
        /// Which runners.
        #[command(flatten)]
        places: HookPlaces,
    },
    /// Show which runners have the hooks. Ends with 1 where one has not.
    Status {
        /// Which runners.
        #[command(flatten)]
        places: HookPlaces,
    },
}

/// Which runners, and what their hooks run.
#[derive(Debug, Default, clap::Args)]
pub struct HookPlaces {
    /// Directory of a runner [default: all runners that are found].
    #[arg(long = "runner-dir", value_name = "DIRECTORY")]
    pub runner_dirs: Vec<PathBuf>,
    /// Directory for the directory `runner-cache` with the scripts that runners run [default: /usr/local/lib for root, else
    /// ~/.local/lib].
    #[arg(long, value_name = "DIRECTORY")]
    pub hook_dir: Option<PathBuf>,
    /// This program, where the hooks find it [default: where it is].
    #[arg(long, value_name = "FILE")]
    pub program: Option<PathBuf>,
}
