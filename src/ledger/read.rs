//! Reads the events of a time, in the order in which they were appended.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::event::Kind;
use super::names::{families, words};
use super::{Checked, Family, Kept, KeyDigest, Ledger, Result, Served};

/// How long before a window evictions count that cost a hit in it.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(30 * 24);

/// By how many rows an event may come before one of an earlier time: each writer takes the time before it is its turn.
const DISORDER: i64 = 1000;

/// A span of time: what was at its end is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its begin.
    pub since: Timestamp,
    /// Its end.
    pub until: Timestamp,
}

/// An event as statistics look at it. Durations are in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded<'w> {
    /// When.
    pub at: Timestamp,
    /// Whose: a number among the families; nothing where it is the host's.
    pub family: Option<i64>,
    /// What.
    pub what: What<'w>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What<'w> {
    /// A layer was restored, or not.
    Restore {
        /// How well it was served.
        served: Served,
        /// Why not by its very key.
        cause: Option<&'w str>,
        /// What of the key was another.
        factors: Option<&'w str>,
        /// What was looked for.
        key: KeyDigest,
        /// The ref.
        reference: &'w str,
        /// Files that were restored.
        files: u64,
        /// Their bytes.
        bytes: u64,
        /// How long it took.
        took: i64,
    },
    /// A layer was saved, or not.
    Save {
        /// What became of it.
        kept: Kept,
        /// Under which key.
        key: KeyDigest,
        /// Its bytes.
        bytes: u64,
        /// How long it took.
        took: i64,
        /// The time that the job was faster, where there is an estimate.
        saved: Option<i64>,
    },
    /// Entries went.
    Eviction {
        /// Why.
        reason: &'w str,
        /// The key, where it is one entry.
        key: Option<KeyDigest>,
        /// The ref.
        reference: &'w str,
        /// Whether all other refs read that one.
        is_of_default_branch: bool,
        /// How many.
        entries: u64,
        /// Their bytes.
        bytes: u64,
    },
    /// Damage was found.
    Damage {
        /// Entries.
        entries: u64,
    },
    /// A disk had too little room.
    Guard {
        /// What came of it.
        checked: Checked,
        /// Entries that went.
        entries: u64,
    },
}

impl Ledger {
    /// All families, by number.
    pub fn families(&self) -> Result<HashMap<i64, Family>> {
        families(&self.connection).map_err(|error| self.failed("read", error))
    }

