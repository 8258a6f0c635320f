//! `Runner.Listener`: takes jobs one after the other and has a worker for each. *Runner.Listener/Runner.cs,
//! JobDispatcher.cs, Program.cs*. What the server would say it reads from its standard input.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use test_support::files;

use super::job::Job;
use super::record::{MARK, Outcome};
use super::worker::{self, Message};

/// What its program is called.
pub(crate) const NAME: &str = "Runner.Listener";

/// The arguments by which this program becomes one of the runner's.
pub(crate) const ARGUMENTS: [&str; 5] = ["--ignored", "--exact", "--nocapture", "--quiet", "stand_in::entry"];

/// Seconds that a cancelled worker has at least, and those that are kept back of the server's.
/// *JobDispatcher.cs: `WorkerDispatcher.Cancel`*.
const LEAST_FOR_CANCEL: f64 = 60.0;
const KEPT_OF_CANCEL: f64 = 15.0;
/// Seconds until a listener with SIGTERM ends whatever its worker does. *Runner.Common/Constants.cs:
/// `ExitOnUnloadTimeout`*.
const EXIT_ON_UNLOAD: f64 = 30.0;

/// What the server, which is the test, tells a listener, a line each.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    Job(Box<Job>),
    /// The running job is cancelled and has so many seconds.
    Cancel {
        seconds: f64,
    },
}

/// What a listener tells the server of a job's end: the result that its worker gave, or a failure for a crash.
/// *JobDispatcher.cs: `RunAsync`*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct End {
    pub(crate) outcome: Outcome,
    pub(crate) has_crashed: bool,
}

/// What a listener says once it has read `.env` and can be told something.
pub(crate) const READY: &str = "Listening for Jobs";

/// Before an end on standard output.
pub(crate) const END: &str = "STAND-IN-END ";

enum News {
    Order(Order),
    NoMoreOrders,
    Signal(i32),
    Exited(ExitStatus),
}

/// The listener's process.
pub(crate) fn main() -> ! {
    let root = std::env::current_dir().expect("it is started in the runner's root");
    let env = environment(&root);
    let (sender, news) = channel();
    let mut signals = Signals::new([SIGINT, SIGTERM]).expect("there are signals");
    let of_signals = sender.clone();
    std::thread::spawn(move || {
        for signal in signals.forever() {
            of_signals.send(News::Signal(signal)).expect("the other end is there as long as the process");
        }
    });
    let orders = sender.clone();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let order = serde_json::from_str(&line).expect("an order a line");
            orders.send(News::Order(order)).expect("the other end is there as long as the process");
        }
        orders.send(News::NoMoreOrders).expect("the other end is there as long as the process");
    });
    // As the service's log has it. *Runner.cs: `RunAsync`*. After a line's end: this program has begun one.
    println!("\n{READY}");
    loop {
        match news.recv() {
            Ok(News::Order(Order::Job(job))) => {
                if attend(&root, &env, *job, &sender, &news) {
                    std::process::exit(0);
                }
            }
            // No job is running any more.
            Ok(News::Order(Order::Cancel { .. }) | News::Exited(_)) => {}
            Ok(News::Signal(_) | News::NoMoreOrders) | Err(_) => std::process::exit(0),
        }
    }
}

/// Its own environment with what `.env` says, which is read this once: `NAME=VALUE` a line; no value unsets a variable.
/// *Program.cs: `LoadAndSetEnv`*.
fn environment(root: &Path) -> BTreeMap<String, String> {
    let mut env: BTreeMap<_, _> = std::env::vars().collect();
    let file = root.join(".env");
    if file.is_file() {
        for (name, value) in files::read(&file).lines().filter_map(|line| line.split_once('=')) {
            match (name, value) {
                ("", _) => {}
                (name, "") => drop(env.remove(name)),
                (name, value) => drop(env.insert(name.to_owned(), value.to_owned())),
            }
        }
    }
    env
}

