//! What of the cache a job uses: reading, writing, both or neither.

use serde::Deserialize;

/// The names and meanings are GitHub's:
/// <https://github.blog/changelog/2026-09-10-control-github-actions-cache-access-with-cache-mode>
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum CacheMode {
    /// What the job's event lets it do.
    #[default]
    Auto,
    /// It restores, and saves nothing.
    Read,
    /// It restores and saves, where its event lets it.
    Write,
    /// It saves, and restores nothing.
    WriteOnly,
    /// Neither.
    None,
}

impl CacheMode {
    /// Whether the job may restore.
    pub fn reads(self) -> bool {
        !matches!(self, Self::WriteOnly | Self::None)
    }

    /// Whether the job may save.
    pub fn writes(self) -> bool {
        !matches!(self, Self::Read | Self::None)
    }

    /// What both allow.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self.reads() && other.reads(), self.writes() && other.writes()) {
            (true, true) => Self::Write,
            (true, false) => Self::Read,
            (false, true) => Self::WriteOnly,
            (false, false) => Self::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_forbids_the_other_does_not_give() {
        use CacheMode::{Auto, None, Read, Write, WriteOnly};
        for (one, other, both) in [
            (Auto, Auto, Write),
            (Auto, Read, Read),
            (Write, Read, Read),
            (WriteOnly, Auto, WriteOnly),
            (Read, WriteOnly, None),
            (None, Write, None),
        ] {
            assert_eq!((one.and(other), other.and(one)), (both, both), "{one:?}, {other:?}");
        }
    }
}
