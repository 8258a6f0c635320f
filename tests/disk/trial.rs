//! One fault after another in one command, each on the same host, and what must be true after each.

use std::fs;
use std::process::Command;

use test_support::Listing;
use test_support::Said;
use test_support::store::is_temporary;

use crate::host::{Host, UNGUARDED};
use crate::place::{Place, run};
use crate::strace::{Call, Fault, inject, record};
use crate::tree::{Version, plant};

/// A command that is struck by faults, and what its host looks like before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scene {
    /// A restore to where nothing is.
    RestoreIntoNothing,
    /// A restore to where another version is.
    RestoreIntoOld,
    /// The first save on a host.
    FirstSave,
    /// A save of what a job made of an entry, by the session of its restore.
    NextSave,
    /// A cleaning of many entries.
    Cleaning,
}

impl Scene {
    /// The command that is struck.
    fn args(self) -> Vec<&'static str> {
        match self {
            Self::RestoreIntoNothing | Self::RestoreIntoOld => {
                [&["restore", "--no-session"], &UNGUARDED[..]].concat()
            }
            Self::FirstSave => [&["save"], &UNGUARDED[..]].concat(),
            Self::NextSave => vec!["save"],
            Self::Cleaning => vec!["gc", "--keep", "target=1", "--min-free", "1KB"],
        }
    }

    fn is_restore(self) -> bool {
        matches!(self, Self::RestoreIntoNothing | Self::RestoreIntoOld)
    }

    /// Puts the host into its state before the command.
    fn set(self, host: &Host) {
        let target = host.target();
        match self {
            Self::RestoreIntoNothing | Self::RestoreIntoOld => {
                plant(&target, Version::New);
                host.save();
                host.remove_target();
                if self == Self::RestoreIntoOld {
                    plant(&target, Version::Old);
                }
            }
            Self::FirstSave => plant(&target, Version::New),
            Self::NextSave => {
                plant(&target, Version::Old);
                host.save();
                host.ok(&[&["restore"], &UNGUARDED[..]].concat());
                host.remove_target();
                plant(&target, Version::New);
            }
            Self::Cleaning => {
                plant(&target, Version::New);
                for _ in 0..4 {
                    host.ok(&[&["save", "--save", "always"], &UNGUARDED[..]].concat());
                }
                host.remove_target();
            }
        }
    }
}

/// A scene that can be set again and again.
pub(crate) struct Trial {
    scene: Scene,
    host: Host,
    place: Place,
    /// What a restore may bring.
    whole: Vec<Listing>,
    /// The target directory before the command.
    before: Option<Listing>,
    /// What was not as it must be.
    violations: Vec<String>,
    struck: usize,
}

impl Trial {
    /// Sets the scene on a file system in memory: it is made anew for each fault.
    pub(crate) fn new(scene: Scene) -> Self {
        let mut place = Place::new();
        let base = place.tmpfs("disk", "size=256m");
        let mut host = Host::new(&base.join("host"));
        // One thread, so that the calls of each run are those of the others.
        host.set("RAYON_NUM_THREADS", "1");
        scene.set(&host);
        let before = host.listing();
        let mut whole: Vec<_> = host.entries().iter().map(|entry| host.held_by(entry)).collect();
        if !scene.is_restore() {
            whole.extend(before.clone());
        }
        run(Command::new("cp").arg("-a").args([base.join("host"), base.join("set")]));
        Self { scene, host, place, whole, before, violations: Vec::new(), struck: 0 }
    }

    fn reset(&self) {
        let (host, set) = (self.place.path("disk/host"), self.place.path("disk/set"));
        fs::remove_dir_all(&host).unwrap();
        run(Command::new("cp").arg("-a").args([set, host]));
    }

    /// The calls of these names that the command makes.
    pub(crate) fn calls(&self, names: &[&str]) -> Vec<Call> {
        self.reset();
        record(&self.host, names, &self.scene.args())
    }

    /// Lets `fault` happen at all of `calls`, looks at what is there, and goes on with the next job. Returns whether the
    /// destination could not be put back as it was.
    pub(crate) fn strike(&mut self, calls: &[&Call], fault: Fault) -> bool {
        self.struck_by(calls, fault, |_| None).is_some_and(|said| is_not_put_back(&said))
    }

    /// The same with a fault that a restore is to get round.
    pub(crate) fn withstand(&mut self, call: &Call, fault: Fault) {
        self.struck_by(&[call], fault, |said| {
            (said.hit() != "exact" || said.warnings() > 0).then(|| "it was not got round".to_owned())
        });
    }

    /// What the command said, unless nothing was struck. `judge` tells what more is wrong with it.
    fn struck_by(
        &mut self,
        calls: &[&Call],
        fault: Fault,
        judge: impl Fn(&Said) -> Option<String>,
    ) -> Option<Said> {
        self.reset();
        let (said, count) = inject(&self.host, calls, fault, &self.scene.args());
        if count == 0 {
            // Only what a save leaves running came to that call.
            return None;
        }
        self.struck += 1;
        let mut wrong = Vec::from_iter(judge(&said));
        self.look(&said, fault, &mut wrong);
        if self.scene != Scene::Cleaning && said.warnings() > count {
            wrong.push("more warnings than faults".into());
        }
        self.go_on(&said, fault, &mut wrong);
        if !wrong.is_empty() {
            let made: Vec<_> = calls.iter().map(|call| format!("{} {}", call.number, call.text)).collect();
            self.violations.push(format!(
                "{:?}, {fault:?} at {}\n  {wrong:#?}\n  {:?}: {}",
                self.scene,
                made.join("\n  and "),
                said.code,
                said.log.trim_end()
            ));
        }
        Some(said)
    }

