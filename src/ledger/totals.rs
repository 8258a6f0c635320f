//! Counters of all that ever happened: they only grow, also where events go. Whoever wants a rate takes differences.

use rusqlite::{Connection, Transaction, params};

use super::names::{families, words};
use super::row::Row;
use super::{Family, Ledger, Result};

/// The counters of one kind of event with one outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Total {
    /// Whose; nothing where it is the host's.
    pub family: Option<Family>,
    /// The kind of event.
    pub kind: String,
    /// How it ended.
    pub outcome: String,
    /// Events.
    pub events: u64,
    /// Files or entries.
    pub number: u64,
    /// Bytes.
    pub bytes: u64,
    /// The time that it took, in seconds.
    pub seconds: f64,
    /// The time that jobs were faster for it, as estimated, in seconds.
    pub saved_seconds: f64,
    /// The time that other jobs were slower, in seconds.
    pub lost_seconds: f64,
}

pub(super) fn add(
    transaction: &Transaction<'_>,
    kind: i64,
    outcome: Option<i64>,
    row: &Row,
) -> rusqlite::Result<()> {
    let time: i64 = row.steps.iter().flatten().sum();
    let saved = row.saved.unwrap_or_default();
    let mut add = transaction.prepare(
        "INSERT INTO total (family, kind, outcome, events, number, bytes, time, saved, lost)
        VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT DO UPDATE SET events = events + 1, number = number + ?4, bytes = bytes + ?5,
            time = time + ?6, saved = saved + ?7, lost = lost + ?8",
    )?;
    let (number, bytes) = (row.number.cast_signed(), row.bytes.cast_signed());
    let outcome = outcome.unwrap_or_default();
    let counted = params![row.family, kind, outcome, number, bytes, time, saved.max(0), (-saved).max(0)];
    add.execute(counted)?;
    Ok(())
}

impl Ledger {
    /// All counters, by family, kind and outcome.
    pub fn totals(&self) -> Result<Vec<Total>> {
        totals(&self.connection).map_err(|error| self.failed("read", error))
    }
}

fn totals(connection: &Connection) -> rusqlite::Result<Vec<Total>> {
    let words: std::collections::HashMap<_, _> = words(connection)?.into_iter().collect();
    let families = families(connection)?;
    let word = |id: i64| words.get(&id).cloned().unwrap_or_default();
    let mut select = connection.prepare(
        "SELECT family, kind, outcome, events, number, bytes, time, saved, lost FROM total ORDER BY 1, 2, 3",
    )?;
    let totals = select.query_map([], |row| {
        let number = |index| row.get::<_, i64>(index).map(i64::cast_unsigned);
        let seconds = |index| row.get::<_, i64>(index).map(|micros| micros as f64 / 1e6);
        Ok(Total {
            family: families.get(&row.get::<_, i64>(0)?).cloned(),
            kind: word(row.get(1)?),
            outcome: word(row.get(2)?),
            events: number(3)?,
            number: number(4)?,
            bytes: number(5)?,
            seconds: seconds(6)?,
            saved_seconds: seconds(7)?,
            lost_seconds: seconds(8)?,
        })
    })?;
    totals.collect()
}
