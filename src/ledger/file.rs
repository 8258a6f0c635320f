//! The ledger's file: how it is opened, what is in it, and what becomes of one that cannot be used.
//!
//! `event` has one row an event. What repeats there is a number: words (codes, host names) are rows of `word`, and whose
//! an event is a row of `family`. Times are in milliseconds since 1970, durations in microseconds.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::fold::fold;
use super::names::without_events;
use super::{Error, Result};
use crate::store::{LedgerFile, Store};

/// The format that this version writes, as the database's `user_version`.
const FORMAT: u32 = 1;

const SCHEMA: &str = "
    CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
    CREATE TABLE family (
        id INTEGER PRIMARY KEY,
        repository TEXT NOT NULL, job TEXT NOT NULL, lane TEXT NOT NULL, layer TEXT NOT NULL,
        contents TEXT NOT NULL,
        UNIQUE (repository, job, lane, layer, contents)
    );
    CREATE TABLE event (
        id INTEGER PRIMARY KEY,
        time INTEGER NOT NULL, kind INTEGER NOT NULL, family INTEGER,
        outcome INTEGER, cause INTEGER, factors INTEGER, link INTEGER, key INTEGER,
        number INTEGER NOT NULL, bytes INTEGER NOT NULL,
        step1 INTEGER, step2 INTEGER, step3 INTEGER, step4 INTEGER,
        served INTEGER, worked INTEGER, saved INTEGER,
        is_of_default_branch INTEGER, host INTEGER NOT NULL,
        reference TEXT, runner TEXT, run TEXT
    );
    CREATE INDEX event_time ON event (time);
    CREATE INDEX event_family ON event (family, kind);
    CREATE INDEX event_worked ON event (family, served) WHERE worked IS NOT NULL;
    CREATE INDEX event_saved ON event (run) WHERE saved IS NOT NULL;
    CREATE TABLE total (
        family INTEGER NOT NULL, kind INTEGER NOT NULL, outcome INTEGER NOT NULL,
        events INTEGER NOT NULL, number INTEGER NOT NULL, bytes INTEGER NOT NULL, time INTEGER NOT NULL,
        saved INTEGER NOT NULL, lost INTEGER NOT NULL,
        PRIMARY KEY (family, kind, outcome)
    ) WITHOUT ROWID;
";

/// How long to wait for other writers, of whom each needs a fraction of a millisecond. Then the events are not kept. Only
/// a host with writers all the time comes near to it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Pages of the log after which its contents are moved into the database, which waits for the disk. Whoever opens the
/// database first reads the log.
const LONGEST_LOG: u32 = 256;

/// A ledger that is open.
#[derive(Debug)]
pub struct Ledger {
    pub(super) connection: Connection,
    pub(super) file: LedgerFile,
}

impl Ledger {
    /// Opens the ledger of `store` to append to it, made if absent.
    pub fn open(store: &Store) -> Result<Self> {
        Self::open_file(store.make_ledger()?)
    }

    fn open_file(file: LedgerFile) -> Result<Self> {
        let mut ledger = Self { connection: connect(&file, OpenFlags::SQLITE_OPEN_READ_WRITE)?, file };
        ledger.prepare().map_err(|error| ledger.failed("open", error))?;
        ledger.check_format()?;
        Ok(ledger)
    }

