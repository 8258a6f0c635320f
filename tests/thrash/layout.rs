//! The two kinds of trees: a listed path, and a target directory of cargo.

/// The name of the file by which a target directory is told from others.
pub(crate) const TAG: &str = "CACHEDIR.TAG";

/// What is cached, and how a restore treats what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// The layer `paths`: a restore into what is there adds and replaces, and other files stay.
    Path,
    /// The layer `target`: a restore into what is there makes it equal to the entry. Some of its files share their inodes
    /// with entries.
    Target,
}

impl Layout {
    pub(crate) const ALL: [Self; 2] = [Self::Path, Self::Target];

    /// The inputs that say what is cached.
    pub(crate) fn inputs(self) -> &'static [&'static str] {
        match self {
            Self::Path => &["--preset", "none", "--path", "tree"],
            Self::Target => &["--layers", "target"],
        }
    }

    /// The name of its workspace in the directory of a worker.
    pub(crate) fn workspace(self) -> &'static str {
        match self {
            Self::Path => "plain",
            Self::Target => "cargo",
        }
    }

    /// The directories that each tree has. Cargo's decide which files may share their inode with an entry.
    pub(crate) fn directories(self) -> &'static [&'static str] {
        match self {
            Self::Path => &["a", "a/b", "a/b/c", "other directory", "umlaut-ä"],
            Self::Target => &[
                "debug",
                "debug/.fingerprint/small-1",
                "debug/build/small-1/out",
                "debug/deps",
                "debug/incremental/small-1/s-1",
            ],
        }
    }
}
