//! Other processes, as `/proc` tells of them: those that work in a directory, and those that this one descends from.

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, readlinkat};
use rustix::io::{Errno, retry_on_intr};
use rustix::param::clock_ticks_per_second;
use rustix::process::{Pid, PidfdFlags, getpid, pidfd_open};

use super::error::{Named as _, Result};
use super::file;

/// A process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: Pid,
    /// Its name, as `ps` shows it.
    pub name: String,
}

/// A process that works in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtWork {
    /// Which one.
    pub process: Process,
    /// Its working directory, or a file that it has open.
    pub path: PathBuf,
}

/// A process that has its working directory or an open file in `directory`. Neither this one counts nor those that it descends from,
/// nor those that `counts` refuses by their environment. Processes of other users cannot be seen, but by root.
///
/// # Errors
///
/// `directory` cannot be resolved, or there is no `/proc`.
pub fn at_work_in(directory: &Path, counts: impl Fn(&[u8]) -> bool) -> Result<Option<AtWork>> {
    let directory = file::canonicalize(directory)?;
    let own = lineage();
    for pid in numbers(Path::new("/proc"))? {
        if own.contains(&pid) {
            continue;
        }
        let of = PathBuf::from(format!("/proc/{}", pid.as_raw_pid()));
        let links = [of.join("cwd")].into_iter().chain(
            // A process that ends meanwhile works nowhere.
            file::names(&of.join("fd")).unwrap_or_default().into_iter().map(|name| of.join("fd").join(name)),
        );
        let used = links.filter_map(|link| target(&link)).find(|path| path.starts_with(&directory));
        if let Some(path) = used
            && counts(&file::read(&of.join("environ")).unwrap_or_default())
        {
            return Ok(Some(AtWork { process: Process { pid, name: name(pid) }, path }));
        }
    }
    Ok(None)
}

/// How long after the host's boot the oldest process started whose program lies in `directory`; `None` where none runs.
///
/// # Errors
///
/// `directory` cannot be resolved, or there is no `/proc`.
pub fn runs_since(directory: &Path) -> Result<Option<Duration>> {
    let directory = file::canonicalize(directory)?;
    let is_its = |pid: &Pid| program_of(*pid).is_some_and(|program| program.starts_with(&directory));
    let started = |pid: Pid| {
        let ticks: u64 = field(pid, 22)?.parse().ok()?;
        Some(Duration::from_millis(ticks * 1000 / clock_ticks_per_second()))
    };
    Ok(numbers(Path::new("/proc"))?.into_iter().filter(is_its).filter_map(started).min())
}

/// The file that a process runs; `None` where that is not to be seen.
pub fn program_of(pid: Pid) -> Option<PathBuf> {
    target(Path::new(&format!("/proc/{}/exe", pid.as_raw_pid())))
}

/// The name of a process, as `ps` shows it; `None` where it is gone.
pub fn name_of(pid: u32) -> Option<String> {
    let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
    Some(name(pid)).filter(|name| !name.is_empty())
}

/// The nearest process of this name that this one descends from.
pub fn ancestor(wanted: &str) -> Option<Pid> {
    // The kernel keeps the first fifteen bytes.
    let wanted = &wanted[..wanted.len().min(15)];
    lineage().into_iter().skip(1).find(|&pid| name(pid) == wanted)
}

/// A process to wait for, also if it is no child of this one.
#[derive(Debug)]
pub struct Awaited(Option<OwnedFd>);

impl Awaited {
    /// Takes hold of the process: from now on it is this one, even if its number is given to another. One that is not there has
    /// ended: whoever gave its number saw it.
    ///
    /// # Errors
    ///
    /// The kernel knows no such descriptors, or there is no room for one.
    pub fn new(pid: Pid) -> Result<Self> {
        let of = || PathBuf::from(format!("/proc/{}", pid.as_raw_pid()));
        match pidfd_open(pid, PidfdFlags::empty()) {
            Err(Errno::SRCH) => Ok(Self(None)),
            opened => opened.map(Some).map(Self).named("wait for", of),
        }
    }

    /// Waits until it has ended, or `longest` is over; whether it has.
    pub fn ends_within(&self, longest: Duration) -> bool {
        self.0.as_ref().is_none_or(|process| is_readable_within(process, longest))
    }
}

/// Waits until there is something to read, or nothing will come any more; `false` if `longest` is over before.
pub fn is_readable_within(file: impl AsFd, longest: Duration) -> bool {
    let time = Timespec { tv_sec: longest.as_secs().cast_signed(), tv_nsec: longest.subsec_nanos().into() };
    let mut polled = [PollFd::new(&file, PollFlags::IN)];
    retry_on_intr(|| poll(&mut polled, Some(&time))).is_ok_and(|ready| ready > 0)
}

