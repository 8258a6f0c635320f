//! A job's host that does random things.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use fastrand::Rng;
use rustix::process::Signal;
use test_support::files::{self, inside, remove};
use test_support::project;

use crate::action::Action;
use crate::arena::{Arena, KEYS};
use crate::check;
use crate::child::{self, Kill};
use crate::edit::Editor;
use crate::fault;
use crate::layout::Layout;
use crate::listing::{Found, Listing, scan};
use crate::said::{End, Said};
use crate::wrong::Wrong;

/// What a restore and a save are to leave of the disk to others: this is not about full disks.
const LIMITS: [&str; 4] = ["--disk-guard", "off", "--min-free", "0%"];

pub(crate) struct Worker<'a> {
    arena: &'a Arena,
    number: usize,
    directory: PathBuf,
    rng: Rng,
    log: File,
    /// Whether children are killed.
    kills: bool,
    /// By layout: whether a restore into it was killed, and none has made it right since.
    half_made: [bool; Layout::ALL.len()],
}

impl<'a> Worker<'a> {
    pub(crate) fn new(arena: &'a Arena, number: usize) -> Self {
        let directory = arena.worker(number);
        for name in ["home", "temp", "said", "plain"] {
            fs::create_dir_all(directory.join(name)).unwrap();
        }
        project::lay_out(&directory.join("cargo"), "1.0.0");
        files::write(&directory.join("cargo/src/lib.rs"), "");
        let log = File::options().create(true).append(true).open(directory.join("log")).unwrap();
        let seed = arena.settings.seed.wrapping_add(number as u64);
        Self { arena, number, directory, rng: Rng::with_seed(seed), log, kills: true, half_made: [false; 2] }
    }

    /// The same without any kills.
    pub(crate) fn in_peace(arena: &'a Arena, number: usize) -> Self {
        Self { kills: false, ..Self::new(arena, number) }
    }

