//! What a plan is made from, besides settings: values that the room `facts` gathers.

use std::path::PathBuf;

use super::cache_mode::CacheMode;
use super::preset::PresetPath;
use crate::cargo::{CargoHome, InstallRoot, Toolchain, Workspace};
use crate::github::Context;

/// A file's label for people (its path, relative where it can be) and the SHA-256 of its contents in hexadecimal.
pub type FileDigest = (String, String);

/// The facts of a job.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The operating system, such as `linux`.
    pub os: String,
    /// The processor, such as `x86_64`.
    pub arch: String,
    /// What the runner says.
    pub context: Context,
    /// What the host's policy lets the job do.
    pub host_mode: CacheMode,
    /// The directory to which paths are relative: absolute.
    pub directory: PathBuf,
    /// What `~` stands for.
    pub home: Option<PathBuf>,
    /// Cargo's home.
    pub cargo_home: Option<CargoHome>,
    /// Where cargo installs tools; nothing where none are asked for.
    pub install_root: Option<InstallRoot>,
    /// The workspaces that are there, each with the name that the user gave it.
    pub workspaces: Vec<(String, Workspace)>,
    /// The compiler of the first workspace.
    pub toolchain: Toolchain,
    /// The system's name and version, such as `ubuntu 24.04`.
    pub system: Option<String>,
    /// Environment variables that change the output, and what the presets' tools say of their versions.
    pub variables: Vec<(String, String)>,
    /// Cargo's configuration files, and the path of its home.
    pub config: Vec<FileDigest>,
    /// Lock files, or manifests of workspaces without one.
    pub lock: Vec<FileDigest>,
    /// What the presets cache that files describe.
    pub preset_paths: Vec<PresetPath>,
    /// Presets of which a path was left out, each with the variable that is not set.
    pub unset: Vec<(String, String)>,
    /// What `key-files` matches, and the variables that `key-env` names, each with the SHA-256 of its value. The user says that
    /// builds are made of them, whether anything tells or not.
    pub declared: Vec<FileDigest>,
    /// The presets' files.
    pub key_files: Vec<FileDigest>,
    /// The file whose change starts all keys anew.
    pub trigger: Option<FileDigest>,
    /// The commit that is checked out in each workspace; none at all where one of them is not known or has changes.
    pub commits: Vec<(String, String)>,
}
