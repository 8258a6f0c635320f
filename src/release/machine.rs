//! The kinds of machines that there are binaries for.

use std::env::consts::ARCH;

/// A kind of machine, with Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Machine {
    /// Intel's and AMD's.
    #[value(name = "x86_64", aliases = ["x64", "amd64"])]
    X86,
    /// Arm's.
    #[value(name = "aarch64", aliases = ["arm64"])]
    Arm,
}

impl Machine {
    /// That of this process.
    pub fn this() -> Option<Self> {
        [Self::X86, Self::Arm].into_iter().find(|machine| machine.name() == ARCH)
    }

    fn name(self) -> &'static str {
        match self {
            Self::X86 => "x86_64",
            Self::Arm => "aarch64",
        }
    }

    /// As a release names it.
    pub(super) fn target(self) -> String {
        format!("{}-linux", self.name())
    }

    /// As `actions/tool-cache` names it.
    pub(super) fn in_tool_cache(self) -> &'static str {
        match self {
            Self::X86 => "x64",
            Self::Arm => "arm64",
        }
    }
}
