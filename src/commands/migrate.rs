//! `migrate`: shows or writes workflows with their cache steps in this action's words.

use std::path::{Path, PathBuf};

use super::ended::Ended;
use crate::job::{Exit, Job, chain};
use crate::migrate::{Migration, Note, migrate};
use crate::outcome::{Done, Migrated, MigratedFile};
use crate::report::difference;
use crate::sys::file;

/// A file that can be read.
struct Read<'p> {
    path: &'p Path,
    old: String,
    migration: Migration,
}

/// The command. All files are read before one is written.
pub(super) fn run(job: &Job, paths: &[PathBuf], is_to_write: bool, is_hosted_meant: bool) -> Ended {
    let mut files = Vec::new();
    for path in paths {
        match Read::new(path, is_hosted_meant) {
            Ok(file) => files.push(file),
            Err(why) => job.error(why),
        }
    }
    if files.len() < paths.len() {
        if is_to_write {
            job.console.say("nothing was written");
        }
        return Ended::early(Exit::Failure);
    }
    let files: Vec<_> = files.into_iter().map(|file| file.finish(job, is_to_write)).collect();
    let is_any = |outcome| files.iter().any(|file| file.outcome == outcome);
    if is_any(Migrated::Shown) {
        job.console.say("nothing was written; hint: `--write` writes what is shown");
    }
    let exit = if is_any(Migrated::NotWritten) { Exit::Failure } else { Exit::Success };
    Ended::with(exit, Done::Migrate(files))
}

impl<'p> Read<'p> {
    /// Reads the file at `path`, or tells why it cannot.
    fn new(path: &'p Path, is_hosted_meant: bool) -> Result<Self, String> {
        let shown = path.display();
        let bytes = file::read(path).map_err(|error| chain(&error))?;
        let old = String::from_utf8(bytes)
            .map_err(|_| format!("{shown}: it is not UTF-8; hint: convert it first"))?;
        let actions = |uses: &str| action(path, uses);
        let migration = migrate(&old, &actions, is_hosted_meant).map_err(|error| {
            format!("{shown}:{}: not YAML: {error}; hint: correct the line first", error.line)
        })?;
        Ok(Self { path, old, migration })
    }

    /// Tells of the file what a person has to know, and writes it where that is wanted.
    fn finish(self, job: &Job, is_to_write: bool) -> MigratedFile {
        let path = self.path.display();
        for Note { line, text } in &self.migration.notes {
            job.console.say(format!("{path}:{line}: {text}"));
        }
        let outcome = if !self.migration.has_steps {
            job.console
                .say(format!("{path}: nothing to rewrite: it is neither a workflow nor a composite action"));
            Migrated::Unchanged
        } else if self.old == self.migration.text {
            job.console.say(format!("{path}: nothing to rewrite"));
            Migrated::Unchanged
        } else if is_to_write {
            match file::replace(self.path, self.migration.text.as_bytes()) {
                Ok(()) => {
                    job.console.say(format!("{path}: rewritten"));
                    Migrated::Written
                }
                Err(error) => {
                    job.error(chain(&error));
                    Migrated::NotWritten
                }
            }
        } else {
            Migrated::Shown
        };
        MigratedFile {
            path: self.path.to_path_buf(),
            outcome,
            diff: self.diff(),
            notes: self.migration.notes,
        }
    }

    /// Empty where nothing changes.
    fn diff(&self) -> String {
        let name = self.path.display().to_string();
        difference(&name, &self.old, &name, &self.migration.text)
    }
}

/// The text of the local action that the workflow at `path` uses by `uses`, a path in its repository.
fn action(path: &Path, uses: &str) -> Option<String> {
    let path = file::canonicalize(path).ok()?;
    let repository = path.ancestors().find(|above| file::is_dir(&above.join(".github")))?;
    let directory = file::normal(&repository.join(uses));
    let mut texts =
        ["action.yml", "action.yaml"].iter().filter_map(|name| file::read(&directory.join(name)).ok());
    String::from_utf8(texts.next()?).ok()
}
