//! The inputs. Their descriptions here are the only ones: the table in the documentation, `action.yml` and `--help` are
//! checked against them.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;

use super::values::{Layers, Lines, Matrix, MaxAge, MaxSize, Names, Parts, Tools};
use crate::cargo::{Kept, incremental_variable};
use crate::github::Environment;
use crate::plan::{
    CacheMode, DiskGuard, HOST_POLICY, HostPolicy, Incremental, JobStatus, Maintenance, Post, Presets,
    SaveMoment, Settings, Share, WorkspaceSpec, parse_keep, parse_lines, parse_min_free, parse_paths,
};
use crate::store::retention::{Keep, MinFree, Policy};
use crate::store::{Access, ChosenRoot, choose_root};
use crate::tree::LinkMode;

/// The value by which a root is chosen.
const AUTO: &str = "auto";

/// Why a value does not hold of which the host has its own.
const NOT_SAID: &str = "conflicts with the host policy";

/// Where the entries are.
#[derive(Debug, Args)]
pub struct Root {
    /// Cache directory on this host, shared by its runners; `auto` picks one on the workspace's disk if it can. Move
    /// it with `RUNNER_CACHE_ROOT` or the host policy
    #[arg(long, value_name = "DIRECTORY", default_value = AUTO)]
    pub cache_root: PathBuf,

    /// Who may write to the cache directory: `private` (its owner) or `group` (users who share it on purpose)
    #[arg(long, value_name = "WHO", default_value = "private", hide_possible_values = true)]
    pub root_access: Access,
}

/// What may stay.
#[derive(Debug, Args)]
pub struct Limits {
    /// Number of versions of an entry to keep per layer; unlisted layers keep their default
    #[arg(long, value_name = "LIST", allow_hyphen_values = true, value_parser = parse_keep, default_value = "cargo=5,target=3,builds=5,bins=3")]
    keep: Keep,

    /// Evict entries of this repository unused for this long, such as `12h` or `30d`; `none` leaves it to the host
    /// policy
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = MaxAge::from_str, default_value = "30d")]
    max_age: MaxAge,

    /// Disk space for the entries of this repository, such as `20GB` or `80GiB`, or `none`. The host policy limits
    /// all repositories together
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true, value_parser = MaxSize::from_str, default_value = "none")]
    max_size: MaxSize,

    /// Disk space to keep free, such as `20GB`, or `10%` of bytes and inodes: entries of this repository are evicted
    /// to reach it
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true, value_parser = parse_min_free, default_value = "5%")]
    min_free: MinFree,
}

/// Where the action's scripts get this program from, which has no use for it any more: read by `scripts/action.sh`, and here so
/// that they are inputs like the others.
#[derive(Debug, Args)]
struct Install {
    /// URL to download the program from, such as a mirror; expands `{version}` and `{file}`, and verifies the release's
    /// SHA-256
    #[arg(long, value_name = "URL", hide = true)]
    download_url: Option<String>,

    /// Bearer token for the download, sent to the host of `download-url` only
    #[arg(long, value_name = "TOKEN", hide = true)]
    download_token: Option<String>,

    /// Token by which the hook asks GitHub how the job ended (permission `actions: read`), so that entries become final.
    /// Default: the job's
    #[arg(long, value_name = "TOKEN", hide = true)]
    github_token: Option<String>,

    /// Fail the step if no verified program can run, instead of continuing without a cache
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        default_value = "false",
        hide = true
    )]
    fail_on_error: bool,
}

/// The inputs of the action.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "inputs of an action are switches")]
pub struct Inputs {
    /// What to cache: `cargo` (downloads and target directories), tools such as `cargo,npm`
    /// (docs/presets.md), `none`, or `auto`: `cargo` if there is a `Cargo.toml`
    #[arg(long, value_name = "LIST", default_value = "auto")]
    preset: Presets,

    /// Cargo workspaces, one per line, as `path` or `path -> target`, the target directory relative to the path
    #[arg(long, value_name = "LINES", default_value = ".")]
    workspaces: Lines<WorkspaceSpec>,

    /// Layers to use: any of `cargo`, `target`, `builds`, `paths` and `bins`. By default those that the
    /// other inputs require
    #[arg(long, value_name = "LIST", value_parser = Layers::from_str)]
    layers: Option<Layers>,

    /// Files and directories to cache, one per line, as in `actions/cache`: `~` is the home, `*` and `**` are
    /// patterns, `!` excludes
    #[arg(long, value_name = "LINES", default_value = "", hide_default_value = true)]
    path: String,

    /// Cache key: custom, or the `cache-key` output of another job. By default derived from lock file, toolchain,
    /// configuration and environment
    #[arg(long, value_name = "KEY")]
    key: Option<String>,

    /// Key prefixes to try when there is no exact match, one per line, best first. Generated keys have their own
    #[arg(long, value_name = "LINES", default_value = "", hide_default_value = true)]
    restore_keys: String,

