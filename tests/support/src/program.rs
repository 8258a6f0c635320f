//! A run of the program in a job, and what it said.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

use crate::job::Job;

/// Files of the step, by the variables that name them.
const STEP_FILES: [(&str, &str); 4] = [
    ("GITHUB_OUTPUT", "output"),
    ("GITHUB_ENV", "env"),
    ("GITHUB_PATH", "path"),
    ("GITHUB_STEP_SUMMARY", "summary"),
];

/// What a run of the program said and left.
#[derive(Debug)]
pub struct Said {
    /// Exit code; as a shell tells it, 128 and the signal's number for one that a signal ended.
    pub code: i32,
    /// Standard error.
    pub log: String,
    /// Standard output.
    pub stdout: String,
    /// Outputs of the step.
    pub outputs: BTreeMap<String, String>,
    /// Variables for later steps.
    pub env: BTreeMap<String, String>,
    /// The step's summary.
    pub summary: String,
}

impl Said {
    /// Whether it ended as if all were well.
    pub fn is_success(&self) -> bool {
        self.code == 0
    }

    /// Whether a signal of this number ended it.
    pub fn was_ended_by(&self, signal: i32) -> bool {
        self.code == 128 + signal
    }

    /// Number of warnings.
    pub fn warnings(&self) -> usize {
        self.log.matches("::warning").count()
    }

    /// Whether a layer made a new entry.
    pub fn has_saved(&self) -> bool {
        self.log.lines().any(|line| line.split_whitespace().nth(1) == Some("saved"))
    }

    /// How well the key of the target layer was served; empty where a restore did not come to tell.
    pub fn hit(&self) -> &str {
        self.outputs.get("target-hit").map_or("", String::as_str)
    }
}

impl Job {
    /// The program with these arguments, not started yet.
    pub fn command(&self, args: &[&str]) -> Command {
        self.command_under(&[], args)
    }

    /// The same under another program: `wrapper` is that with its own arguments.
    fn command_under(&self, wrapper: &[&str], args: &[&str]) -> Command {
        let program = self.program();
        let mut words =
            wrapper.iter().copied().chain(program.iter().map(String::as_str)).chain(args.iter().copied());
        let mut command = Command::new(words.next().expect("there is the program"));
        command.args(words);
        self.as_step(command)
    }

    /// `command` as a step of its own, not started yet.
    pub fn as_step(&self, mut command: Command) -> Command {
        self.in_job(&mut command);
        self.clear_step();
        command.envs(STEP_FILES.map(|(name, file)| (name, self.path(file))));
        command
    }

    /// Begins a new step: its files are there, and empty.
    pub fn clear_step(&self) {
        for (_, file) in STEP_FILES {
            fs::write(self.path(file), "")
                .unwrap_or_else(|error| panic!("{}: {error}", self.path(file).display()));
        }
    }

    /// Runs the program.
    pub fn run(&self, args: &[&str]) -> Said {
        self.run_under(&[], args)
    }

    /// Runs the program under another one: `wrapper` is that with its own arguments.
    pub fn run_under(&self, wrapper: &[&str], args: &[&str]) -> Said {
        self.finish(self.command_under(wrapper, args))
    }

    /// Runs a command of [`Self::as_step`] to its end.
    pub fn finish(&self, mut command: Command) -> Said {
        let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Said {
            code: code(output.status),
            log: String::from_utf8(output.stderr).expect("it says text"),
            stdout: String::from_utf8(output.stdout).expect("it says text"),
            outputs: assignments(&self.read("output")),
            env: assignments(&self.read("env")),
            summary: self.read("summary"),
        }
    }

    /// Runs the program, which must succeed without a warning.
    pub fn ok(&self, args: &[&str]) -> Said {
        let said = self.run(args);
        assert!(said.is_success() && said.warnings() == 0, "{args:?}: {said:?}");
        said
    }

    /// A whole job: restore, build, save. Returns what the restore and what the save said.
    pub fn build(&self, args: &[&str]) -> (Said, Said) {
        let restored = self.ok(&[&["restore"], args].concat());
        self.sh("cargo build -q --offline");
        (restored, self.ok(&["save"]))
    }
}

fn code(status: ExitStatus) -> i32 {
    status.code().or_else(|| Some(128 + status.signal()?)).expect("it has ended")
}

/// Reads a file of a step: `name=value` a line.
pub fn assignments(text: &str) -> BTreeMap<String, String> {
    // The last line of a program that was killed may be half a line.
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