/// Has a worker do a job, and tells how that ended. Whether the listener is to end then. *JobDispatcher.cs: `RunAsync`*.
fn attend(
    root: &Path,
    env: &BTreeMap<String, String>,
    job: Job,
    sender: &Sender<News>,
    news: &Receiver<News>,
) -> bool {
    let (mut child, told) = start(root, env);
    let mut stdin = child.stdin.take().expect("it is piped");
    let pid = rustix::process::Pid::from_child(&child);
    let exits = sender.clone();
    std::thread::spawn(move || exits.send(News::Exited(child.wait().expect("it is a child"))));
    let mut tell = |message: &Message| {
        let line = serde_json::to_string(message).expect("messages are plain data");
        // One that has crashed does not read.
        let _ = writeln!(stdin, "{line}");
    };
    let times = job.clone();
    tell(&Message::Job(Box::new(job)));
    let (mut kill_at, mut leave_at) = (None::<Instant>, None::<Instant>);
    let (mut is_cancelled, mut is_shutdown) = (false, false);
    loop {
        let now = Instant::now();
        if leave_at.is_some_and(|at| at <= now) {
            std::process::exit(0);
        }
        if kill_at.is_some_and(|at| at <= now) {
            // The worker alone. *JobDispatcher.cs: "haven't exit within cancellation timout"*.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            kill_at = None;
        }
        let until = kill_at.into_iter().chain(leave_at).min();
        let heard = match until {
            Some(at) => news.recv_timeout(at.saturating_duration_since(now)).ok(),
            None => news.recv().ok(),
        };
        match heard {
            Some(News::Order(Order::Cancel { seconds })) => {
                is_cancelled = true;
                let left = seconds.max(LEAST_FOR_CANCEL) - KEPT_OF_CANCEL;
                kill_at = Some(now + times.seconds(left));
                tell(&Message::Cancel);
            }
            // The worker has as long as it needs; only SIGTERM ends the listener before. *JobDispatcher.cs:
            // `ShutdownAsync`; Runner.cs: `Runner_Unloading`*.
            Some(News::Signal(signal)) => {
                is_shutdown = true;
                leave_at = (signal == SIGTERM).then(|| now + times.seconds(EXIT_ON_UNLOAD));
                tell(&Message::Shutdown);
            }
            Some(News::NoMoreOrders) => {
                is_shutdown = true;
                tell(&Message::Shutdown);
            }
            Some(News::Order(Order::Job(_))) => panic!("a runner has one job at a time"),
            Some(News::Exited(status)) => {
                // All that the worker told comes before its end.
                told.join().expect("it only passes lines on");
                say(&end(status, is_cancelled || is_shutdown));
                return is_shutdown;
            }
            None => {}
        }
    }
}

fn start(root: &Path, env: &BTreeMap<String, String>) -> (Child, JoinHandle<()>) {
    let bin = root.join("bin");
    let mut command = Command::new(bin.join(worker::NAME));
    command.args(ARGUMENTS).arg("spawnclient").current_dir(&bin).env_clear().envs(env);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the worker can be started");
    let stdout = child.stdout.take().expect("it is piped");
    let told = std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(at) = line.find(MARK) {
                let _ = writeln!(std::io::stdout(), "{}", &line[at..]);
            }
        }
    });
    (child, told)
}

/// What the server is told. Who was cancelled is cancelled, whatever the worker says; who crashed has failed.
/// *Runner.Common/Util/TaskResultUtil.cs: `TranslateFromReturnCode`*.
fn end(status: ExitStatus, is_cancelled: bool) -> End {
    let of_worker = status.code().and_then(Outcome::of_code);
    let has_crashed = of_worker.is_none() || status.signal().is_some();
    let outcome = if is_cancelled { Outcome::Cancelled } else { of_worker.unwrap_or(Outcome::Failed) };
    End { outcome, has_crashed }
}

fn say(end: &End) {
    let line = serde_json::to_string(end).expect("ends are plain data");
    // The test may have gone.
    let _ = writeln!(std::io::stdout(), "{END}{line}");
}
