//! What processes tell that outlive jobs: they have no other place for it. Each has a log of its own, which is locked as long as it
//! runs; the first line tells of which job it is. What was shown once goes to a history.

use std::ffi::OsStr;
use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;

use jiff::{SignedDuration, Timestamp};

use super::{Error, Result, Store};
use crate::sys::{self, Dir, Errno, Lock, LockMode};
use sys::file::TEMPORARY_PREFIX;

/// What was shown, and where it goes when it is long.
const HISTORY: &[u8] = b"after-jobs.log";
const OLDER: &[u8] = b"after-jobs.log.old";

/// How the name of one process's log ends.
const ENDING: &str = ".log";

/// How long the history may become, in bytes; as much of it is kept besides. Of a log as much is read.
const LONGEST: u64 = 1 << 20;

/// How long a log waits for a job that shows it. Without hooks there is none.
const UNSHOWN: SignedDuration = SignedDuration::from_hours(24);

/// How lines begin that tell of trouble: as the runner has it, and as people do.
const TROUBLES: [(&str, &str); 2] = [("::warning", "warning: "), ("::error", "error: ")];

/// Of which job a log is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogOrigin {
    /// When the process was started.
    pub at: Timestamp,
    /// The repository; nothing outside of GitHub.
    pub repository: Option<String>,
    /// The run.
    pub run: Option<String>,
}

/// What a process told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Of which job.
    pub of: LogOrigin,
    /// Its lines, without the runner's commands.
    pub lines: Vec<String>,
}

/// A line that was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Of which job.
    pub of: LogOrigin,
    /// The line.
    pub text: String,
}

impl Store {
    /// Makes the log of a process that is to be started. It is locked as long as somebody has it open.
    pub fn log(&self, of: &LogOrigin) -> Result<File> {
        self.check_writable()?;
        let directory = self.make_directory(&self.logs_directory())?;
        // Else they would pile up on a host without hooks.
        let is_over = |log: &Log| log.lines.is_empty() || of.at.duration_since(log.of.at) > UNSHOWN;
        self.take_from(&directory, is_over)?;
        let name = format!("{}-{:08x}{ENDING}", of.at.strftime("%Y%m%dT%H%M%SZ"), sys::random()?);
        // Under another name until it is locked: nobody takes it for one that is over.
        let made = format!("{TEMPORARY_PREFIX}{name}");
        let file = directory.open_to_append(made.as_bytes(), 0o600)?;
        let path = directory.path().join(&made);
        let mut file = match Lock::try_on(file, &path, LockMode::Exclusive)? {
            Some(lock) => File::from(lock.into_inner()),
            // Nobody else has a reason to lock it.
            None => return Err(sys::Error::new("lock", &path, Errno::WOULDBLOCK).into()),
        };
        let failed = |error| sys::Error::new("write", &path, error);
        file.write_all(format!("{of}\n").as_bytes()).map_err(failed)?;
        directory.rename(made.as_bytes(), &directory, name.as_bytes())?;
        Ok(file)
    }

    /// What processes told that have ended after jobs of `repository`, the oldest first; each is taken once.
    pub fn take_logs(&self, repository: Option<&str>) -> Result<Vec<Log>> {
        match self.logs()? {
            Some(directory) => self.take_from(&directory, |log| log.of.repository.as_deref() == repository),
            None => Ok(Vec::new()),
        }
    }

    /// What was told, shown or not, at most so many of the last lines.
    pub fn last_of_logs(&self, lines: usize) -> Result<Vec<LogLine>> {
        let Some(directory) = self.logs()? else { return Ok(Vec::new()) };
        let mut all = Vec::new();
        for name in [OLDER, HISTORY] {
            let bytes = directory.read_file_up_to(name, 2 * LONGEST)?.unwrap_or_default();
            all.extend(String::from_utf8_lossy(&bytes).lines().filter_map(LogLine::parse));
        }
        for name in log_names(&directory)? {
            if let Some(log) = read(&directory, &name)? {
                let of = log.of;
                all.extend(log.lines.into_iter().map(|text| LogLine { of: of.clone(), text }));
            }
        }
        Ok(all.split_off(all.len().saturating_sub(lines)))
    }

    fn logs(&self) -> Result<Option<Dir>> {
        match self.open_directory(&self.logs_directory()) {
            Err(Error::Sys(error)) if error.is(Errno::NOENT) => Ok(None),
            directory => directory.map(Some),
        }
    }

    /// Moves those logs to the history whose process has ended and that `goes`.
    fn take_from(&self, directory: &Dir, goes: impl Fn(&Log) -> bool) -> Result<Vec<Log>> {
        let mut taken = Vec::new();
        for name in log_names(directory)? {
            let path = directory.path().join(OsStr::from_bytes(&name));
            let file = match directory.open_file(&name) {
                Err(error) if error.is(Errno::NOENT) => continue,
                opened => opened?.0,
            };
            let Some(_lock) = Lock::try_on(file, &path, LockMode::Exclusive)? else { continue };
            // Somebody may have taken it before it was locked.
            let Some(log) = read(directory, &name)?.filter(&goes) else { continue };
            self.add_to_history(directory, &log)?;
            directory.remove_file(&name)?;
            taken.push(log);
        }
        Ok(taken)
    }

