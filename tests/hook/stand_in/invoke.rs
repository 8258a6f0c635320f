//! A process of a step: its output, its end, and the signals of a cancel. *Runner.Sdk/ProcessInvoker.cs*.

use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use super::context::Context;
use super::job::Variables;
use super::record::Event;

/// Seconds that a process has after SIGINT, and then after SIGTERM. `_sigintTimeout`, `_sigtermTimeout`.
const AFTER_SIGINT: f64 = 7.5;
const AFTER_SIGTERM: f64 = 2.5;
/// Seconds that a step waits for whoever else has the output of a process that has ended. `ProcessExitedHandler`.
const AFTER_EXIT: f64 = 5.0;

/// What is to be run.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) file: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) directory: PathBuf,
    /// All of its environment.
    pub(crate) env: Variables,
}

/// Why something of a step did not come to its end.
#[derive(Debug)]
pub(crate) enum Trouble {
    Cancelled,
    /// What is said about it; nothing where it has been said.
    Failed(Option<String>),
}

enum News {
    Line(String),
    StreamEnded,
    Exited(ExitStatus),
    Cancelled,
}

/// How far a cancel has come.
enum Cancel {
    No,
    Interrupted(Instant),
    Terminated(Instant),
    Finished,
}

/// Runs a process to its end and gives each line of its output to `read`. Returns its exit code, which is 128 and the
/// signal's number for one that a signal ended.
pub(crate) fn invoke(
    context: &Context,
    invocation: &Invocation,
    mut read: impl FnMut(&str),
) -> Result<i32, Trouble> {
    let mut command = Command::new(&invocation.file);
    command.args(&invocation.arguments).current_dir(&invocation.directory);
    command.env_clear().envs(&invocation.env);
    // Said by the runner to all that it starts, `CI` where nobody has set it. `ExecuteAsync`.
    command.env("GITHUB_ACTIONS", "true");
    if !invocation.env.contains_key("CI") {
        command.env("CI", "true");
    }
    // Nothing can be read. `ExecuteAsync`: "prevent commands from blocking the build".
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| {
        let (file, directory) = (invocation.file.display(), invocation.directory.display());
        Trouble::Failed(Some(format!(
            "An error occurred trying to start process '{file}' with working directory '{directory}'. {error}"
        )))
    })?;
    let pid = Pid::from_child(&child);
    // More likely to be ended than the runner where memory runs out. `DecreaseProcessPriority`. A process that has ended
    // has no such file.
    let _ = std::fs::write(format!("/proc/{}/oom_score_adj", child.id()), "500");
    let words = [&[invocation.file.display().to_string()][..], &invocation.arguments].concat();
    context.world.record.add(&Event::Process {
        step: context.step,
        pid: pid.as_raw_nonzero().get(),
        words,
        directory: invocation.directory.clone(),
    });
    let (sender, news) = channel();
    send_lines(child.stdout.take().expect("it is piped"), sender.clone());
    send_lines(child.stderr.take().expect("it is piped"), sender.clone());
    let exits = sender.clone();
    std::thread::spawn(move || exits.send(News::Exited(child.wait().expect("it is a child"))));
    let registration = context.token.on_cancel(move || {
        // Nobody waits any more where the process has just ended.
        let _ = sender.send(News::Cancelled);
    });
    let status = attend(context, pid, &news, &mut read);
    context.token.forget(registration);
    let code = status.code().or_else(|| Some(128 + status.signal()?)).expect("it has ended");
    context.world.record.add(&Event::Exited { step: context.step, code });
    if context.token.is_cancelled() { Err(Trouble::Cancelled) } else { Ok(code) }
}

/// Waits for the end of a process and of its output. A signal goes to the process itself and to none of its children; not
/// even SIGKILL reaches them. `CancelAndKillProcessTree`, `SendSignal`, `NixKillProcessTree`.
fn attend(context: &Context, pid: Pid, news: &Receiver<News>, read: &mut dyn FnMut(&str)) -> ExitStatus {
    let job = &context.world.job;
    let signal = |signal: Signal| {
        context.world.record.add(&Event::Signal { step: context.step, signal: signal.as_raw() });
        // It may have ended just now.
        kill_process(pid, signal).is_ok()
    };
    let (mut streams, mut exited, mut cancel) = (2, None::<(ExitStatus, Instant)>, Cancel::No);
    loop {
        let now = Instant::now();
        if let Some((status, until)) = exited
            && (streams == 0 || until <= now)
        {
            return status;
        }
        let next = match cancel {
            Cancel::Interrupted(until) if until <= now => {
                let until = now + job.seconds(AFTER_SIGTERM);
                Some(if signal(Signal::TERM) { Cancel::Terminated(until) } else { Cancel::Terminated(now) })
            }
            Cancel::Terminated(until) if until <= now => {
                if exited.is_none() {
                    signal(Signal::KILL);
                }
                Some(Cancel::Finished)
            }
            _ => None,
        };
        if let Some(next) = next {
            cancel = next;
            continue;
        }
        let cancels = match cancel {
            Cancel::Interrupted(until) | Cancel::Terminated(until) => Some(until),
            Cancel::No | Cancel::Finished => None,
        };
        let until = cancels.into_iter().chain(exited.map(|(_, until)| until)).min();
        let heard = match until {
            Some(until) => news.recv_timeout(until.saturating_duration_since(now)).ok(),
            None => news.recv().ok(),
        };
        match heard {
            Some(News::Line(line)) => read(&line),
            Some(News::StreamEnded) => streams -= 1,
            Some(News::Exited(status)) => exited = Some((status, Instant::now() + job.seconds(AFTER_EXIT))),
            Some(News::Cancelled) => {
                let after = if signal(Signal::INT) { job.seconds(AFTER_SIGINT) } else { job.seconds(0.0) };
                cancel = Cancel::Interrupted(Instant::now() + after);
            }
            None => {}
        }
    }
}

/// Sends what is read, line by line: `\r` ends one as well. `StartReadStream`.
fn send_lines(stream: impl Read + Send + 'static, sender: Sender<News>) {
    std::thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut bytes = Vec::new();
        while stream.read_until(b'\n', &mut bytes).is_ok_and(|length| length > 0) {
            let text = String::from_utf8_lossy(&bytes);
            let line = text.strip_suffix('\n').unwrap_or(&text);
            for line in line.strip_suffix('\r').unwrap_or(line).split('\r') {
                // Nobody listens after the step: what abandoned processes say is lost.
                let _ = sender.send(News::Line(line.to_owned()));
            }
            bytes.clear();
        }
        let _ = sender.send(News::StreamEnded);
    });
}
