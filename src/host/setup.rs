//! Makes what is planned, and lets systemd know.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::error::{Error, Result, refused};
use super::facts::Facts;
use super::piece::{Making, Piece, State};
use super::plan::{self, Plan};
use super::record::{RECORD, Record};
use super::runners::Runner;
use super::system::System;
use super::units::{DROP_IN, TMPFILES, UNITS};
use crate::cli::HostSetup;
use crate::outcome::HostPiece;
use crate::sys::{ask, changeable_by_others, file};

/// How long systemd has for an order.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where its command is.
const SYSTEMCTL: [&str; 2] = ["/usr/bin/systemctl", "/bin/systemctl"];

/// What of a plan is there, and what is left to do.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(super) plan: Plan,
    /// The pieces, with what is there of each; the record is the first.
    pub(super) states: Vec<(Piece, State)>,
    /// Orders to systemd.
    pub(super) orders: Vec<Vec<String>>,
    pub(super) runners: Vec<Runner>,
    pub(super) troubles: Vec<String>,
}

impl Setup {
    /// Plans what `setup` asks for, and compares it with what is there. Nothing is touched.
    pub(crate) fn look(system: &System, setup: &HostSetup) -> Result<Self> {
        Self::look_at(system, setup, |_| true)
    }

    /// The same, of the pieces that `is_meant`.
    fn look_at(system: &System, setup: &HostSetup, is_meant: fn(&Piece) -> bool) -> Result<Self> {
        let facts = Facts::gather(system, setup)?;
        let mut plan = plan::plan(&facts).map_err(|error| with_troubles(error, &facts.troubles))?;
        let pieces = std::mem::take(&mut plan.pieces).into_iter().filter(is_meant);
        let states = pieces.map(|piece| Ok((piece.state(system)?, piece))).collect::<Result<Vec<_>>>()?;
        let mut states: Vec<_> = states.into_iter().map(|(state, piece)| (piece, state)).collect();
        let left_over = left_over(system, &facts, &states)?;
        let text = recorded(system, &facts, &states).text()?;
        let piece = Piece::File { path: RECORD.into(), text, is_page: false };
        let state = piece.state(system)?;
        states.insert(0, (piece, state));
        if system.is_live() {
            check_places(&states)?;
        }
        let orders =
            if system.is_live() && facts.has_systemd { orders(&states, &plan.timers) } else { Vec::new() };
        let Facts { runners, troubles, .. } = facts;
        plan.notes.extend(restarts(&states, &runners, system.is_live()));
        plan.notes.extend(left_over);
        Ok(Self { plan, states, orders, runners, troubles })
    }

    /// The pieces to be made.
    pub(super) fn to_make(&self) -> impl Iterator<Item = &(Piece, State)> {
        self.states.iter().filter(|(piece, state)| piece.is_to_make(state))
    }

    /// Each piece with what is there of it, or what became of it.
    pub(crate) fn pieces(&self, making: Making) -> Vec<HostPiece> {
        self.states.iter().map(|(piece, state)| piece.shown(state, making)).collect()
    }

    /// Whether there is nothing to do.
    pub(crate) fn is_done(&self) -> bool {
        self.to_make().next().is_none()
    }

    /// Whether something is missing.
    pub(crate) fn is_lacking(&self) -> bool {
        let is_lacking = |(piece, state): &(Piece, State)| {
            let is_shared = matches!(piece, Piece::Policy { .. } | Piece::Variables { .. });
            matches!(state, State::Absent | State::Foreign(_)) || is_shared && *state != State::There
        };
        self.states.iter().any(is_lacking)
    }

    /// Refuses what stands in the way, before anything is touched.
    pub(crate) fn check(&self) -> Result<()> {
        let foreign = self.states.iter().filter_map(|(piece, state)| match state {
            State::Foreign(what) => Some(format!("{} is {what}", piece.path().display())),
            _ => None,
        });
        let foreign: Vec<_> = foreign.collect();
        match foreign.as_slice() {
            [] => Ok(()),
            [one] if one.contains("hint: ") => refused(one.clone()),
            all => refused(format!("{}; hint: move it away, and set up again", all.join("; "))),
        }
    }

    /// Makes it.
    pub(crate) fn make(&self, system: &System) -> Result<()> {
        check_user(system, "setup")?;
        for (piece, _) in self.to_make() {
            piece.make(system)?;
        }
        self.orders.iter().try_for_each(|order| obey(order))
    }
}

/// Writes the rules by which systemd's cleaner leaves the cache directories alone, and the record of them. Returns what was
/// written.
pub(crate) fn exclude_from_cleaner(system: &System) -> Result<Vec<PathBuf>> {
    let is_rules = |piece: &Piece| piece.path() == Path::new(TMPFILES);
    let setup = Setup::look_at(system, &HostSetup::default(), is_rules)?;
    setup.check()?;
    setup.make(system)?;
    Ok(setup.to_make().map(|(piece, _)| piece.path().to_path_buf()).collect())
}

/// What could not be read may be why nothing can be planned.
fn with_troubles(error: Error, troubles: &[String]) -> Error {
    match error {
        Error::Refused(why) if !troubles.is_empty() => {
            Error::Refused(format!("{why} (not read: {})", troubles.join("; ")))
        }
        other => other,
    }
}

/// Refuses directories that another user could move away, with others of theirs in the place.
fn check_places(states: &[(Piece, State)]) -> Result<()> {
    for (piece, _) in states {
        if let Piece::Directory { path, owner, .. } = piece
            && let Some(place) = changeable_by_others(path, owner.user)?
        {
            return refused(format!(
                "{} can be changed by users other than root and the owner of {}; hint: name another in `--root`",
                place.display(),
                path.display()
            ));
        }
    }
    Ok(())
}

