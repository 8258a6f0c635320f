//! A workflow's cache steps in this action's words: text in, text and notes out. Nothing here reads a file.
//!
//! A file is changed where it must be and nowhere else: the tree of its YAML tells *where* things stand, and each change
//! replaces bytes of the text. A step becomes another only if both mean the same; all others stay, and a [`Note`] says why.

mod actions_cache;
mod advice;
mod cargo_paths;
mod expression;
mod job;
mod note;
mod plan;
mod runner;
mod rust_cache;
mod script;
mod scripts;
mod source;
mod step_edit;
#[cfg(test)]
mod tests;
mod workflow;
mod yaml;

pub use note::Note;
pub use yaml::Unreadable;

use note::Notes;
use source::{Edits, Source};

/// A file as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// The new text, the same as the old one where nothing changes.
    pub text: String,
    /// What a person has to know, by lines.
    pub notes: Vec<Note>,
    /// Whether the file is a workflow or a composite action at all.
    pub has_steps: bool,
}

/// Rewrites the cache steps in `text`, which is a workflow or a composite action. `files` gives the text of a local action
/// by the path that a step names; `is_hosted_meant` includes jobs that run on GitHub's own runners.
pub fn migrate(
    text: &str,
    files: &dyn Fn(&str) -> Option<String>,
    is_hosted_meant: bool,
) -> Result<Migration, Unreadable> {
    let documents = yaml::parse(text)?;
    let source = Source::new(text);
    let mut edits = Edits::default();
    let mut notes = Vec::new();
    let jobs = workflow::jobs(&documents);
    for job in &jobs {
        let mut of_job = Notes::new(&source);
        edits.add(job::migrate(&source, job, files, is_hosted_meant, &mut of_job));
        notes.extend(of_job.notes);
    }
    let notes = note::joined(notes);
    let text = edits.apply(text);
    // Whatever the text was like: what comes out can be read.
    yaml::parse(&text)?;
    Ok(Migration { text, notes, has_steps: !jobs.is_empty() })
}