    /// Gives `each` the events of `window`, and before those the evictions and saves that may have cost hits in it.
    pub fn read(&self, window: Window, each: impl FnMut(&Recorded<'_>)) -> Result<()> {
        read(&self.connection, window, each).map_err(|error| self.failed("read", error))
    }
}

const COLUMNS: &str = "time, kind, family, outcome, cause, factors, key, number, bytes, \
     ifnull(step1, 0) + ifnull(step2, 0) + ifnull(step3, 0) + ifnull(step4, 0), saved, is_of_default_branch, reference";

fn read(
    connection: &Connection,
    window: Window,
    mut each: impl FnMut(&Recorded<'_>),
) -> rusqlite::Result<()> {
    let words = Words::of(connection)?;
    let mut pass = |condition: &str, from: Timestamp, to: Timestamp| -> rusqlite::Result<()> {
        let (from, to) = (from.as_millisecond(), to.as_millisecond());
        // Rows lie in the order of their numbers: to go through them so takes half the time that an index of times takes.
        let first = "SELECT id FROM event WHERE time >= ?1 ORDER BY time LIMIT 1";
        let first = connection.query_row(first, params![from], |row| row.get::<_, i64>(0)).optional()?;
        let Some(first) = first else { return Ok(()) };
        let mut select = connection.prepare(&format!(
            "SELECT {COLUMNS} FROM event WHERE id >= ?1 AND time >= ?2 AND time <= ?3 {condition} ORDER BY id"
        ))?;
        let mut rows = select.query(params![first - DISORDER, from, to])?;
        while let Some(row) = rows.next()? {
            // Of a kind or an outcome that a later version has, nothing is told.
            if let Some(recorded) = recorded(&words, row)? {
                each(&recorded);
            }
        }
        Ok(())
    };
    let length = window.until.duration_since(window.since).min(LOOK_BACK);
    let before = window.since.saturating_sub(length).unwrap_or(Timestamp::MIN);
    let kinds: Vec<_> =
        [Kind::Eviction, Kind::Save].iter().filter_map(|kind| words.id(kind.name())).collect();
    let kinds = kinds.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
    let just_before = Timestamp::from_millisecond(window.since.as_millisecond() - 1).unwrap_or(before);
    pass(&format!("AND kind IN ({kinds})"), before, just_before)?;
    pass("", window.since, window.until)
}

/// Words by their numbers, which are small: a few hundred are in use at a time.
struct Words(Vec<Option<Word>>);

/// Numbers of words. A higher one was not written by this program, and its word is none.
const MOST_WORDS: usize = 1 << 16;

/// A word, and what it is where it is a code.
struct Word {
    text: String,
    kind: Option<Kind>,
    served: Option<Served>,
    kept: Option<Kept>,
    checked: Option<Checked>,
}

impl Word {
    fn new(text: String) -> Self {
        Self {
            kind: Kind::parse(&text),
            served: Served::parse(&text),
            kept: Kept::parse(&text),
            checked: Checked::parse(&text),
            text,
        }
    }
}

impl Words {
    fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let mut all = Vec::new();
        for (id, text) in words(connection)? {
            let Some(id) = usize::try_from(id).ok().filter(|id| *id < MOST_WORDS) else { continue };
            if all.len() <= id {
                all.resize_with(id + 1, || None);
            }
            all[id] = Some(Word::new(text));
        }
        Ok(Self(all))
    }

    fn get(&self, id: Option<i64>) -> Option<&Word> {
        self.0.get(usize::try_from(id?).ok()?)?.as_ref()
    }

    fn id(&self, word: &str) -> Option<i64> {
        let id = self.0.iter().position(|known| known.as_ref().is_some_and(|known| known.text == word))?;
        i64::try_from(id).ok()
    }
}

fn recorded<'r>(words: &'r Words, row: &'r Row<'_>) -> rusqlite::Result<Option<Recorded<'r>>> {
    let word = |index: usize| Ok::<_, rusqlite::Error>(words.get(row.get(index)?));
    let text = |index: usize| Ok::<_, rusqlite::Error>(word(index)?.map(|word| &*word.text));
    let number = |index: usize| row.get::<_, i64>(index).map(i64::cast_unsigned);
    let key = || Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(6)?.map(KeyDigest));
    let reference = || Ok::<_, rusqlite::Error>(row.get_ref(12)?.as_str_or_null()?.unwrap_or_default());
    let took = || row.get::<_, i64>(9);
    let (Some(kind), Ok(at)) =
        (word(1)?.and_then(|word| word.kind), Timestamp::from_millisecond(row.get(0)?))
    else {
        return Ok(None);
    };
    let outcome = word(3)?;
    let what = match kind {
        Kind::Restore => {
            let (Some(served), Some(key)) = (outcome.and_then(|word| word.served), key()?) else {
                return Ok(None);
            };
            What::Restore {
                served,
                cause: text(4)?,
                factors: text(5)?,
                key,
                reference: reference()?,
                files: number(7)?,
                bytes: number(8)?,
                took: took()?,
            }
        }
        Kind::Save => {
            let (Some(kept), Some(key)) = (outcome.and_then(|word| word.kept), key()?) else {
                return Ok(None);
            };
            What::Save { kept, key, bytes: number(8)?, took: took()?, saved: row.get(10)? }
        }
        Kind::Eviction => What::Eviction {
            reason: outcome.map(|word| &*word.text).unwrap_or_default(),
            key: key()?,
            reference: reference()?,
            is_of_default_branch: row.get::<_, Option<bool>>(11)?.unwrap_or_default(),
            entries: number(7)?,
            bytes: number(8)?,
        },
        Kind::Damage => What::Damage { entries: number(7)? },
        Kind::Guard => {
            let Some(checked) = outcome.and_then(|word| word.checked) else { return Ok(None) };
            What::Guard { checked, entries: number(7)? }
        }
    };
    Ok(Some(Recorded { at, family: row.get(2)?, what }))
}
