//! `Runner.Worker`: one job, from its message to its exit code. *Runner.Worker/Worker.cs, JobRunner.cs, JobExtension.cs*.

use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Sender, channel};

use serde::{Deserialize, Serialize};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use test_support::files;

use super::composite;
use super::context::{Places, World, path};
use super::handler::unique;
use super::job::{Job, Variables};
use super::orphans::{Orphans, TRACKING_ID};
use super::plan::{Planned, plan};
use super::record::{Event, Outcome, Recorder};
use super::steps::run_all;

/// What its program is called. *Runner.Listener/JobDispatcher.cs: `_workerProcessName`*.
pub(crate) const NAME: &str = "Runner.Worker";

/// What the listener tells a worker, a line each.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Message {
    Job(Box<Job>),
    Cancel,
    Shutdown,
}

/// What a runner was configured to be. *Runner.Common/ConfigurationStore.cs: `RunnerSettings`*.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Settings {
    pub(crate) agent_id: u64,
    pub(crate) agent_name: String,
    pub(crate) pool_id: u64,
    pub(crate) pool_name: String,
    pub(crate) server_url: String,
    pub(crate) git_hub_url: String,
    pub(crate) work_folder: String,
}

/// The worker's process: started in `bin`, it reads messages from its standard input.
pub(crate) fn main() -> ! {
    let (sender, messages) = channel::<Message>();
    read_messages(sender.clone());
    let Ok(Message::Job(job)) = messages.recv() else { panic!("the first message is a job") };
    let root =
        std::env::current_dir().expect("there is `bin`").parent().expect("`bin` is in the root").to_owned();
    let world = Arc::new(world(*job, &root));
    let listening = Arc::clone(&world);
    // A Ctrl-C is the listener's business; SIGTERM is a shutdown. *Worker.cs: `Worker_Unloading`*.
    let mut signals = Signals::new([SIGINT, SIGTERM]).expect("there are signals");
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if signal == SIGTERM {
                sender.send(Message::Shutdown).expect("the other end is there as long as the process");
            }
        }
    });
    // One message is heard: who cancels twice, or shuts down after a cancel, is not listened to. *Worker.cs: `RunAsync`*.
    std::thread::spawn(move || {
        match messages.recv() {
            Ok(Message::Shutdown) => listening.is_shutting_down.store(true, Ordering::SeqCst),
            Ok(_) => {}
            Err(_) => return,
        }
        listening.cancelled.cancel();
    });
    let outcome = run(&world);
    std::process::exit(outcome.code());
}

/// A listener that is gone says no more, and the job goes on. *Runner.Common/StreamString.cs: `ReadStringAsync`*.
fn read_messages(sender: Sender<Message>) {
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let message =
                line.ok().and_then(|line| serde_json::from_str(&line).ok()).expect("a message a line");
            sender.send(message).expect("the other end is there as long as the process");
        }
    });
}

fn world(job: Job, root: &Path) -> World {
    let mut env: Variables = std::env::vars().collect();
    env.insert(TRACKING_ID.to_owned(), format!("github_{}", unique()));
    let settings: Settings = serde_json::from_str(&files::read(&root.join(".runner"))).expect("it is JSON");
    let work = root.join(&settings.work_folder);
    // *Runner.Common/HostContext.cs: `GetDirectory`*.
    let tools = ["RUNNER_TOOL_CACHE", "RUNNER_TOOLSDIRECTORY", "AGENT_TOOLSDIRECTORY"];
    let tools =
        tools.iter().find_map(|name| env.get(*name)).map_or_else(|| work.join("_tool"), PathBuf::from);
    let name = job.repository.split('/').next_back().expect("it has a name").to_owned();
    let places = Places {
        root: root.to_owned(),
        temp: work.join("_temp"),
        tools,
        actions: work.join("_actions"),
        externals: root.join("externals"),
        workspace: work.join(&name).join(&name),
        work,
    };
    let file = root.join(format!("_diag/Worker_{}.log", std::process::id()));
    let record = Recorder::new(&file);
    let pid = i32::try_from(std::process::id()).expect("a process id");
    record.add(&Event::Worker { pid, file });
    World::new(job, places, env, settings.agent_name, record)
}

/// *JobRunner.cs: `RunAsync`*.
fn run(world: &Arc<World>) -> Outcome {
    let places = world.places.clone();
    for directory in [&places.work, &places.tools] {
        std::fs::create_dir_all(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    }
    // Before the job is set up, thus before the hook. *TempDirectoryManager.cs: `InitializeTempDirectory`*.
    wipe(world);
    let Some((orphans, steps)) = set_up(world) else {
        // No step is run, no hook, and no orphan is killed. *JobRunner.cs: "Job initialize failed."*.
        return complete(world, Some(Outcome::Failed));
    };
    run_all(world, steps);
    let context = world.begin("Complete job");
    context.say("Cleaning up orphan processes");
    orphans.kill(&world.record, &world.env[TRACKING_ID]);
    world.record.add(&Event::StepEnded { step: context.step, outcome: Outcome::Succeeded });
    complete(world, None)
}

/// The step "Set up job". *JobExtension.cs: `InitializeJob`; PipelineDirectoryManager.cs: `PrepareDirectory`*.
fn set_up(world: &Arc<World>) -> Option<(Orphans, Vec<Planned>)> {
    let step = world.begin("Set up job").step;
    let end = |world: &World, outcome| world.record.add(&Event::StepEnded { step, outcome });
    world.record.line(step, "Prepare workflow directory");
    // What is in a workspace stays, until a checkout cleans it.
    let workspace = &world.places.workspace;
    std::fs::create_dir_all(workspace).unwrap_or_else(|error| panic!("{}: {error}", workspace.display()));
    world.state().github.insert("workspace".to_owned(), path(workspace).to_owned());
    if let Err(why) = composite::prepare(&world.places, &world.job.steps) {
        world.record.line(step, &why);
        end(world, Outcome::Failed);
        return None;
    }
    let steps = plan(world);
    // Whoever is there now is none of this job's: what comes later and has its id is.
    let orphans = Orphans::new();
    world.record.add(&Event::Tracking { id: world.env[TRACKING_ID].clone() });
    end(world, Outcome::Succeeded);
    Some((orphans, steps))
}

/// The end. `_temp` is emptied when all else is done: after the hook and the orphans. *JobRunner.cs: `CompleteJobAsync`*.
fn complete(world: &World, outcome: Option<Outcome>) -> Outcome {
    let outcome = outcome.unwrap_or_else(|| world.status());
    wipe(world);
    world.record.add(&Event::JobEnded { outcome });
    outcome
}

/// Empties `_temp`; what cannot be removed stays. *TempDirectoryManager.cs; Runner.Sdk/Util/IOUtil.cs: `DeleteDirectory`*.
fn wipe(world: &World) {
    let temp = &world.places.temp;
    std::fs::create_dir_all(temp).unwrap_or_else(|error| panic!("{}: {error}", temp.display()));
    for path in files::inside(temp) {
        // Without following a link. What is another user's stays, as with the runner.
        let _ = if path.is_dir() && !path.is_symlink() {
            std::fs::remove_dir_all(&path)
        } else {
            std::fs::remove_file(&path)
        };
    }
    world.record.add(&Event::TempWiped);
}
