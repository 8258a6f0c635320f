//! Runs the program, and kills it where that is wanted.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use test_support::program::assignments;
use test_support::store::temporaries;

use crate::said::{End, Said};
use crate::wrong::Wrong;

/// Nothing here takes as long: the child hangs.
const LONGEST: Duration = Duration::from_secs(120);

/// What the program returns when it heard a signal.
const INTERRUPTED: i32 = 130;

/// A signal, and when it is to come.
#[derive(Debug, Clone)]
pub(crate) struct Kill {
    pub(crate) signal: Signal,
    /// So long after the start, or after what `sight` tells of.
    pub(crate) after: Duration,
    /// A directory: the time counts from when the program makes its temporary directory there.
    pub(crate) sight: Option<PathBuf>,
}

impl Kill {
    /// Whether the time begins to count.
    fn is_in_sight(&self) -> bool {
        self.sight.as_ref().is_none_or(|directory| !temporaries(directory).is_empty())
    }
}

/// Runs `command` to its end. What it says goes into files in `directory`, where it can be seen if the test itself dies.
pub(crate) fn run(
    mut command: Command,
    kill: Option<Kill>,
    directory: &Path,
) -> Result<(Said, Duration), Wrong> {
    let [stdout, log, outputs] = ["stdout", "log", "outputs"].map(|name| directory.join(name));
    File::create(&outputs).unwrap();
    command.env("GITHUB_OUTPUT", &outputs);
    command.stdout(File::create(&stdout).unwrap()).stderr(File::create(&log).unwrap());
    let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
    let mut said = Said {
        command: words.join(" "),
        end: End::Exit(0),
        stdout: String::new(),
        log: String::new(),
        outputs: BTreeMap::new(),
    };
    let started = Instant::now();
    let mut child = command.spawn().unwrap();
    let signal = kill.as_ref().map(|kill| kill.signal);
    let status = wait(&mut child, started, kill);
    let took = started.elapsed();
    [said.stdout, said.log] = [stdout, log].map(|path| fs::read_to_string(path).unwrap());
    said.outputs = assignments(&fs::read_to_string(outputs).unwrap());
    let Some(status) = status else { return Err(said.wrong("does not end")) };
    // Commands other than a job's end with an error.
    let has_heard = status.code() == Some(INTERRUPTED) || said.log.contains("error: interrupted");
    said.end = match (status.code(), status.signal().and_then(Signal::from_named_raw)) {
        (Some(_), _) if signal == Some(Signal::TERM) && has_heard => End::Killed(Signal::TERM),
        (Some(code), _) => End::Exit(code),
        (None, Some(by)) if signal == Some(by) => End::Killed(by),
        (None, _) => return Err(said.wrong(&format!("crashed: {status}"))),
    };
    Ok((said, took))
}

/// `None` for a child that does not end.
fn wait(child: &mut Child, started: Instant, mut kill: Option<Kill>) -> Option<ExitStatus> {
    let mut counts_from: Option<Instant> = None;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        if let Some(kill) = &kill
            && counts_from.is_none()
            && kill.is_in_sight()
        {
            counts_from = Some(if kill.sight.is_some() { Instant::now() } else { started });
        }
        let is_time = |kill: &mut Kill| counts_from.is_some_and(|from| from.elapsed() >= kill.after);
        if let Some(Kill { signal, .. }) = kill.take_if(is_time) {
            // It was not waited for, so its number is nobody else's.
            kill_process(Pid::from_child(child), signal).unwrap();
        }
        if started.elapsed() > LONGEST {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}
