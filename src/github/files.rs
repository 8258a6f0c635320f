//! The files in which a step leaves outputs, environment variables and its summary.

use std::path::{Path, PathBuf};

use super::Environment;
use crate::sys::{self, file};

/// Why a value could not be handed to the runner.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be written.
    #[error(transparent)]
    Sys(#[from] sys::Error),
}

/// The files that the runner named. One that it did not name takes nothing.
#[derive(Debug, Clone, Default)]
pub struct FileCommands {
    output: Option<PathBuf>,
    env: Option<PathBuf>,
    path: Option<PathBuf>,
    summary: Option<PathBuf>,
}

impl FileCommands {
    /// The files named in `env`.
    pub fn new(env: &Environment) -> Self {
        let path = |name| env.get(name).map(PathBuf::from);
        Self {
            output: path("GITHUB_OUTPUT"),
            env: path("GITHUB_ENV"),
            path: path("GITHUB_PATH"),
            summary: path("GITHUB_STEP_SUMMARY"),
        }
    }

    /// Sets outputs of the step.
    pub fn set_outputs(&self, values: &[(&str, String)]) -> Result<(), Error> {
        append(self.output.as_ref(), values)
    }

    /// Sets environment variables of the job's later steps.
    pub fn set_env(&self, values: &[(&str, String)]) -> Result<(), Error> {
        append(self.env.as_ref(), values)
    }

    /// Lets the job's later steps find programs in `directory` first.
    pub fn add_path(&self, directory: &Path) -> Result<(), Error> {
        match &self.path {
            Some(path) => Ok(file::append(path, &format!("{}\n", directory.display()))?),
            None => Ok(()),
        }
    }

    /// Adds Markdown to the step's summary.
    pub fn add_summary(&self, markdown: &str) -> Result<(), Error> {
        match &self.summary {
            Some(path) => Ok(file::append(path, markdown)?),
            None => Ok(()),
        }
    }
}

fn append(path: Option<&PathBuf>, values: &[(&str, String)]) -> Result<(), Error> {
    let Some(path) = path else { return Ok(()) };
    let mut text = String::new();
    for (name, value) in values {
        text.push_str(&assignment(name, value, sys::random()?));
    }
    Ok(file::append(path, &text)?)
}

/// `name=value`, or the form with a delimiter where the value has several lines. The delimiter is random, so that no
/// value can end it.
fn assignment(name: &str, value: &str, random: u32) -> String {
    if value.contains(['\n', '\r']) {
        format!("{name}<<runner_cache_{random:08x}\n{value}\nrunner_cache_{random:08x}\n")
    } else {
        format!("{name}={value}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_several_lines_cannot_set_another_name() {
        assert_eq!(assignment("a", "x", 1), "a=x\n");
        assert_eq!(assignment("a", "x\nb=y", 1), "a<<runner_cache_00000001\nx\nb=y\nrunner_cache_00000001\n");
    }
}
