//! What a worker asks the program for.

/// A command of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Restore,
    Save,
    Gc,
    Remove,
    Verify,
    List,
    Du,
    Flush,
}

impl Action {
    pub(crate) const COUNT: usize = 8;

    /// The word on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Restore => "restore",
            Self::Save => "save",
            Self::Gc => "gc",
            Self::Remove => "remove",
            Self::Verify => "verify",
            Self::List => "list",
            Self::Du => "du",
            Self::Flush => "flush",
        }
    }
}
