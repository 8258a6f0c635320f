//! The user's settings, resolved: every input as a typed value.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::cache_mode::CacheMode;
use super::job_layer::JobLayer;
use super::pool::Share;
use super::preset::Presets;
use super::workspace_spec::WorkspaceSpec;
use crate::cargo::{Kept, Tool};
use crate::store::Access;
use crate::store::retention::{MinFree, Policy};
use crate::tree::LinkMode;

/// When a job's work is saved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum SaveMoment {
    /// After success and failure, what has changed; not after a cancelled job.
    #[default]
    Auto,
    /// Whatever the job's end, and even over an exact hit.
    Always,
    /// As `auto`, but only after success.
    Success,
    /// Not at all.
    Never,
}

/// Whether the job's cargo compiles members of workspaces incrementally.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Incremental {
    /// As cargo has it from the environment, its configuration and the profile.
    #[default]
    Auto,
    /// In each profile.
    True,
    /// In none.
    False,
}

impl Incremental {
    /// What the user has chosen, if anything.
    pub fn chosen(self) -> Option<bool> {
        match self {
            Self::Auto => None,
            Self::True => Some(true),
            Self::False => Some(false),
        }
    }
}

/// What to do when the disk is too full and nothing more can go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum DiskGuard {
    /// Tell, and go on.
    #[default]
    Warn,
    /// Tell, and fail.
    Fail,
    /// Do not look.
    Off,
}

/// How the store is kept in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintenance {
    /// Who may write to it.
    pub access: Access,
    /// What may stay in it.
    pub policy: Policy,
    /// What to do when the disk is too full all the same.
    pub disk_guard: DiskGuard,
}

impl Maintenance {
    /// What may stay. Where nobody is to look at the disk, it may be full.
    pub fn policy(&self) -> Policy {
        let mut policy = self.policy.clone();
        if self.disk_guard == DiskGuard::Off {
            policy.min_free = MinFree::Percent(0.0);
        }
        policy
    }
}

/// How the job stands, in the runner's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum JobStatus {
    /// No step has failed.
    #[default]
    Success,
    /// A step has failed.
    Failure,
    /// The job was cancelled.
    Cancelled,
    /// Nobody can tell.
    Unknown,
}

/// Who saves after the job, if no step does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Post {
    /// The runner's hook, where it is installed.
    #[default]
    Auto,
    /// The runner's hook.
    Hook,
    /// A process that waits for the end of the runner's worker.
    Watch,
    /// Nobody.
    None,
}

/// Every input as a typed value; `cli` tells what each one means.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the inputs of the same names, described once in `cli`")]
#[expect(clippy::struct_excessive_bools, reason = "inputs of an action are switches")]
pub struct Settings {
    pub presets: Presets,
    pub workspaces: Vec<WorkspaceSpec>,
    /// `None`: what the preset and the other inputs call for.
    pub layers: Option<Vec<JobLayer>>,
    pub path: Vec<String>,
    pub key: Option<String>,
    pub restore_keys: Vec<String>,
    pub key_files: Vec<String>,
    pub key_env: Vec<String>,
    pub key_extra: Option<String>,
    pub trigger_file: PathBuf,
    pub builds: Vec<String>,
    pub cargo_bins: Vec<Tool>,
    pub lane: Option<String>,
    pub cache_root: PathBuf,
    pub cache_mode: CacheMode,
    pub save: SaveMoment,
    pub post: Post,
    pub github_token_file: Option<PathBuf>,
    pub maintenance: Maintenance,
    pub link_mode: LinkMode,
    pub freshness: bool,
    pub incremental: Incremental,
    pub isolate_cargo_home: bool,
    pub kept: Kept,
    pub share: Share,
    pub fail_on_cache_miss: bool,
    pub lookup_only: bool,
    /// Values of the job's matrix, for the lane.
    pub matrix: Vec<String>,
}
