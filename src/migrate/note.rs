//! What a person has to know of a file beside its new text.

use serde::Serialize;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::source::Source;

/// Something that has no counterpart, or is another thing than before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Note {
    /// The line in the file as it was, counted from one.
    pub line: usize,
    /// What is there, and what to do.
    pub text: String,
}

/// The notes in the order of their lines, with the same text once.
pub(super) fn joined(mut notes: Vec<Note>) -> Vec<Note> {
    notes.sort();
    notes.dedup();
    let mut by_text: BTreeMap<String, (usize, Vec<String>)> = BTreeMap::new();
    for Note { line, text } in notes {
        match by_text.entry(text) {
            Entry::Vacant(entry) => drop(entry.insert((line, Vec::new()))),
            Entry::Occupied(mut entry) => entry.get_mut().1.push(line.to_string()),
        }
    }
    let one = |(text, (line, others)): (String, (usize, Vec<String>))| match others.len() {
        0 => Note { line, text },
        1 => Note { line, text: format!("{text} (also line {})", others[0]) },
        _ => Note { line, text: format!("{text} (also lines {})", others.join(", ")) },
    };
    let mut notes: Vec<_> = by_text.into_iter().map(one).collect();
    notes.sort();
    notes
}

/// The notes of a file.
pub(super) struct Notes<'s, 't> {
    source: &'s Source<'t>,
    pub(super) notes: Vec<Note>,
}

impl<'s, 't> Notes<'s, 't> {
    pub(super) fn new(source: &'s Source<'t>) -> Self {
        Self { source, notes: Vec::new() }
    }

    /// Notes something at the byte `at`.
    pub(super) fn add(&mut self, at: usize, text: impl Into<String>) {
        self.notes.push(Note { line: self.source.line(at), text: text.into() });
    }

    /// The number of the line of the byte `at`.
    pub(super) fn line(&self, at: usize) -> usize {
        self.source.line(at)
    }
}
