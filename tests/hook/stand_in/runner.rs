//! A runner as an administrator sets it up, and a job on it as a test sees it.

use std::fmt;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use test_support::{environment, files};

use super::job::{Job, Variables};
use super::listener::{self, ARGUMENTS, END, End, Order, READY};
use super::orphans::tracking_id;
use super::plan::{COMPLETED, STARTED};
use super::record::{Event, MARK, Outcome};
use super::user::User;
use super::worker::{self, Settings};

/// Nothing that a test waits for takes as long: it hangs.
const LONGEST: Duration = Duration::from_secs(120);

/// A runner's directory and its service. `.env` is as the last setting left it when the service starts.
#[derive(Debug, Clone)]
pub(crate) struct Runner {
    /// `.runner`, `.env`, `bin`, `_work`, `_diag`.
    pub(crate) root: PathBuf,
    /// Of the service, before `.env`.
    service: Variables,
    user: Option<User>,
}

impl Runner {
    /// A runner of this name in the directory `place`, with a home beside it.
    pub(crate) fn new(place: &Path, name: &str) -> Self {
        let root = place.join(name);
        let home = place.join(format!("home-of-{name}"));
        for directory in
            [&root.join("bin"), &root.join("_diag"), &root.join("_work"), &root.join("externals"), &home]
        {
            std::fs::create_dir_all(directory)
                .unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
        }
        let settings = Settings {
            agent_id: 1,
            agent_name: name.to_owned(),
            pool_id: 1,
            pool_name: "Default".to_owned(),
            server_url: "https://pipelines.example.invalid/".to_owned(),
            git_hub_url: "https://github.com/o/r".to_owned(),
            work_folder: "_work".to_owned(),
        };
        files::write(
            &root.join(".runner"),
            serde_json::to_string_pretty(&settings).expect("they are plain data"),
        );
        files::write(&root.join(".env"), "LANG=C.UTF-8\n");
        let program = std::env::current_exe().expect("the tests have a file");
        let listener = root.join("bin").join(listener::NAME);
        // A link, so that the process is found by this name; a copy where that is on another file system.
        if std::fs::hard_link(&program, &listener).is_err() {
            files::copy_program(&program, &listener);
        }
        std::fs::hard_link(&listener, root.join("bin").join(worker::NAME)).expect("both are in `bin`");
        let mut service: Variables = environment::toolchain().into_iter().collect();
        service.insert("HOME".to_owned(), home.display().to_string());
        Self { root, service, user: None }
    }

    /// Adds a line to `.env`.
    pub(crate) fn env(self, name: &str, value: &str) -> Self {
        let file = self.root.join(".env");
        files::write(&file, format!("{}{name}={value}\n", files::read(&file)));
        self
    }

    /// Sets a variable of the service's environment, as its unit would.
    pub(crate) fn service(mut self, name: &str, value: &str) -> Self {
        self.service.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Makes the script `text` the hook before the job.
    pub(crate) fn started(self, text: &str) -> Self {
        self.hook(STARTED, "started.sh", text)
    }

    /// Makes the script `text` the hook after the job.
    pub(crate) fn completed(self, text: &str) -> Self {
        self.hook(COMPLETED, "completed.sh", text)
    }

    fn hook(self, variable: &str, name: &str, text: &str) -> Self {
        let file = self.root.join("hooks").join(name);
        files::write(&file, text);
        self.env(variable, file.to_str().expect("it is text"))
    }

    /// Lets the service be of another user, who has the runner's directory and home. Only root can do so.
    pub(crate) fn of_user(mut self, user: User) -> Self {
        for directory in [&self.root, self.home()] {
            user.take(directory);
        }
        self.user = Some(user);
        self
    }

    /// A path in the workspace of `owner/name`.
    pub(crate) fn workspace(&self, repository: &str) -> PathBuf {
        let name = repository.split('/').next_back().expect("it has a name");
        self.root.join("_work").join(name).join(name)
    }

    /// The home of the service's user.
    pub(crate) fn home(&self) -> &Path {
        Path::new(&self.service["HOME"])
    }

    /// Starts the service.
    pub(crate) fn start(&self) -> Service {
        let program = self.root.join("bin").join(listener::NAME);
        let mut command =
            self.user.as_ref().map_or_else(|| Command::new(&program), |user| user.command(&program));
        command.args(ARGUMENTS).arg("run").current_dir(&self.root).env_clear().envs(&self.service);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it can be started");
        let stdin = child.stdin.take().expect("it is piped");
        let stdout = child.stdout.take().expect("it is piped");
        let (sender, told) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let text = |mark: &str| line.find(mark).map(|at| &line[at + mark.len()..]);
                let told = if line == READY {
                    Told::Ready
                } else if let Some(end) = text(END) {
                    Told::End(serde_json::from_str(end).expect("an end"))
                } else if let Some(event) = text(MARK) {
                    Told::Event(serde_json::from_str(event).expect("an event"))
                } else {
                    continue;
                };
                // The test may have seen enough.
                let _ = sender.send(told);
            }
        });
        let service = Service { child, stdin, told, worker: None };
        assert!(matches!(service.told.recv_timeout(LONGEST), Ok(Told::Ready)), "the listener does not start");
        service
    }

    /// Has the service do one job, and stops it.
    pub(crate) fn run(&self, job: Job) -> Done {
        self.start().run(job)
    }
}