    /// Additional files to hash into the key, one path or pattern per line, as in `path`
    #[arg(long, value_name = "LINES", default_value = "", hide_default_value = true)]
    key_files: String,

    /// Names of additional environment variables whose values to hash into the key
    #[arg(
        long,
        value_name = "NAMES",
        value_parser = Names::from_str,
        default_value = "",
        hide_default_value = true
    )]
    key_env: Names,

    /// Additional text to include in the key; a change invalidates all keys
    #[arg(long, value_name = "TEXT")]
    key_extra: Option<String>,

    /// File whose change invalidates all keys; it need not exist
    #[arg(long, value_name = "FILE", default_value = ".github/cache-trigger")]
    trigger_file: PathBuf,

    /// Build outputs to keep by commit, one path or pattern per line, such as `target/release/mytool`
    #[arg(long, value_name = "LINES", default_value = "", hide_default_value = true)]
    builds: String,

    /// Tools that the job installs with `cargo install`, such as `cargo-nextest, cargo-audit@0.21.0`: restored with
    /// cargo's record of them
    #[arg(
        long,
        value_name = "LIST",
        value_parser = Tools::from_str,
        default_value = "",
        hide_default_value = true
    )]
    cargo_bins: Tools,

    /// Jobs of one lane prefer each other's entries and fall back to other lanes. By default workflow, job id and
    /// matrix
    #[arg(long, value_name = "NAME")]
    lane: Option<String>,

    #[command(flatten)]
    root: Root,

    /// Use of the cache: `read` (restore only), `write` (restore and save), `write-only`, `none`, or `auto` (what the
    /// event allows). It never allows more than the event
    #[arg(long, value_name = "MODE", default_value = "auto", hide_possible_values = true)]
    cache_mode: CacheMode,

    /// When to save: `auto` (changes, after success or failure but not cancellation), `always` (also after an exact
    /// hit), `success` or `never`
    #[arg(long, value_name = "WHEN", default_value = "auto", hide_possible_values = true)]
    save: SaveMoment,

    /// Who saves after the job if no step does: `hook` (the runner's hook), `watch` (a process that waits for the job's
    /// end), `none`, or `auto`: the hook where it is installed
    #[arg(long, value_name = "WHO", default_value = "auto", hide_possible_values = true)]
    post: Post,

    #[command(flatten)]
    limits: Limits,

    /// What to do when the disk stays too full: `warn`, `fail` the step, or `off` (do not check)
    #[arg(long, value_name = "WHAT", default_value = "warn", hide_possible_values = true)]
    disk_guard: DiskGuard,

    /// How to transfer files: `reflink`, `hardlink` (files that tools replace rather than rewrite), `copy`, or
    /// `auto`: the first of hardlink, reflink and copy that is safe
    #[arg(long, value_name = "MODE", default_value = "auto", hide_possible_values = true)]
    link_mode: LinkMode,

    /// Reuse compiled units of the checkout whose inputs are unchanged. `false` compiles the whole workspace after
    /// each checkout
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        default_value = "true"
    )]
    freshness: bool,

    /// Compile workspace members incrementally: `true` and `false` set `CARGO_INCREMENTAL` for the job, `auto` leaves it
    /// to cargo (docs/cargo.md)
    #[arg(
        long,
        value_name = "WHEN",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        default_value = "auto",
        hide_possible_values = true
    )]
    incremental: Incremental,

    /// Isolate `CARGO_HOME` per job in `RUNNER_TEMP`, so parallel runners of one user do not contend
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        default_value = "false"
    )]
    isolate_cargo_home: bool,

    /// Additional parts of a target directory to save: any of `incremental`, `doc`, `package`, `tmp` and `unused` (all
    /// else that a build does not recreate)
    #[arg(long, value_name = "LIST", value_parser = Parts::from_str, default_value = "incremental")]
    keep_in_target: Parts,

    /// Largest executable of a test, benchmark or example to save, such as `500MB`, or `none`
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true, value_parser = MaxSize::from_str, default_value = "250MB")]
    max_test_size: MaxSize,

    /// Share compiled dependencies within the `repository`, the repositories of the `owner` or the `host`, or `off`;
    /// limited by the host policy
    #[arg(long, value_name = "WHO", default_value = "repository", hide_possible_values = true)]
    share: Share,

    /// Fail the step on a cache miss
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        default_value = "false"
    )]
    fail_on_cache_miss: bool,

    /// Report what would be restored, without restoring it
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        default_value = "false"
    )]
    lookup_only: bool,

    #[command(flatten)]
    install: Install,

    /// Set by the action: the status of the job. Without it a save assumes success
    #[arg(long, value_name = "STATUS", default_value = "success", hide = true)]
    job_status: JobStatus,

    /// Set by the action: a file with the token by which the hook asks GitHub how the job ended
    #[arg(long, value_name = "FILE", hide = true)]
    github_token_file: Option<PathBuf>,

    /// Set by the action: the job's matrix as JSON
    #[arg(long, value_name = "JSON", default_value = "null", value_parser = Matrix::from_str, hide = true)]
    matrix: Matrix,
}

