//! The compiler that a workspace uses.

use std::path::Path;

use super::ask::{ask, command};
use super::toolchain_file::toolchain_file;
use crate::github::Environment;
use crate::sys;

/// A compiler, as far as its output depends on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Toolchain {
    /// What `rustc -vV` says; `None` when there is no rustc yet.
    pub version: Option<String>,
    /// The toolchain file's name and contents.
    pub file: Option<(String, Vec<u8>)>,
}

impl Toolchain {
    /// Asks for the toolchain of the directory `workspace`. Nothing is installed by asking.
    pub fn of(workspace: &Path, env: &Environment) -> sys::Result<Self> {
        let rustc = command("rustc", workspace, env);
        let version = rustc.and_then(|mut rustc| ask(rustc.arg("-vV"), env));
        Ok(Self { version, file: toolchain_file(workspace)? })
    }

    /// The release, such as `1.95.0` or `1.97.0-nightly`.
    pub fn release(&self) -> Option<&str> {
        self.version.as_ref()?.lines().find_map(|line| line.strip_prefix("release: "))
    }
}
