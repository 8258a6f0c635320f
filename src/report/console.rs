//! Where messages for people go: standard error, in the runner's form when a runner reads it. Where nobody can read them
//! (a closed pipe, a full disk), the work goes on all the same.

use std::fmt::Display;
use std::io::{self, Write};

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

    /// Whether it is the log of a step.
    pub(super) fn is_actions(self) -> bool {
        self.is_actions
    }

    /// Gives the result of a command that was run for it, on standard output.
    pub fn print(self, text: impl Display) {
        let text = text.to_string();
        write(io::stdout(), if self.is_actions { defuse(&text) } else { text });
    }

    /// Gives a result for a program to read, as it is.
    pub fn print_data(self, text: impl Display) {
        write(io::stdout(), text);
    }

    /// Tells something.
    pub fn say(self, text: impl Display) {
        let text = text.to_string();
        write(io::stderr(), if self.is_actions { defuse(&text) } else { text });
    }

    /// Tells something that a runner folds behind `title`.
    pub(super) fn say_in_group(self, title: &str, text: impl Display) {
        if !self.is_actions {
            return self.say(text);
        }
        let text = defuse(&text.to_string());
        // By one call, so that nobody else's lines get into it.
        write(io::stderr(), format_args!("{}\n{text}\n{}", Command::Group(title), Command::EndGroup));
    }

    /// Tells of trouble that does not fail the job.
    pub fn warn(self, text: impl Display) {
        if self.is_actions {
            write(io::stderr(), Command::Warning(&text.to_string()));
        } else {
            write(io::stderr(), format_args!("warning: {text}"));
        }
    }

    /// Tells why the command fails.
    pub fn error(self, text: impl Display) {
        if self.is_actions {
            write(io::stderr(), Command::Error(&text.to_string()));
        } else {
            write(io::stderr(), format_args!("error: {text}"));
        }
    }
}

fn write(mut to: impl Write, line: impl Display) {
    // By one call, or lines of processes that run at once would mix, and a killed one's would end anywhere.
    let _ = to.write_all(format!("{line}\n").as_bytes());
}
