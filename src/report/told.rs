//! What a command tells in the log: a line for each thing, and what there is to know besides, which the runner folds.

use super::console::Console;

/// What is told of one thing, such as a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What everybody reads.
    pub line: String,
    /// Which thing it is, as the line has it.
    pub(super) of: String,
    /// What else there is to know, line by line.
    pub details: Vec<String>,
}

/// Blanks before what belongs to the line above.
const INDENT: &str = "        ";

impl Told {
    /// A line that says all.
    pub(super) fn line(line: impl Into<String>) -> Self {
        Self { line: line.into(), of: String::new(), details: Vec::new() }
    }
}

/// The log of a terminal: details below their line.
pub fn as_text(told: &[Told]) -> String {
    let lines = told.iter().flat_map(|told| {
        let details = told.details.iter().map(|detail| format!("{INDENT}{detail}"));
        std::iter::once(told.line.clone()).chain(details)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The details of all by themselves, each with what it is of.
fn details(told: &[Told]) -> String {
    let lines = told.iter().flat_map(|told| {
        told.details.iter().enumerate().map(|(index, detail)| {
            let of = if index == 0 { &*told.of } else { "" };
            format!("{of:<7} {detail}")
        })
    });
    lines.collect::<Vec<_>>().join("\n")
}

impl Console {
    /// Tells all of it: to a runner the lines, and the details in a group that it folds.
    pub fn tell(self, told: &[Told], group: &str) {
        if !self.is_actions() {
            return self.say(as_text(told));
        }
        let lines: Vec<_> = told.iter().map(|told| told.line.as_str()).collect();
        self.say(lines.join("\n"));
        let details = details(told);
        if !details.is_empty() {
            self.say_in_group(group, details);
        }
    }
}
