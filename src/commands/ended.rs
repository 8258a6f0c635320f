//! How a command ended, and what it did.

use crate::job::Exit;
use crate::outcome::Done;

/// The end of a command.
#[derive(Debug)]
pub struct Ended {
    /// How the process is to end.
    pub exit: Exit,
    /// What it did; nothing where it could not even begin.
    pub done: Option<Done>,
}

impl Ended {
    /// It did nothing.
    pub(super) fn early(exit: Exit) -> Self {
        Self { exit, done: None }
    }

    /// It did this.
    pub(super) fn with(exit: Exit, done: Done) -> Self {
        Self { exit, done: Some(done) }
    }
}