    /// Goes on until the time is over, or something is wrong.
    pub(crate) fn work(mut self) -> Result<(), Wrong> {
        while !self.arena.is_over() {
            self.step().map_err(|wrong| wrong.at(format_args!("worker {}", self.number)))?;
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), Wrong> {
        let layout = Layout::ALL[self.rng.usize(..Layout::ALL.len())];
        match self.rng.usize(0..100) {
            0..35 => self.restore(layout, false),
            35..60 => self.save(layout),
            60..75 => self.whole_job(layout),
            75..82 => self.gc(),
            82..85 => self.remove(),
            85..89 => self.verify(),
            89..91 => self.tell(Action::List),
            91..92 => self.tell(Action::Du),
            92..93 => self.tell(Action::Flush),
            _ => {
                self.injure();
                Ok(())
            }
        }
    }

    /// Restores some key into what is there, or where nothing is.
    fn restore(&mut self, layout: Layout, leaves_session: bool) -> Result<(), Wrong> {
        let tree = self.tree(layout);
        // What a killed restore left is for the next one to make right.
        let is_half_made = self.half_made[layout as usize];
        if self.rng.f64() < if is_half_made { 0.1 } else { 0.3 } {
            remove(&tree);
        }
        let mut arguments = vec!["--key", self.key()];
        if self.rng.f64() < 0.3 {
            arguments.extend(["--restore-keys", "k"]);
        }
        if !leaves_session {
            arguments.push("--no-session");
        }
        let mode = ["auto", "auto", "auto", "hardlink", "copy"][self.rng.usize(..5)];
        arguments.extend(["--link-mode", mode]);
        self.restore_with(layout, &arguments).map(drop)
    }

    /// Restores, and compares the destination with what it may be. Returns the tree's listing after a hit.
    pub(crate) fn restore_with(
        &mut self,
        layout: Layout,
        arguments: &[&str],
    ) -> Result<Option<Listing>, Wrong> {
        let tree = self.tree(layout);
        let before = self.scan(layout)?;
        let said = self.ask(Action::Restore, layout, &[layout.inputs(), &LIMITS, arguments].concat())?;
        said.expect(&[0])?;
        let after = self.scan(layout)?;
        let checked = match (said.end, said.matched_key()) {
            (End::Killed(Signal::KILL), _) => {
                // A tree that was half-made and is gone now is so no more.
                let is_between =
                    before.is_some() && check::unchanged(before.as_ref(), after.as_ref()).is_err();
                self.half_made[layout as usize] =
                    after.is_some() && (self.half_made[layout as usize] && before.is_some() || is_between);
                self.arena.figures.add(if is_between { "half_made" } else { "left_whole" }, 1);
                check::killed(layout, before.as_ref(), after.as_ref()).map(|()| None)
            }
            (_, Some(key)) => check::hit(layout, before.as_ref(), after.as_ref(), key).map(|()| {
                self.count_hit(layout, &said, before.is_some(), after.as_ref());
                after.and_then(|after| after.listing)
            }),
            (_, None) => {
                let name = if said.was_killed() { "cancelled_and_unchanged" } else { "misses" };
                self.arena.figures.add(name, 1);
                check::unchanged(before.as_ref(), after.as_ref()).map(|()| None)
            }
        };
        checked.map_err(|wrong| wrong.at(format_args!("{}, {said:?}", tree.display())))
    }

    fn count_hit(&mut self, layout: Layout, said: &Said, was_there: bool, after: Option<&Found>) {
        let figures = &self.arena.figures;
        let is_exact = said.outputs.get("cache-hit").is_some_and(|hit| hit == "true");
        figures.add(if is_exact { "hits.exact" } else { "hits.partial" }, 1);
        if std::mem::take(&mut self.half_made[layout as usize]) && was_there {
            figures.add("repaired", 1);
        }
        if let Some(after) = after {
            figures.add("trees_compared", 1);
            figures.add("files_compared", after.files);
            figures.add("bytes_compared", after.bytes);
        }
    }

    /// Changes the tree and saves it.
    fn save(&mut self, layout: Layout) -> Result<(), Wrong> {
        if self.half_made[layout as usize] && self.rng.f64() < 0.8 {
            return self.restore(layout, false);
        }
        let key = self.key();
        self.change(layout, key)?;
        self.save_with(layout, &[layout.inputs(), &["--key", key]].concat()).map(drop)
    }

    /// Changes the tree, or makes one, to be saved under `key`.
    pub(crate) fn change(&mut self, layout: Layout, key: &str) -> Result<(), Wrong> {
        let found = self.scan(layout)?;
        let is_fine = found.as_ref().is_some_and(|found| {
            found.listing.as_ref().is_some_and(|listing| listing.key == key && listing.items == found.items)
        });
        if is_fine && self.rng.f64() < 0.15 {
            return Ok(());
        }
        self.half_made[layout as usize] = false;
        let (tree, workbench) = (self.tree(layout), self.directory.join("workbench"));
        let mut editor = Editor { arena: self.arena, rng: &mut self.rng, tree: &tree, workbench: &workbench };
        if found.is_none() {
            editor.grow(layout);
        }
        editor.change();
        editor.sign(key)
    }

    /// Saves. The tree itself stays as it is. Tells whether there is an entry now.
    pub(crate) fn save_with(&mut self, layout: Layout, arguments: &[&str]) -> Result<bool, Wrong> {
        let before = self.scan(layout)?;
        let keep = self.rng.usize(4..9);
        let keep = format!("paths={keep},target={keep}");
        let limits = [&LIMITS[..], &["--save", "always", "--keep", &keep]].concat();
        let said = self.ask(Action::Save, layout, &[arguments, &limits].concat())?;
        said.expect(&[0])?;
        let after = self.scan(layout)?;
        check::unchanged(before.as_ref(), after.as_ref())
            .map_err(|wrong| wrong.at(format_args!("after a save, {said:?}")))?;
        if said.has_saved() {
            self.arena.figures.add("saves", 1);
        } else if !said.was_killed() {
            self.arena.figures.add("saves_failed", 1);
        }
        Ok(said.has_saved())
    }

    /// A restore that leaves a session, a change, and the save of that session; again where it was killed.
    fn whole_job(&mut self, layout: Layout) -> Result<(), Wrong> {
        self.restore(layout, true)?;
        let sessions = self.directory.join("temp/runner-cache-sessions");
        if let Some(key) = key_of_session(&sessions) {
            self.change(layout, &key)?;
            let saved = self.save_with(layout, &[])?;
            if !saved {
                self.save_with(layout, &[])?;
            }
        }
        // The runner empties this directory between two jobs.
        remove(&sessions);
        Ok(())
    }

    fn gc(&mut self) -> Result<(), Wrong> {
        let keep = self.rng.usize(1..5);
        let keep = format!("paths={keep},target={keep}");
        let size = format!("{}kB", self.rng.usize(100..5_000));
        let limit = match self.rng.usize(0..50) {
            0..25 => ["--keep", &keep],
            25..45 => ["--max-size", &size],
            45..49 => ["--max-age", "1d"],
            // Everything goes, and the quarantine is emptied.
            _ => ["--min-free", "90%"],
        };
        self.ask_root(Action::Gc, &[&["--min-free", "0%"], &limit[..]].concat())?.expect(&[0])
    }

    fn remove(&mut self) -> Result<(), Wrong> {
        let key = if self.rng.usize(..8) == 0 { "k*" } else { self.key() };
        let said = self.ask_root(Action::Remove, &[key])?;
        if said.log.contains("no entry in") || said.log.contains("in use") {
            return said.expect(&[1]);
        }
        said.expect(&[0])
    }

    fn verify(&mut self) -> Result<(), Wrong> {
        let deep: &[&str] = if self.rng.usize(..3) == 0 { &["--deep"] } else { &[] };
        let said = self.ask_root(Action::Verify, deep)?;
        said.expect(if said.log.contains("damaged: ") { &[1] } else { &[0] })
    }

    fn tell(&mut self, action: Action) -> Result<(), Wrong> {
        self.ask_root(action, &[])?.expect(&[0])
    }

    fn injure(&mut self) {
        if let Some(kind) = fault::injure(&self.arena.root(), &self.arena.injured, &mut self.rng) {
            self.arena.figures.add(format!("damages.{kind}"), 1);
            writeln!(self.log, "{:.3} damage: {kind}", self.arena.elapsed().as_secs_f64()).unwrap();
        }
    }

    /// Runs a command about the whole cache.
    pub(crate) fn ask_root(&mut self, action: Action, arguments: &[&str]) -> Result<Said, Wrong> {
        // Without a cache these have nothing to do, and say so.
        fs::create_dir_all(self.arena.root()).unwrap();
        self.ask(action, Layout::Path, arguments)
    }

    /// Runs the program, which may be killed.
    fn ask(&mut self, action: Action, layout: Layout, arguments: &[&str]) -> Result<Said, Wrong> {
        let kill = self.kill(action, layout);
        let command = self.command(action, layout, arguments);
        let injuries = self.arena.injured.count();
        let (said, took) = child::run(command, kill, &self.directory.join("said"))?;
        let figures = &self.arena.figures;
        figures.add(format!("commands.{}", action.name()), 1);
        if said.evicted() > 0 {
            figures.add(format!("evictions.{}", action.name()), said.evicted());
        }
        let how = match said.end {
            End::Killed(signal) => {
                let signal = if signal == Signal::KILL { "SIGKILL" } else { "SIGTERM" };
                figures.add(format!("kills.{}.{signal}", action.name()), 1);
                signal.to_owned()
            }
            End::Exit(code) => {
                self.arena.pace.note(action, took);
                code.to_string()
            }
        };
        let at = self.arena.elapsed().as_secs_f64();
        writeln!(self.log, "{at:.3} {how} in {took:?}: {}", said.command).unwrap();
        self.log.write_all(said.log.as_bytes()).unwrap();
        let was_injured = injuries != self.arena.injured.count();
        for warning in said.warnings() {
            figures.add("warnings", 1);
            if let Err(warning) = warning
                && !was_injured
            {
                return Err(said.wrong(&format!("warned without a reason: {warning}")));
            }
        }
        Ok(said)
    }

    fn command(&self, action: Action, layout: Layout, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_runner-cache"));
        command.arg(action.name()).args(arguments).arg("--cache-root").arg(self.arena.root());
        command.current_dir(self.directory.join(layout.workspace())).env_clear();
        // Two workers are of one lane.
        let job = format!("job-{}", self.number / 2);
        command.envs([("GITHUB_REPOSITORY", "o/r"), ("GITHUB_REF", "refs/heads/main"), ("GITHUB_JOB", &job)]);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.directory.join("home")).env("RUNNER_TEMP", self.directory.join("temp"));
        if layout == Layout::Target {
            command.env("CARGO_TARGET_DIR", self.tree(layout));
        }
        command
    }

