//! A history as a bash script: what the judge runs, step by step, and what a person can run.

use std::fmt::Write;

use crate::files::{self, Files};
use crate::history::{Checkout, Clock, Command, History, Job, Step};
use crate::project::Project;

/// What all steps begin with.
const PRELUDE: &str = include_str!("prelude.sh");

/// Which jobs are compared with a clean build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compared {
    All,
    /// The last step's.
    Last,
}

/// A script in parts.
#[derive(Debug)]
pub(crate) struct Script {
    /// What each step needs: functions and the project's own steps.
    pub(crate) head: String,
    /// One of each step of the history.
    pub(crate) steps: Vec<String>,
}

impl Script {
    pub(crate) fn of(history: &History, compared: Compared) -> Self {
        let mut project = Project::new(history);
        let head = format!("{PRELUDE}\n{}", of_project(&project));
        // The repository's working tree is of one branch at a time, and other repositories have only one.
        let mut tree = Files::new();
        let mut jobs = 0;
        let mut steps = Vec::new();
        for (number, step) in history.steps.iter().enumerate() {
            steps.push(match step {
                Step::Commit { branch, changes } => {
                    let before = on_branch(project.files(*branch), &tree);
                    project.commit(*branch, changes, history.is_lean);
                    let after = project.files(*branch).expect("there is a commit").clone();
                    let difference = files::difference(&before, &after);
                    tree = after;
                    format!("on {}\n{difference}commit 'commit {number}'\n", branch.name())
                }
                Step::Back { branch } if project.back(*branch) => {
                    tree = on_branch(project.files(*branch), &tree);
                    format!("on {}\nback\n", branch.name())
                }
                Step::Back { .. } => String::new(),
                Step::Gone { place } => format!("rm -rf \"$LAB/{}\"\n", place_name(*place)),
                Step::Job(job) => {
                    jobs += 1;
                    let is_compared = compared == Compared::All || number + 1 == history.steps.len();
                    of_job(job, jobs, is_compared, &project)
                }
            });
        }
        Self { head, steps }
    }

    /// All of it, for a person.
    pub(crate) fn whole(&self, history: &History) -> String {
        let mut text = format!(
            "#!/bin/bash\n# Seed {}, shapes {}.\n# RC=PROGRAM LAB=ABSENT-DIRECTORY bash THIS: 0 right, 1 a job is stale, 2 it does not run here.\n{}",
            history.seed,
            history.shapes.join(", "),
            self.head
        );
        for step in &self.steps {
            write!(text, "\n{step}").unwrap();
        }
        text + "\necho ok\n"
    }
}

/// The files of a branch when it is checked out where `tree` was.
fn on_branch(branch: Option<&Files>, tree: &Files) -> Files {
    let is_apart = |path: &str| path.starts_with("../");
    let own = branch.into_iter().flatten().filter(|(path, _)| !is_apart(path));
    let apart = tree.iter().filter(|(path, _)| is_apart(path));
    own.chain(apart).map(|(path, node)| (path.clone(), node.clone())).collect()
}

/// Functions and variables that hold for the whole history.
fn of_project(project: &Project) -> String {
    let of_parts = |name: &str, of: fn(&crate::shape::Shape) -> &'static str| {
        let mut body = String::new();
        for part in &project.parts {
            let lines = of(part.shape);
            if !lines.is_empty() {
                writeln!(body, "  {}", part.text(lines)).unwrap();
            }
        }
        format!("{name}() {{\n{body}  :\n}}\n")
    };
    let mut programs = [String::new(), String::new()];
    for part in &project.parts {
        for (body, profile) in programs.iter_mut().zip(["debug", "release"]) {
            for name in part.shape.programs {
                writeln!(body, "  program target/{profile}/{name}").unwrap();
            }
        }
    }
    let [debug, release] = programs;
    let workspaces: Vec<_> = project.workspaces().into_iter().map(|path| format!("'{path}'")).collect();
    format!(
        "WORKSPACES=({})\n{}{}{}{}programs() {{\n{debug}  :\n}}\nreleased_programs() {{\n{release}  :\n}}\n",
        workspaces.join(" "),
        of_parts("before", |shape| shape.before),
        of_parts("steps", |shape| shape.steps),
        of_parts("probe", |shape| shape.probe),
        of_parts("probe_release", |shape| shape.release_probe),
    )
}

fn place_name(place: u8) -> String {
    format!("place-{}", place + 1)
}

fn of_job(job: &Job, number: usize, is_compared: bool, project: &Project) -> String {
    let options = job.options;
    let mut flags = vec![format!("--workspaces \"$(printf '%s\\n' \"${{WORKSPACES[@]}}\")\"")];
    for (is_set, flag) in [
        (!options.has_freshness, "--freshness=false"),
        (!options.has_pool, "--share off"),
        (options.keeps_all, "--keep-in-target incremental,doc,package,tmp,unused"),
    ] {
        if is_set {
            flags.push(flag.to_owned());
        }
    }
    let mut text = format!(
        "JOB={number} RUNNER=r{} PLACE={} BRANCH={} LANE=lane-{}\nFLAGS=({})\nVARIABLES=(CARGO_INCREMENTAL={})\nwork() {{\n",
        job.runner + 1,
        place_name(job.place),
        project.branch(job.branch).name(),
        job.lane + 1,
        flags.join(" "),
        u8::from(options.is_incremental),
    );
    for (index, command) in job.commands.iter().enumerate() {
        let words = words(*command, project);
        match job.killed_after {
            Some(messages) if index == 0 => writeln!(text, "  killed {messages} cargo {words}").unwrap(),
            Some(_) => {}
            None => writeln!(text, "  {}", observed(*command, &words)).unwrap(),
        }
    }
    text.push_str("}\nbegin\n");
    let checkout = match job.checkout {
        Checkout::Clone => "clone",
        Checkout::Clean => "clean",
        Checkout::Keep => "keep",
    };
    writeln!(text, "check_out {checkout}").unwrap();
    if job.clock == Clock::OldSources {
        text.push_str("old_sources\n");
    }
    text.push_str("restore\nobserve cached\n");
    if is_compared && job.killed_after.is_none() {
        text.push_str("judge\n");
    }
    if job.clock == Clock::WasAhead {
        text.push_str("from_the_future\n");
    }
    if job.saves {
        let status = if job.killed_after.is_some() { "failure" } else { "\"$(status)\"" };
        writeln!(text, "save {status}").unwrap();
    }
    text
}

/// Cargo's words.
fn words(command: Command, project: &Project) -> String {
    match command {
        Command::Build => "build --workspace".to_owned(),
        Command::Release => "build --workspace --release".to_owned(),
        Command::Check => "check --workspace --all-targets".to_owned(),
        Command::Test => "test --workspace --no-fail-fast".to_owned(),
        Command::Clippy => "clippy --workspace --all-targets".to_owned(),
        Command::Doc => "doc --workspace --no-deps".to_owned(),
        Command::Run => match project.parts.iter().find_map(|part| part.shape.programs.first()) {
            Some(program) => format!("run --bin {program}"),
            None => "build --workspace".to_owned(),
        },
    }
}

/// A command that ends the job where it fails, and then what it made.
fn observed(command: Command, words: &str) -> String {
    let more = match command {
        Command::Build => "; programs; probe",
        Command::Release => "; released_programs; probe_release",
        Command::Doc => "; pages",
        Command::Check | Command::Test | Command::Clippy | Command::Run => "",
    };
    format!("cargo_ {words} || return{more}")
}
