//! What happened last, and what came of each runner's jobs lately.

use jiff::Timestamp;
use rusqlite::{Connection, Row};
use serde::Serialize;

use super::event::{Kind, Served};
use super::figures::in_seconds;
use super::{Ledger, Result};
use crate::store::Layer;

/// An event, as it is told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Latest {
    /// When.
    pub at: Timestamp,
    /// Its kind, such as `restore`.
    pub kind: String,
    /// The code of how it ended; nothing for damage.
    pub outcome: Option<String>,
    /// The code of why.
    pub cause: Option<String>,
    /// `owner/name`; nothing where it is the host's.
    pub repository: Option<String>,
    /// The job's id.
    pub job: Option<String>,
    /// The layer.
    pub layer: Option<Layer>,
    /// The runner.
    pub runner: Option<String>,
    /// Files that were moved, or entries that went.
    pub number: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How long it took, in microseconds, and in seconds as JSON.
    #[serde(rename = "seconds", serialize_with = "in_seconds")]
    pub took: i64,
}

/// What came of the jobs of a runner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OfRunner {
    /// Its name; nothing for what ran without one.
    pub runner: Option<String>,
    /// Restores that were to be served.
    pub lookups: u64,
    /// Those that were.
    pub hits: u64,
    /// When something of it happened last.
    pub last: Timestamp,
}

const TOOK: &str =
    "coalesce(e.step1, 0) + coalesce(e.step2, 0) + coalesce(e.step3, 0) + coalesce(e.step4, 0)";

impl Ledger {
    /// The last events, at most `most`, the newest first.
    pub fn latest(&self, most: u32) -> Result<Vec<Latest>> {
        latest(&self.connection, most).map_err(|error| self.failed("read", error))
    }

    /// What came of each runner's restores since then, by name.
    pub fn runners(&self, since: Timestamp) -> Result<Vec<OfRunner>> {
        runners(&self.connection, since).map_err(|error| self.failed("read", error))
    }
}

fn latest(connection: &Connection, most: u32) -> rusqlite::Result<Vec<Latest>> {
    let mut select = connection.prepare(&format!(
        "SELECT e.time, kind.text, outcome.text, cause.text, f.repository, f.job, f.layer, e.runner, e.number,
            e.bytes, {TOOK}
        FROM event e JOIN word kind ON kind.id = e.kind
            LEFT JOIN word outcome ON outcome.id = e.outcome LEFT JOIN word cause ON cause.id = e.cause
            LEFT JOIN family f ON f.id = e.family
        ORDER BY e.id DESC LIMIT ?1"
    ))?;
    let events = select.query_map([most], |row: &Row<'_>| {
        let layer: Option<String> = row.get(6)?;
        let some =
            |index| Ok::<_, rusqlite::Error>(row.get::<_, Option<String>>(index)?.filter(|t| !t.is_empty()));
        Ok(Latest {
            at: Timestamp::from_millisecond(row.get(0)?).unwrap_or(Timestamp::MIN),
            kind: row.get(1)?,
            outcome: some(2)?,
            cause: some(3)?,
            repository: some(4)?,
            job: some(5)?,
            layer: Layer::ALL.into_iter().find(|known| Some(known.name()) == layer.as_deref()),
            runner: some(7)?,
            number: row.get::<_, i64>(8)?.unsigned_abs(),
            bytes: row.get::<_, i64>(9)?.unsigned_abs(),
            took: row.get(10)?,
        })
    })?;
    events.collect()
}

fn runners(connection: &Connection, since: Timestamp) -> rusqlite::Result<Vec<OfRunner>> {
    let wanted = |served: &&Served| **served != Served::Bypass;
    let quoted = |served: Vec<Served>| {
        served.into_iter().map(|served| format!("'{}'", served.name())).collect::<Vec<_>>().join(", ")
    };
    let lookups = quoted(Served::ALL.iter().filter(wanted).copied().collect());
    let hits = quoted(Served::ALL.into_iter().filter(|served| served.is_hit()).collect());
    let restore = Kind::Restore.name();
    let mut select = connection.prepare(&format!(
        "SELECT e.runner, sum(kind.text = '{restore}' AND outcome.text IN ({lookups})),
            sum(kind.text = '{restore}' AND outcome.text IN ({hits})), max(e.time)
        FROM event e JOIN word kind ON kind.id = e.kind LEFT JOIN word outcome ON outcome.id = e.outcome
        WHERE e.time >= ?1 GROUP BY e.runner ORDER BY e.runner"
    ))?;
    let runners = select.query_map([since.as_millisecond()], |row| {
        let number = |index| {
            Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(index)?.unwrap_or_default().unsigned_abs())
        };
        Ok(OfRunner {
            runner: row.get(0)?,
            lookups: number(1)?,
            hits: number(2)?,
            last: Timestamp::from_millisecond(row.get(3)?).unwrap_or(Timestamp::MIN),
        })
    })?;
    runners.collect()
}