enum Told {
    Ready,
    Event(Event),
    End(End),
}

/// A service that is running.
pub(crate) struct Service {
    child: Child,
    stdin: ChildStdin,
    told: Receiver<Told>,
    worker: Option<Pid>,
}

impl Service {
    /// Has it do a job to its end.
    pub(crate) fn run(&mut self, job: Job) -> Done {
        self.begin(job).finish()
    }

    /// Gives it a job.
    pub(crate) fn begin(&mut self, job: Job) -> Running<'_> {
        self.order(&Order::Job(Box::new(job)));
        let mut running = Running { service: self, events: Vec::new(), end: None };
        running.until(|event| matches!(event, Event::Worker { .. }));
        running
    }

    fn order(&mut self, order: &Order) {
        let line = serde_json::to_string(order).expect("orders are plain data");
        writeln!(self.stdin, "{line}").expect("the service listens");
    }

    /// Sends the listener a signal, as `systemctl stop` does by SIGINT, and waits for its end.
    pub(crate) fn stop(mut self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is running");
        self.child.wait().expect("it is a child");
    }
}

impl Drop for Service {
    /// Nothing of a test outlives it, however it ends.
    fn drop(&mut self) {
        // What has ended cannot be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(worker) = self.worker {
            let _ = kill_process(worker, Signal::KILL);
        }
    }
}

/// A job that a service is doing.
pub(crate) struct Running<'s> {
    service: &'s mut Service,
    events: Vec<Event>,
    end: Option<End>,
}

impl Running<'_> {
    /// Waits until something happens, or until the job ends: then the test fails.
    pub(crate) fn until(&mut self, what: impl Fn(&Event) -> bool) {
        let until = Instant::now() + LONGEST;
        loop {
            if self.events.iter().any(&what) {
                return;
            }
            assert!(self.hear(until), "it did not happen until the job's end: {:#?}", self.events);
        }
    }

    /// Waits until a step says `line`.
    pub(crate) fn until_said(&mut self, line: &str) {
        self.until(|event| matches!(event, Event::Line { text, .. } if text == line));
    }

    /// Waits until a step of this name begins.
    pub(crate) fn until_step(&mut self, step: &str) {
        self.until(|event| matches!(event, Event::StepStarted { name, .. } if name == step));
    }

    /// Whether there was something to be heard before the job's end.
    fn hear(&mut self, until: Instant) -> bool {
        if self.end.is_some() {
            return false;
        }
        match self.service.told.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Told::Event(event)) => {
                if let Event::Worker { pid, .. } = event {
                    self.service.worker = Pid::from_raw(pid);
                }
                self.events.push(event);
                true
            }
            Ok(Told::End(end)) => {
                self.end = Some(end);
                false
            }
            Ok(Told::Ready) => panic!("a listener starts once"),
            Err(why) => panic!("{why}, and the job has not ended: {:#?}", self.events),
        }
    }

    /// Cancels the job as somebody does on the web: it has five minutes.
    pub(crate) fn cancel(&mut self) {
        self.service.order(&Order::Cancel { seconds: 300.0 });
    }

    /// Kills the worker, and nothing else, as a crash does.
    pub(crate) fn crash(&mut self) {
        kill_process(self.worker(), Signal::KILL).expect("it is running");
    }

    /// Sends the listener a signal.
    pub(crate) fn signal_listener(&mut self, signal: Signal) {
        kill_process(Pid::from_child(&self.service.child), signal).expect("it is running");
    }

    /// Sends the worker a signal.
    pub(crate) fn signal_worker(&mut self, signal: Signal) {
        kill_process(self.worker(), signal).expect("it is running");
    }

    pub(crate) fn worker(&self) -> Pid {
        self.service.worker.expect("the worker was the first to tell something")
    }

    /// Waits for the end of the job.
    pub(crate) fn finish(mut self) -> Done {
        let until = Instant::now() + LONGEST;
        while self.hear(until) {}
        self.service.worker = None;
        Done { events: self.events, end: self.end.expect("nothing more is heard after the end") }
    }

    /// Waits for the end of a worker whose listener is gone.
    pub(crate) fn finish_alone(self) -> Done {
        let Some(Event::Worker { file, .. }) = self.events.first() else {
            panic!("the worker is the first to tell")
        };
        wait_for_end(self.worker());
        let events =
            files::read(file).lines().map(|line| serde_json::from_str(line).expect("an event")).collect();
        let events: Vec<Event> = events;
        let outcome = events.iter().find_map(|event| match event {
            Event::JobEnded { outcome } => Some(*outcome),
            _ => None,
        });
        Done {
            end: End { outcome: outcome.unwrap_or(Outcome::Failed), has_crashed: outcome.is_none() },
            events,
        }
    }
}

