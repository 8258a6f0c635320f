//! How a host does: what was checked, and what was found.

use serde::Serialize;

/// All that was checked, and what was mended before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// Each check, as the host is now.
    pub checks: Vec<Check>,
    /// What `--fix` did, in order.
    pub fixed: Vec<String>,
    /// What `--fix` could not do, and why.
    pub not_fixed: Vec<String>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What it is about.
    pub code: CheckCode,
    /// How it is.
    pub severity: Severity,
    /// What was found, for people.
    pub text: String,
    /// What to change.
    pub hint: Option<String>,
    /// What `--fix` does about it.
    pub fix: Option<Fix>,
}

impl Check {
    /// It is as it should be.
    pub fn fine(code: CheckCode, text: impl Into<String>) -> Self {
        Self { code, severity: Severity::Ok, text: text.into(), hint: None, fix: None }
    }

    /// It costs time or room, or will.
    pub fn warning(code: CheckCode, text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, hint: Some(hint.into()), ..Self::fine(code, text) }
    }

    /// Jobs have no cache, or fail for it.
    pub fn problem(code: CheckCode, text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { severity: Severity::Problem, ..Self::warning(code, text, hint) }
    }

    /// The same with what `--fix` does about it.
    #[must_use]
    pub fn with_fix(self, fix: Fix) -> Self {
        Self { fix: Some(fix), ..self }
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// It is as it should be.
    Ok,
    /// It costs time or room, or will.
    Warning,
    /// Jobs have no cache, or fail for it.
    Problem,
}

/// What is mended without taking anything from anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fix {
    /// Remove what killed jobs left in the cache directory.
    Sweep,
    /// Take the cache directory out of what systemd-tmpfiles cleans, as `host setup` does.
    Exclude,
    /// Set the permission bits of this user's own directories in the cache directory.
    Modes,
}

/// What a check is about. The names stay, and each one's first line is in the docs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum CheckCode {
    /// The host policy can be read.
    Policy,
    /// The cache directory is there, and this user's to use.
    Root,
    /// The cache directory is on a disk, not in memory.
    Memory,
    /// Nothing cleans old files out of the cache directory.
    Cleaner,
    /// The file system of the cache directory shares what files have in common (reflinks).
    Reflinks,
    /// Workspaces are on the disk of the cache directory, so that files can be linked.
    Disks,
    /// Bytes are free on the disks of cache directory and workspaces, as `min-free` wants.
    FreeSpace,
    /// Inodes are free there.
    FreeInodes,
    /// Directories in the cache directory have the permission bits that they were made with.
    Modes,
    /// Files in workspaces and the cache directory are not root's, so that jobs can remove them.
    RootOwned,
    /// The clock is not behind the entries, or far ahead of them.
    Clock,
    /// Killed jobs left nothing in the cache directory.
    Debris,
    /// No entry was found damaged lately.
    Quarantine,
    /// Each restore was followed by a save.
    Sessions,
    /// Processes that outlived jobs told of no trouble.
    AfterJobs,
    /// The runners of this host are found and can be read.
    Runners,
    /// Runners have a version that GitHub lets register.
    RunnerVersion,
    /// No limit cost a hit in the last week: an entry was evicted, and a job then missed it.
    Limits,
    /// Runners have hooks that save their jobs, and no hook that is missing.
    Hooks,
    /// This program, the one in `PATH`, and those of jobs have one version.
    Versions,
    /// Job containers see the cache directory.
    Containers,
}