    /// Right after the fault: the job goes on, and its directory is the old or the new one.
    fn look(&self, said: &Said, fault: Fault, wrong: &mut Vec<String>) {
        let is_told = said.is_success() || (said.code == 1 && is_not_put_back(said));
        let is_command_of_people = self.scene == Scene::Cleaning && said.code == 1;
        match fault {
            Fault::Death if !said.was_ended_by(9) && !said.is_success() => {
                wrong.push("it ended otherwise".into());
            }
            Fault::Error(_) | Fault::Lasting(_) if !is_told && !is_command_of_people => {
                wrong.push("the job would fail".into());
            }
            _ => {}
        }
        if said.log.contains("panicked") {
            wrong.push("a panic".into());
        }
        if matches!(fault, Fault::Error(errno) | Fault::Lasting(errno) if errno != "EIO")
            && said.log.contains("damaged entry")
        {
            wrong.push("no entry is damaged".into());
        }
        // Whoever dies in the middle of the renames leaves both versions' files: the next restore makes it right.
        let may_be_mixed = is_not_put_back(said) || matches!(fault, Fault::Death);
        if self.scene.is_restore() && !may_be_mixed {
            self.look_at_target(said, wrong);
        }
    }

    fn look_at_target(&self, said: &Said, wrong: &mut Vec<String>) {
        let plain = |listing: Option<&Listing>| listing.cloned().map(after_fault);
        let (before, new) = (plain(self.before.as_ref()), plain(self.whole.last()));
        let after = plain(self.host.listing().as_ref());
        if after == before {
            if said.hit() == "exact" {
                wrong.push("told a hit, but the destination is as it was".into());
            }
        } else if after == new {
            if said.hit() == "miss" {
                wrong.push("told a miss, but the destination is that of the entry".into());
            }
        } else {
            let difference = match (&after, &before) {
                (Some(after), Some(before)) => before.difference(after),
                (Some(_), None) => "there is something".to_owned(),
                (None, _) => "there is nothing".to_owned(),
            };
            wrong.push(format!("the destination is neither the old nor the new one: {difference}"));
        }
    }

    /// The next job on this host, without faults.
    fn go_on(&self, struck: &Said, fault: Fault, wrong: &mut Vec<String>) {
        let host = &self.host;
        // The runner empties it between two jobs.
        fs::remove_dir_all(host.path("temp")).unwrap();
        fs::create_dir(host.path("temp")).unwrap();
        let mut succeed = |args: &[&str]| {
            let said = host.run(args);
            let is_clean = said.is_success() && said.warnings() == 0;
            if !is_clean {
                wrong.push(format!("afterwards {}: {:?}: {}", args[0], said.code, said.log));
            }
            said
        };
        let restore = [&["restore", "--no-session"], &UNGUARDED[..]].concat();
        // A disk that cannot be read damages the entry; a save that failed left none.
        let may_miss =
            struck.log.contains("damaged entry") || (self.scene == Scene::FirstSave && !struck.has_saved());
        if !self.scene.is_restore() {
            host.remove_target();
        }
        let said = succeed(&restore);
        let after = host.listing();
        let is_whole = after.as_ref().is_some_and(|after| self.whole.contains(after));
        let mut missed = None;
        match said.hit() {
            "exact" if !is_whole => missed = Some("a hit that brought something else".to_owned()),
            "exact" => {}
            _ if !may_miss => missed = Some(format!("the next restore is no hit: {}", said.log)),
            _ => {}
        }
        succeed(&["gc", "--min-free", "1KB"]);
        // A restore that found nothing had no business in the workspace.
        let mut debris = if said.hit() == "exact" { host.debris() } else { Vec::new() };
        host.remove_target();
        plant(&host.target(), Version::Old);
        fs::write(host.target().join("debug/next"), format!("{fault:?}")).unwrap();
        let planted = host.listing();
        let saved = succeed(&[&["save", "--save", "always"], &UNGUARDED[..]].concat());
        host.remove_target();
        succeed(&restore);
        let restored = host.listing();
        debris.extend(host.debris());
        wrong.extend(missed);
        if !debris.is_empty() {
            wrong.push(format!("debris is left: {debris:?}"));
        }
        if !saved.has_saved() {
            wrong.push(format!("the next save made no entry: {}", saved.log));
        }
        if restored != planted {
            wrong.push("the next save's entry does not come back".into());
        }
    }

    /// Panics if anything was not as it must be, or nothing was struck.
    pub(crate) fn judge(self) {
        let Self { scene, violations, struck, .. } = self;
        println!("{scene:?}: {struck} faults");
        assert!(struck > 0, "the test is about something");
        let shown: Vec<_> = violations.iter().take(20).map(String::as_str).collect();
        assert!(violations.is_empty(), "{} of {struck} faults:\n{}", violations.len(), shown.join("\n\n"));
    }
}

/// A directory as it may be right after a fault: an undone rename changes the times of directories, and a temporary directory
/// that could not be removed waits for the next restore.
fn after_fault(listing: Listing) -> Listing {
    listing.only(|path| !path.iter().any(|name| is_temporary(name.as_ref()))).without_times_of_directories()
}

fn is_not_put_back(said: &Said) -> bool {
    said.log.contains("could not be put back after a failure")
}
