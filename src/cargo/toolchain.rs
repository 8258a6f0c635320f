//! The compiler that a workspace uses.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::sys::{self, file};

/// Names of the file with which a folder chooses its toolchain. <https://rust-lang.github.io/rustup/overrides.html>
const TOOLCHAIN_FILES: [&str; 2] = ["rust-toolchain.toml", "rust-toolchain"];

/// A compiler, as far as its output depends on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Toolchain {
    /// What `rustc -vV` says; `None` when there is no rustc yet.
    pub version: Option<String>,
    /// The toolchain file's name and contents.
    pub file: Option<(String, Vec<u8>)>,
}

impl Toolchain {
    /// Asks for the toolchain of the folder `workspace`. Nothing is installed by asking.
    pub fn of(workspace: &Path) -> sys::Result<Self> {
        let mut choice = None;
        for name in TOOLCHAIN_FILES {
            if choice.is_none() {
                choice =
                    file::read_if_present(&workspace.join(name))?.map(|contents| (name.to_owned(), contents));
            }
        }
        Ok(Self { version: ask_rustc(workspace), file: choice })
    }

    /// The release, such as `1.95.0` or `1.97.0-nightly`.
    pub fn release(&self) -> Option<&str> {
        self.version.as_ref()?.lines().find_map(|line| line.strip_prefix("release: "))
    }
}

fn ask_rustc(workspace: &Path) -> Option<String> {
    let output = Command::new("rustc")
        .arg("-vV")
        .current_dir(workspace)
        // A step before the one that installs the toolchain must not do that step's work.
        .env("RUSTUP_AUTO_INSTALL", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    if !output.status.success() {
        return None;
    }
    String::from_utf8(output.stdout).ok()
}