    fn add_to_history(&self, directory: &Dir, log: &Log) -> Result<()> {
        if log.lines.is_empty() {
            return Ok(());
        }
        if directory.stat_if_present(HISTORY)?.is_some_and(|stat| stat.size > LONGEST) {
            directory.rename(HISTORY, directory, OLDER)?;
        }
        let mut text = String::new();
        for line in &log.lines {
            let _ = writeln!(text, "{}: {line}", log.of);
        }
        let failed = |error| sys::Error::new("write", &self.logs_directory(), error);
        let mut history = File::from(directory.open_to_append(HISTORY, 0o600)?);
        Ok(history.write_all(text.as_bytes()).map_err(failed)?)
    }
}

/// The names of processes' logs, the oldest first.
fn log_names(directory: &Dir) -> Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    directory.for_each_name(|name| {
        let is_log = name.ends_with(ENDING.as_bytes()) && name != HISTORY;
        if is_log && !name.starts_with(TEMPORARY_PREFIX.as_bytes()) {
            names.push(name.to_vec());
        }
    })?;
    names.sort_unstable();
    Ok(names)
}

/// `None` where it is gone.
fn read(directory: &Dir, name: &[u8]) -> Result<Option<Log>> {
    let Some(bytes) = directory.read_file_up_to(name, LONGEST)? else { return Ok(None) };
    let text = String::from_utf8_lossy(&bytes);
    let (first, rest) = text.split_once('\n').unwrap_or((&*text, ""));
    let of = LogOrigin::parse(first).unwrap_or(LogOrigin {
        at: Timestamp::UNIX_EPOCH,
        repository: None,
        run: None,
    });
    Ok(Some(Log { of, lines: rest.lines().map(plain).collect() }))
}

/// A line without the runner's command around it.
fn plain(line: &str) -> String {
    let of = |(command, word): (&str, &str)| {
        let (_, text) = line.strip_prefix(command)?.split_once("::")?;
        Some(format!("{word}{text}"))
    };
    TROUBLES.into_iter().find_map(of).unwrap_or_else(|| line.to_owned())
}

/// Whether a line tells of trouble.
pub fn is_trouble(line: &str) -> bool {
    TROUBLES.iter().any(|(_, word)| line.starts_with(word))
}

/// What stands for no repository and no run.
const NONE: &str = "-";

impl fmt::Display for LogOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| NONE.to_owned());
        write!(f, "{:.0} {} {}", self.at, text(&self.repository), text(&self.run))
    }
}

impl LogOrigin {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let at = words.next()?.parse().ok()?;
        let mut word = || words.next().map(|word| Some(word.to_owned()).filter(|word| word != NONE));
        Some(Self { at, repository: word()?, run: word()? })
    }
}

impl LogLine {
    fn parse(line: &str) -> Option<Self> {
        let (of, text) = line.split_once(": ")?;
        Some(Self { of: LogOrigin::parse(of)?, text: text.to_owned() })
    }
}

impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.of, self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Access;
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("root"), Access::Private).unwrap();
        (directory, store)
    }

    fn of(second: i64) -> LogOrigin {
        let at = Timestamp::from_second(1_700_000_000 + second).unwrap();
        LogOrigin { at, repository: Some("o/r".to_owned()), run: Some("17.1".to_owned()) }
    }

    #[test]
    fn log_is_taken_once_and_only_when_its_process_has_ended() {
        let (_directory, store) = store();
        let mut log = store.log(&of(0)).unwrap();
        log.write_all(b"evicted\n").unwrap();
        assert_eq!(store.take_logs(Some("o/r")).unwrap(), [], "it may tell more");
        assert_eq!(store.take_logs(Some("o/other")).unwrap(), []);
        log.write_all(b"::warning title=runner-cache::no room\n").unwrap();
        drop(log);
        assert_eq!(store.take_logs(Some("o/other")).unwrap(), [], "it is for the jobs of its repository");
        let lines = ["evicted".to_owned(), "warning: no room".to_owned()];
        assert_eq!(store.take_logs(Some("o/r")).unwrap(), [Log { of: of(0), lines: lines.to_vec() }]);
        assert_eq!(store.take_logs(Some("o/r")).unwrap(), []);
        let told = store.last_of_logs(10).unwrap();
        assert_eq!(told, lines.map(|text| LogLine { of: of(0), text }));
        assert_eq!((is_trouble(&told[0].text), is_trouble(&told[1].text)), (false, true));
    }

    #[test]
    fn logs_do_not_pile_up_where_nobody_shows_them() {
        let (_directory, store) = store();
        for second in 0..100 {
            store.log(&of(second)).unwrap();
        }
        store.log(&of(200)).unwrap().write_all(b"told\n").unwrap();
        let names = || sys::file::names(&store.logs_directory()).unwrap().len();
        drop(store.log(&of(300)).unwrap());
        assert_eq!(names(), 2, "one that told something waits to be shown");
        drop(store.log(&of(200 + 25 * 3600)).unwrap());
        assert_eq!(names(), 2, "the history, and the last one");
        assert_eq!(store.last_of_logs(10).unwrap().len(), 1);
    }

    #[test]
    fn history_is_bounded() {
        let (_directory, store) = store();
        let line = format!("{}\n", "x".repeat(1 << 16));
        for second in 0..100 {
            store.log(&of(second)).unwrap().write_all(line.as_bytes()).unwrap();
            store.take_logs(Some("o/r")).unwrap();
        }
        let names = sys::file::names(&store.logs_directory()).unwrap();
        let size = |name| sys::file::size_and_time(&store.logs_directory().join(name)).unwrap().0;
        let sizes: Vec<_> = names.iter().map(size).collect();
        let most = LONGEST + 2 * line.len() as u64;
        assert!(sizes.len() == 2 && sizes.iter().all(|size| *size <= most), "{sizes:?}");
    }
}