/// Waits until nobody is at the other end of `terminal` any more; `false` where that cannot be known.
pub fn is_hung_up(terminal: impl AsFd) -> bool {
    let mut polled = [PollFd::new(&terminal, PollFlags::empty())];
    retry_on_intr(|| poll(&mut polled, None)).is_ok()
}

/// This process, its parent, and so on.
fn lineage() -> Vec<Pid> {
    let mut lineage = vec![getpid()];
    while let Some(parent) = lineage.last().copied().and_then(parent) {
        lineage.push(parent);
    }
    lineage
}

fn parent(pid: Pid) -> Option<Pid> {
    Pid::from_raw(field(pid, 4)?.parse().ok()?)
}

/// A field of `stat` behind the name, which is the second one and may hold anything. See proc(5).
fn field(pid: Pid, number: usize) -> Option<String> {
    let stat = file::read(Path::new(&format!("/proc/{}/stat", pid.as_raw_pid()))).ok()?;
    let behind_name = stat.iter().rposition(|&byte| byte == b')')? + 1;
    let text = std::str::from_utf8(&stat[behind_name..]).ok()?;
    text.split_whitespace().nth(number - 3).map(str::to_owned)
}

fn name(pid: Pid) -> String {
    let name = file::read(Path::new(&format!("/proc/{}/comm", pid.as_raw_pid()))).unwrap_or_default();
    String::from_utf8_lossy(&name).trim_end_matches('\n').to_owned()
}

fn numbers(directory: &Path) -> Result<Vec<Pid>> {
    let names = file::names(directory)?;
    Ok(names.iter().filter_map(|name| Pid::from_raw(name.to_str()?.parse().ok()?)).collect())
}

/// Where a link of `/proc` leads, without what is said of files that are gone.
fn target(link: &Path) -> Option<PathBuf> {
    let target = readlinkat(CWD, link, Vec::new()).ok()?.into_bytes();
    let target = target.strip_suffix(b" (deleted)").unwrap_or(&target);
    target.starts_with(b"/").then(|| OsStr::from_bytes(target).into())
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn who_works_in_a_directory_is_found_and_who_does_not_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let inner = directory.path().join("a/b");
        std::fs::create_dir_all(&inner).unwrap();
        let look =
            || at_work_in(directory.path(), |environment| environment.windows(7).any(|w| w == b"OURS=1\0"));
        assert_eq!(look().unwrap(), None);
        let spawn = |ours: &str, place: &Path| {
            let mut command = Command::new("cat");
            command.env("OURS", ours).current_dir(place).stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut child = command.spawn().unwrap();
            // Until it answers its environment may not be there yet.
            child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
            child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
            child
        };
        let (mut other, mut elsewhere) = (spawn("0", &inner), spawn("1", Path::new("/")));
        assert_eq!(look().unwrap(), None, "of another job, or in another directory");
        let mut worker = spawn("1", &inner);
        let found = look().unwrap().unwrap();
        assert_eq!((found.process.pid, found.process.name.as_str()), (Pid::from_child(&worker), "cat"));
        assert!(found.path.ends_with("a/b"));
        let awaited = Awaited::new(Pid::from_child(&worker)).unwrap();
        assert!(!awaited.ends_within(Duration::from_millis(1)));
        drop(worker.stdin.take());
        assert!(awaited.ends_within(Duration::from_secs(60)));
        for child in [&mut other, &mut elsewhere] {
            drop(child.stdin.take());
        }
        let ended = Pid::from_child(&worker);
        for mut child in [worker, other, elsewhere] {
            child.wait().unwrap();
        }
        assert!(
            Awaited::new(ended).unwrap().ends_within(Duration::ZERO),
            "it ended before it could be waited for"
        );
    }

    #[test]
    fn a_program_of_a_directory_runs_since_its_start() {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("program");
        // Not by this process: what other tests start meanwhile would have the file open for writing.
        assert!(Command::new("cp").arg("/bin/cat").arg(&program).status().unwrap().success());
        assert_eq!(runs_since(directory.path()).unwrap(), None);
        let before = crate::sys::since_boot();
        let mut child = Command::new(&program).stdin(Stdio::piped()).spawn().unwrap();
        let since = runs_since(directory.path()).unwrap().unwrap();
        let tick = Duration::from_millis(10);
        assert!(before < since + tick && since <= crate::sys::since_boot(), "{since:?}");
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(runs_since(directory.path()).unwrap(), None);
    }

    #[test]
    fn this_process_descends_from_the_first() {
        let lineage = lineage();
        assert_eq!((lineage[0], lineage.last().map(|pid| pid.as_raw_pid())), (getpid(), Some(1)));
        assert_eq!(ancestor("no process has such a name"), None);
    }
}