impl Root {
    /// The root where nobody said one, and why; `None` where somebody did.
    pub fn chosen(&self, env: &Environment) -> Option<ChosenRoot> {
        (self.cache_root == Path::new(AUTO)).then(|| choose_root(env))
    }

    /// The directory, absolute. `~` stands for the home in `env`.
    pub fn directory(&self, env: &Environment) -> PathBuf {
        if let Some(chosen) = self.chosen(env) {
            return chosen.directory;
        }
        let home = env.get("HOME").map(PathBuf::from);
        let directory = match (self.cache_root.strip_prefix("~"), home) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => self.cache_root.clone(),
        };
        // Without a current directory a relative path leads nowhere, as the store will tell.
        std::path::absolute(&directory).unwrap_or(directory)
    }
}

impl Inputs {
    /// The inputs as settings.
    pub fn settings(&self, env: &Environment) -> Settings {
        // `key: |` in a workflow ends with a newline.
        let given = |text: &Option<String>| {
            text.as_ref().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        Settings {
            presets: self.preset.clone(),
            workspaces: self.workspaces.0.clone(),
            layers: self.layers.clone().map(|layers| layers.0).filter(|layers| !layers.is_empty()),
            path: parse_paths(&self.path),
            key: given(&self.key),
            restore_keys: parse_lines(&self.restore_keys),
            key_files: parse_paths(&self.key_files),
            key_env: self.key_env.0.clone(),
            key_extra: given(&self.key_extra),
            trigger_file: self.trigger_file.clone(),
            builds: parse_paths(&self.builds),
            cargo_bins: self.cargo_bins.0.clone(),
            lane: given(&self.lane),
            cache_root: self.root.directory(env),
            cache_mode: self.cache_mode,
            save: self.save,
            post: self.post,
            github_token_file: self.github_token_file.clone(),
            maintenance: Maintenance {
                access: self.root.root_access,
                policy: self.limits.policy(),
                disk_guard: self.disk_guard,
            },
            link_mode: self.link_mode,
            freshness: self.freshness,
            incremental: self.incremental,
            isolate_cargo_home: self.isolate_cargo_home,
            kept: Kept {
                executables: self.max_test_size.0.unwrap_or(u64::MAX),
                parts: self.keep_in_target.0.clone(),
            },
            share: self.share,
            fail_on_cache_miss: self.fail_on_cache_miss,
            lookup_only: self.lookup_only,
            matrix: self.matrix.0.clone(),
        }
    }

    /// The variables that the inputs set for the job. Its environment is to have them already now: keys are made of them.
    pub(super) fn variables(&self) -> Vec<(&'static str, &'static str)> {
        self.incremental.chosen().map(incremental_variable).into_iter().collect()
    }

    /// Takes back what the host's policy does not allow, and tells what.
    pub(super) fn narrow(&mut self, policy: &HostPolicy, is_actions: bool) -> Vec<String> {
        let mut told = Vec::new();
        let mut tell = |name: &str, given: String, why: &str, holds: String, most: &str| {
            told.push(format!(
                "input `{name}`: `{given}` {why}; using `{holds}`; hint: `{name}` in {HOST_POLICY}{most}"
            ));
        };
        let is_other = |root: &&PathBuf| **root != self.root.cache_root;
        if let Some(root) = policy.cache_root.as_ref().filter(is_other) {
            let given = std::mem::replace(&mut self.root.cache_root, root.clone());
            tell("cache-root", given.display().to_string(), NOT_SAID, root.display().to_string(), "");
        }
        if let Some(access) = policy.root_access.filter(|access| *access != self.root.root_access) {
            let given = std::mem::replace(&mut self.root.root_access, access);
            tell("root-access", name_of(&given), NOT_SAID, name_of(&access), "");
        }
        let most = policy.most_share(is_actions);
        if self.share > most {
            let given = std::mem::replace(&mut self.share, most);
            tell("share", name_of(&given), "exceeds the host policy", name_of(&most), " sets the limit");
        }
        told
    }

    /// See [`Root::chosen`].
    pub fn chosen_root(&self, env: &Environment) -> Option<ChosenRoot> {
        self.root.chosen(env)
    }

    /// How the job stands.
    pub fn job_status(&self) -> JobStatus {
        self.job_status
    }
}

fn name_of(value: &impl clap::ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

impl Limits {
    /// The limits as a policy.
    pub fn policy(&self) -> Policy {
        Policy {
            keep: self.keep.clone(),
            max_age: self.max_age.0,
            max_size: self.max_size.0,
            min_free: self.min_free,
            older_toolchains: false,
        }
    }
}
