//! What must not happen.

use std::fmt;

/// The test fails with this.
#[derive(Debug)]
pub(crate) enum Wrong {
    /// A tree that is not what was saved.
    Corrupt(String),
    /// Something of a job that is gone, though nobody wanted that.
    Lost(String),
    /// A command that did not do what it should.
    Failed(String),
}

impl Wrong {
    /// Its name among the figures.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Corrupt(_) => "corrupt",
            Self::Lost(_) => "lost",
            Self::Failed(_) => "failed",
        }
    }

    /// With `where_` before its text.
    pub(crate) fn at(self, place: impl fmt::Display) -> Self {
        match self {
            Self::Corrupt(what) => Self::Corrupt(format!("{place}: {what}")),
            Self::Lost(what) => Self::Lost(format!("{place}: {what}")),
            Self::Failed(what) => Self::Failed(format!("{place}: {what}")),
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Corrupt(what) | Self::Lost(what) | Self::Failed(what)) = self;
        write!(f, "{}: {what}", self.kind())
    }
}
