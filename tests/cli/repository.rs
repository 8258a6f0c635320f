//! A repository and its jobs, each compared with a job in a fresh checkout without the cache.

use std::collections::BTreeMap;
use std::fs;

use test_support::Job;

use crate::PROGRAM;

/// Files of a checkout, by their paths.
type Files = BTreeMap<&'static str, &'static str>;

/// The manifest of a package `app`.
pub(crate) const APP: &str = "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";
/// That of a workspace around it.
pub(crate) const WORKSPACE: &str = "[workspace]\nresolver = \"2\"\nmembers = [\"app\"]\n";
/// A program that says what its script tells it.
pub(crate) const SAYS: &str = "fn main() { println!(\"{}\", env!(\"V\")) }\n";

pub(crate) const HERE: &str = "work/project";
pub(crate) const THERE: &str = "elsewhere/project";
pub(crate) const RUN: &str = "cargo run -q --offline";

/// A repository whose jobs are runs of `probe`, of which the exit code and what it prints count.
pub(crate) struct Repository {
    pub(crate) job: Job,
    files: Files,
    pub(crate) probe: &'static str,
}

impl Repository {
    pub(crate) fn new(files: &[(&'static str, &'static str)], probe: &'static str) -> Self {
        let job = Job::new(PROGRAM);
        let mut files: Files = files.iter().copied().collect();
        files.entry("Cargo.toml").or_insert(APP);
        Self { job, files, probe }
    }

    /// Changes a file, or without a text removes it.
    pub(crate) fn edit(&mut self, path: &'static str, text: Option<&'static str>) {
        match text {
            Some(text) => self.files.insert(path, text),
            None => self.files.remove(path),
        };
    }

    /// Lays out a fresh checkout in `project`, where the job is from now on.
    pub(crate) fn check_out(&mut self, project: &str) {
        if self.job.path(project).exists() {
            self.job.remove(project);
        }
        for (path, text) in &self.files {
            self.job.write(&format!("{project}/{path}"), text);
        }
        if self.job.path("temp").exists() {
            self.job.remove("temp");
        }
        fs::create_dir(self.job.path("temp")).unwrap();
        self.job.move_to(project);
    }

    fn probe(&self) -> String {
        self.job.sh(&format!(
            "{{ {}; }} >../../said 2>../../errors && echo ok >>../../said || echo failed >>../../said",
            self.probe
        ));
        self.job.read("said")
    }

    /// A job in a fresh checkout in `project`: what it says, and what the restore told.
    pub(crate) fn run(&mut self, project: &str) -> (String, String) {
        self.check_out(project);
        let log = self.job.ok(&["restore"]).log;
        let said = self.probe();
        self.job.ok(&["save"]);
        (said, log)
    }

    /// The same without the cache.
    fn run_clean(&mut self, project: &str) -> String {
        self.check_out(project);
        self.probe()
    }

    /// Fails unless a job in `project` gives what it gives without the cache, and tells what that is.
    pub(crate) fn assert_true(&mut self, project: &str) -> String {
        let (said, log) = self.run(project);
        let clean = self.run_clean(project);
        assert_eq!(said, clean, "{log}\n{}", self.job.read("errors"));
        clean
    }
}

/// The program of `files` says something else after `path` has become `text`.
pub(crate) fn assert_change_is_seen(
    about: &str,
    files: &[(&'static str, &'static str)],
    path: &'static str,
    text: &'static str,
) {
    let mut repository = Repository::new(files, RUN);
    let before = repository.run(HERE).0;
    repository.edit(path, Some(text));
    let after = repository.assert_true(HERE);
    assert_ne!(before, after, "{about}: the case is about something");
}

/// The program says what the tool at `path` says, below the job's directory, also after that has become another one.
pub(crate) fn assert_tool_is_seen(repository: &mut Repository, path: &str) {
    for version in ["one", "two"] {
        repository.job.write(path, &format!("#!/bin/sh\necho {version}\n"));
        repository.check_out(HERE);
        repository.job.sh(&format!("chmod +x ../../{path}"));
        assert_eq!(repository.run(HERE).0, format!("{version}\nok\n"));
    }
}