    /// Opens the ledger of `store` to read it; `None` where there is none. A directory that is not to be written to is fine: what
    /// lies in the log alone is not seen then.
    pub fn open_existing(store: &Store) -> Result<Option<Self>> {
        let Some(file) = store.ledger()? else { return Ok(None) };
        for flags in [OpenFlags::SQLITE_OPEN_READ_WRITE, OpenFlags::SQLITE_OPEN_READ_ONLY] {
            if let Ok(connection) = connect(&file, flags)
                && format(&connection).is_ok()
            {
                return Self { connection, file }.if_readable();
            }
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        Self { connection: connect(&file, flags)?, file }.if_readable()
    }

    /// This one, if it has a format that this version knows; `None` for one that nobody has prepared yet.
    fn if_readable(self) -> Result<Option<Self>> {
        let format = self.check_format()?;
        Ok((format > 0).then_some(self))
    }

    /// Makes the tables of a new database, and lets appends wait for no disk.
    fn prepare(&mut self) -> rusqlite::Result<()> {
        let connection = &mut self.connection;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "wal_autocheckpoint", LONGEST_LOG)?;
        if format(connection)? > 0 {
            return Ok(());
        }
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        // Where the file system has no shared memory, it stays as it is and works as well, slower.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have made them meanwhile.
        if format(&transaction)? == 0 {
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "user_version", FORMAT)?;
        }
        transaction.commit()
    }

    fn check_format(&self) -> Result<u32> {
        match format(&self.connection).map_err(|error| self.failed("read", error))? {
            format if format > FORMAT => {
                Err(Error::Newer { path: self.file.path.clone(), format, own: FORMAT })
            }
            format => Ok(format),
        }
    }

    pub(super) fn failed(&self, operation: &'static str, source: rusqlite::Error) -> Error {
        Error::Sqlite { operation, path: self.file.path.clone(), source }
    }

    /// Removes what no event is of any more, and gives room back. It takes its time: no job waits for it.
    pub fn compact(&mut self) -> Result<()> {
        let compact = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            fold(&transaction, &without_events(&transaction)?)?;
            transaction.execute_batch(
                "DELETE FROM word WHERE id NOT IN (
                    SELECT kind FROM event UNION SELECT host FROM event
                    UNION SELECT outcome FROM event WHERE outcome IS NOT NULL
                    UNION SELECT cause FROM event WHERE cause IS NOT NULL
                    UNION SELECT factors FROM event WHERE factors IS NOT NULL
                    UNION SELECT link FROM event WHERE link IS NOT NULL
                    UNION SELECT served FROM event WHERE served IS NOT NULL
                    UNION SELECT kind FROM total UNION SELECT outcome FROM total
                );",
            )?;
            transaction.commit()?;
            for pragma in ["PRAGMA incremental_vacuum", "PRAGMA wal_checkpoint(TRUNCATE)"] {
                let mut statement = connection.prepare(pragma)?;
                let mut rows = statement.query([])?;
                while rows.next()?.is_some() {}
            }
            Ok(())
        };
        compact(&mut self.connection).map_err(|error| self.failed("compact", error))
    }
}

/// The format of a database; 0 for an empty one.
fn format(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn connect(file: &LedgerFile, flags: OpenFlags) -> Result<Connection> {
    // One thread has it, and nothing below the root is a symlink.
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let opened = if flags.contains(OpenFlags::SQLITE_OPEN_URI) {
        Connection::open_with_flags(immutable(&file.path), flags)
    } else {
        Connection::open_with_flags(&file.path, flags)
    };
    let set_up = opened.and_then(|connection| {
        connection.busy_timeout(PATIENCE)?;
        // Who shares the root may have written any schema into it.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
        // It would wait for the disk at the end of each job.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        Ok(connection)
    });
    set_up.map_err(|source| Error::Sqlite { operation: "open", path: file.path.clone(), source })
}

/// The database as it lies there, whatever may be beside it.
fn immutable(path: &Path) -> String {
    let path = path.as_os_str().as_encoded_bytes();
    let quoted = percent_encoding::percent_encode(path, percent_encoding::NON_ALPHANUMERIC);
    format!("file:{quoted}?immutable=1")
}

/// Opens the ledger of `store`, made if absent, and does `work` with it. One that is damaged is set aside, and a new one begun:
/// where the old one is now is the second value.
pub fn with_ledger<T>(
    store: &Store,
    work: impl Fn(&mut Ledger) -> Result<T>,
) -> Result<(T, Option<PathBuf>)> {
    let file = store.make_ledger()?;
    let id = file.id;
    match Ledger::open_file(file).and_then(|mut ledger| work(&mut ledger)) {
        Err(error) if error.is_damage() => {
            let aside = store.set_ledger_aside(id)?;
            Ok((work(&mut Ledger::open(store)?)?, aside))
        }
        done => Ok((done?, None)),
    }
}
