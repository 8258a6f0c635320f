//! Where messages for people go: standard error, in the runner's form when a runner reads it.

use std::fmt::Display;

use crate::github::command::{Command, defuse};

/// The log.
#[derive(Debug, Clone, Copy)]
pub struct Console {
    is_actions: bool,
}

impl Console {
    /// The log of a step (`is_actions`), or a terminal.
    pub fn new(is_actions: bool) -> Self {
        Self { is_actions }
    }

    /// Tells something.
    #[expect(clippy::print_stderr, reason = "this is the one place for it")]
    pub fn say(self, text: impl Display) {
        let text = text.to_string();
        eprintln!("{}", if self.is_actions { defuse(&text) } else { text });
    }

    /// Tells of trouble that does not fail the job.
    #[expect(clippy::print_stderr, reason = "this is the one place for it")]
    pub fn warn(self, text: impl Display) {
        let text = text.to_string();
        if self.is_actions {
            eprintln!("{}", Command::Warning(&text));
        } else {
            eprintln!("warning: {text}");
        }
    }

    /// Tells why the command fails.
    #[expect(clippy::print_stderr, reason = "this is the one place for it")]
    pub fn error(self, text: impl Display) {
        let text = text.to_string();
        if self.is_actions {
            eprintln!("{}", Command::Error(&text));
        } else {
            eprintln!("error: {text}");
        }
    }
}