/// What is asked of this host needs rights that only root has.
pub(super) fn check_user(system: &System, command: &str) -> Result<()> {
    if system.is_live() && !rustix::process::geteuid().is_root() {
        return refused(format!(
            "only root can write to /etc, /usr/local and {UNITS}; hint: `sudo runner-cache host {command}`; `--dry-run` shows what \
             it would do, `--destdir` is for images"
        ));
    }
    Ok(())
}

/// The record as it is when all pieces are made.
fn recorded(system: &System, facts: &Facts, states: &[(Piece, State)]) -> Record {
    let mut record = facts.record.clone().unwrap_or_default();
    record.request.clone_from(&facts.request);
    let own = [Path::new(RECORD)];
    let to_make = || states.iter().filter(|(piece, state)| piece.is_to_make(state)).map(|(piece, _)| piece);
    for path in own.into_iter().chain(to_make().map(Piece::path)) {
        let above = path.parent().map(|parent| system.absent(parent)).unwrap_or_default();
        record.directories.extend(above);
    }
    for piece in to_make() {
        let path = piece.path().to_path_buf();
        match piece {
            Piece::Directory { .. } => record.directories.push(path),
            Piece::File { .. } | Piece::Policy { before: None, .. } => record.files.push(path),
            Piece::Policy { added, .. } => record.policy_lines.extend_from_slice(added),
            Piece::Variables { .. } => record.variables.push(path),
            Piece::Link { target, .. } => drop(record.links.insert(path, target.clone())),
            Piece::Archive { sha256, .. } => drop(record.archives.insert(path, sha256.clone())),
        }
    }
    without_repetitions(&mut record.directories);
    without_repetitions(&mut record.files);
    without_repetitions(&mut record.variables);
    record
}

fn without_repetitions(paths: &mut Vec<PathBuf>) {
    let mut seen = BTreeSet::new();
    paths.retain(|path| seen.insert(path.clone()));
}

/// Files of an earlier setup that this one has no use for.
fn left_over(system: &System, facts: &Facts, states: &[(Piece, State)]) -> Result<Vec<String>> {
    let mut left = Vec::new();
    for path in facts.record.iter().flat_map(|record| &record.files) {
        let is_planned = || states.iter().any(|(piece, _)| piece.path() == path);
        if path != Path::new(RECORD) && !is_planned() && system.at(path)?.is_some() {
            left.push(format!(
                "{} is from an earlier setup and unused; hint: `host remove`, then set up again",
                path.display()
            ));
        }
    }
    Ok(left)
}

/// What systemd has to be told.
fn orders(states: &[(Piece, State)], timers: &[String]) -> Vec<Vec<String>> {
    let made: Vec<_> = states
        .iter()
        .filter(|(piece, state)| piece.is_to_make(state))
        .map(|(piece, _)| piece.path())
        .collect();
    let mut orders = Vec::new();
    if made.iter().any(|path| path.starts_with(UNITS)) {
        orders.push(vec!["daemon-reload".to_owned()]);
    }
    let is_new = |timer: &&String| made.iter().any(|path| path.ends_with(timer.as_str()));
    let enable = |timer: &String| ["enable", "--now", timer].map(str::to_owned).into();
    orders.extend(timers.iter().filter(is_new).map(enable));
    orders
}

/// Runners whose variables change, which they read when they start.
fn restarts(states: &[(Piece, State)], runners: &[Runner], is_live: bool) -> Vec<String> {
    let is_changed = |path: &Path| {
        is_live && states.iter().any(|(piece, state)| piece.path() == path && piece.is_to_make(state))
    };
    let is_of = |runner: &&Runner| {
        let drop_in = |unit: &String| Path::new(UNITS).join(format!("{unit}.d")).join(DROP_IN);
        is_changed(&runner.directory.join(".env"))
            || runner.unit.as_ref().is_some_and(|unit| is_changed(&drop_in(unit)))
    };
    runners.iter().filter(is_of).map(Runner::restart).collect()
}

/// Gives systemd an order.
pub(super) fn obey(order: &[String]) -> Result<()> {
    let told = || format!("systemctl {}", order.join(" "));
    let program = SYSTEMCTL.map(Path::new).into_iter().find(|path| file::is_file(path));
    let done = program.and_then(|program| ask(Command::new(program).args(order), PATIENCE));
    done.map(drop).ok_or_else(|| Error::Command(told()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::file;

    #[test]
    fn exclusion_is_the_rules_of_a_setup_and_nothing_else_of_it() {
        let image = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = image.path().join(path);
            file::make_dirs(path.parent().unwrap()).unwrap();
            file::write_atomic(&path, text.as_bytes()).unwrap();
        };
        let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        write("etc/passwd", &format!("ci:x:{user}:{group}::/home/ci:/bin/sh\n"));
        write("etc/runner-cache.yml", "cache-root: /var/tmp/rc\n");
        write("usr/lib/tmpfiles.d/tmp.conf", "q /var/tmp 1777 root root 30d\n");
        write("home/ci/r/.runner", "{}");
        let system = System::open(Some(image.path())).unwrap();
        let made = exclude_from_cleaner(&system).unwrap();
        assert_eq!(made, [Path::new(RECORD), Path::new(TMPFILES)]);
        let rules = system.text(Path::new(TMPFILES)).unwrap().unwrap();
        assert!(rules.ends_with("\nx /var/tmp/rc\n"), "{rules}");
        for other in [UNITS, "/usr/local", "/var/tmp"] {
            assert!(!file::is_present(&image.path().join(&other[1..])), "{other}");
        }
        assert!(exclude_from_cleaner(&system).unwrap().is_empty(), "it is there");
    }
}