    fn kill(&mut self, action: Action, layout: Layout) -> Option<Kill> {
        if !self.kills || self.rng.f64() > 0.3 {
            return None;
        }
        let signal = if self.rng.usize(..4) == 0 { Signal::TERM } else { Signal::KILL };
        let share = self.rng.f64() * 1.1;
        let destination = self.tree(layout);
        if action == Action::Restore && destination.exists() && self.rng.f64() < 0.6 {
            // A destination is half-made for a small part of the time only, soon after this.
            let after = self.arena.pace.of(action).mul_f64(share * 0.5);
            return Some(Kill { signal, after, sight: Some(destination) });
        }
        Some(Kill { signal, after: self.arena.pace.of(action).mul_f64(share), sight: None })
    }

    fn key(&mut self) -> &'static str {
        KEYS[self.rng.usize(..KEYS.len())]
    }

    /// Where the tree of a layout is restored to.
    pub(crate) fn tree(&self, layout: Layout) -> PathBuf {
        match layout {
            Layout::Path => self.directory.join("plain/tree"),
            Layout::Target => self.arena.target(self.number),
        }
    }

    fn scan(&self, layout: Layout) -> Result<Option<Found>, Wrong> {
        scan(&self.tree(layout))
    }
}

/// The key that a session is to save under; `None` where there is no session.
fn key_of_session(pointers: &Path) -> Option<String> {
    let pointer = inside(pointers).into_iter().next()?;
    let session = fs::read_to_string(fs::read_to_string(pointer).ok()?).ok()?;
    let session: serde_json::Value = serde_json::from_str(&session).unwrap();
    Some(session["value"]["layers"][0]["plan"]["key"].as_str().unwrap().to_owned())
}