/// Waits for the end of a process.
pub(crate) fn wait_for_end(pid: Pid) {
    // One that has ended has no descriptor.
    if let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) {
        let mut polled = [rustix::event::PollFd::new(&process, rustix::event::PollFlags::IN)];
        let most = rustix::event::Timespec { tv_sec: 120, tv_nsec: 0 };
        let ended = rustix::event::poll(&mut polled, Some(&most)).expect("it can be waited for");
        assert_eq!(ended, 1, "process {pid} does not end");
    }
}

/// A job that is over.
pub(crate) struct Done {
    events: Vec<Event>,
    end: End,
}

/// A step of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) name: String,
    /// None where it never ended.
    pub(crate) outcome: Option<Outcome>,
    pub(crate) code: Option<i32>,
    pub(crate) log: Vec<String>,
    pub(crate) annotations: Vec<(String, String)>,
    pub(crate) signals: Vec<i32>,
    pub(crate) summary: String,
    /// Of a composite action those of all its steps.
    pub(crate) outputs: Variables,
    /// What was run: words and directory.
    pub(crate) process: Option<(Vec<String>, PathBuf)>,
    pub(crate) pid: Option<i32>,
}

impl Done {
    /// What the server shows as the job's result.
    pub(crate) fn outcome(&self) -> Outcome {
        self.end.outcome
    }

    pub(crate) fn has_crashed(&self) -> bool {
        self.end.has_crashed
    }

    pub(crate) fn events(&self) -> &[Event] {
        &self.events
    }

    /// The steps in their order.
    pub(crate) fn steps(&self) -> Vec<Seen> {
        let mut steps: Vec<(usize, Seen)> = Vec::new();
        for event in &self.events {
            if let Event::StepStarted { step, name } = event {
                steps.push((*step, Seen { name: name.clone(), ..Seen::default() }));
            }
            let mut of = |number: &usize, change: &dyn Fn(&mut Seen)| {
                change(&mut steps.iter_mut().find(|(step, _)| step == number).expect("it has begun").1);
            };
            match event {
                Event::Line { step, text } => of(step, &|seen| seen.log.push(text.clone())),
                Event::Annotation { step, kind, message } => {
                    of(step, &|seen| seen.annotations.push((kind.clone(), message.clone())));
                }
                Event::Signal { step, signal } => of(step, &|seen| seen.signals.push(*signal)),
                Event::Exited { step, code } => of(step, &|seen| seen.code = Some(*code)),
                Event::Summary { step, text } => of(step, &|seen| seen.summary.push_str(text)),
                Event::Output { step, name, value } => of(step, &|seen| {
                    seen.outputs.insert(name.clone(), value.clone());
                }),
                Event::StepEnded { step, outcome } => of(step, &|seen| seen.outcome = Some(*outcome)),
                Event::Process { step, pid, words, directory } => of(step, &|seen| {
                    seen.process = Some((words.clone(), directory.clone()));
                    seen.pid = Some(*pid);
                }),
                _ => {}
            }
        }
        steps.into_iter().map(|(_, seen)| seen).collect()
    }

    /// The names of the steps that were run.
    pub(crate) fn ran(&self) -> Vec<String> {
        let ran = self.steps().into_iter().filter(|step| step.outcome != Some(Outcome::Skipped));
        ran.map(|step| step.name).collect()
    }

    /// The step of this name.
    pub(crate) fn step(&self, name: &str) -> Seen {
        let step = self.steps().into_iter().find(|step| step.name == name);
        step.unwrap_or_else(|| panic!("no step {name}: {self:?}"))
    }

    /// Processes of the job that are still there.
    pub(crate) fn left(&self) -> Vec<i32> {
        let id = self.events.iter().find_map(|event| match event {
            Event::Tracking { id } => Some(id),
            _ => None,
        });
        let pids = std::fs::read_dir("/proc").expect("/proc is mounted").flatten();
        let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(|pid| id.is_some() && tracking_id(*pid).as_ref() == id).collect()
    }
}

impl Seen {
    /// Its log as one text.
    pub(crate) fn text(&self) -> String {
        self.log.join("\n")
    }
}

impl fmt::Debug for Done {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{:?}", self.end)?;
        self.steps().iter().try_for_each(|step| writeln!(formatter, "{step:#?}"))
    }
}

/// Lets other users come to what is in `directory`.
pub(crate) fn open_to_others(directory: &Path) {
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
}
