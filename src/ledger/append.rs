//! Appends events: one transaction for all that a step of a job has to tell.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::bounds::{BATCH, Bounds, Excess, Extent};
use super::fold::fold;
use super::names::{family_id, word_id};
use super::row::Row;
use super::{Event, Ledger, Result, Source, totals};

/// How far the ledger reached once: numbers of events only grow, whatever the clock does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark(pub(super) i64);

impl Ledger {
    /// Appends `events` of the time `now`, all or none, and removes what is beyond the bounds. The mark is behind the last of them.
    pub fn append(&mut self, source: &Source, now: Timestamp, events: &[Event]) -> Result<Mark> {
        self.append_within(Bounds::default(), source, now, events)
    }

    /// The same within other bounds.
    pub fn append_within(
        &mut self,
        bounds: Bounds,
        source: &Source,
        now: Timestamp,
        events: &[Event],
    ) -> Result<Mark> {
        let append = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut appending = Appending { transaction: &transaction, words: HashMap::new() };
            let mut last = 0;
            for event in events {
                last = appending.append(source, now, event)?;
            }
            drop(appending);
            trim(&transaction, bounds, now)?;
            transaction.commit()?;
            Ok(Mark(last))
        };
        append(&mut self.connection).map_err(|error| self.failed("append to", error))
    }
}

/// A transaction in which events are appended.
struct Appending<'t> {
    transaction: &'t Transaction<'t>,
    /// Words that were used in it.
    words: HashMap<String, i64>,
}

impl Appending<'_> {
    /// Appends one, and tells its number.
    fn append(&mut self, source: &Source, now: Timestamp, event: &Event) -> rusqlite::Result<i64> {
        let family = event.family().map_or(Ok(0), |family| family_id(self.transaction, family))?;
        let row = Row::of(event, family);
        let kind = self.word(event.kind().name())?;
        let [outcome, cause, factors] =
            [&row.outcome, &row.cause, &row.factors].map(|word| self.some_word(word.as_deref()));
        let (outcome, cause, factors) = (outcome?, cause?, factors?);
        let [link, served] = [row.link, row.served].map(|word| self.some_word(word));
        let host = self.word(&source.host)?;
        let [step1, step2, step3, step4] = row.steps;
        let reference = row.reference.as_ref().or(source.reference.as_ref());
        let mut insert = self.transaction.prepare(
            "INSERT INTO event (time, kind, family, outcome, cause, factors, link, key, number, bytes, step1,
                step2, step3, step4, served, worked, saved, is_of_default_branch, host, reference, runner, run)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
                ?21, ?22)",
        )?;
        let id = insert.insert(params![
            now.as_millisecond(),
            kind,
            event.family().map(|_| family),
            outcome,
            cause,
            factors,
            link?,
            row.key,
            row.number.cast_signed(),
            row.bytes.cast_signed(),
            step1,
            step2,
            step3,
            step4,
            served?,
            row.worked,
            row.saved,
            row.is_of_default_branch,
            host,
            reference,
            source.runner,
            source.run,
        ])?;
        totals::add(self.transaction, kind, outcome, &row)?;
        Ok(id)
    }

    fn some_word(&mut self, text: Option<&str>) -> rusqlite::Result<Option<i64>> {
        text.map(|text| self.word(text)).transpose()
    }

    fn word(&mut self, text: &str) -> rusqlite::Result<i64> {
        if let Some(id) = self.words.get(text) {
            return Ok(*id);
        }
        let id = word_id(self.transaction, text)?;
        self.words.insert(text.to_owned(), id);
        Ok(id)
    }
}

/// Removes a batch of what is beyond the bounds.
fn trim(transaction: &Transaction<'_>, bounds: Bounds, now: Timestamp) -> rusqlite::Result<()> {
    // Each by itself: SQLite takes an index for one of these, and reads all for several.
    let number = |sql: &str| transaction.query_row(sql, [], |row| row.get::<_, Option<i64>>(0));
    let first = number("SELECT min(id) FROM event")?;
    let last = number("SELECT max(id) FROM event")?;
    let oldest = number("SELECT min(time) FROM event")?;
    let (Some(first), Some(last), Some(oldest)) = (first, last, oldest) else { return Ok(()) };
    // What no clock can have told is of the beginning of time.
    let oldest = Timestamp::from_millisecond(oldest).unwrap_or(Timestamp::MIN);
    let Excess { up_to, before } = bounds.excess(Extent { first, last, oldest }, now);
    let mut families = BTreeSet::new();
    if let Some(up_to) = up_to {
        families.extend(remove(transaction, "id <= ?1 ORDER BY id", up_to)?);
    }
    if let Some(before) = before {
        families.extend(remove(transaction, "time < ?1 ORDER BY time", before.as_millisecond())?);
    }
    let mut is_left = transaction.prepare("SELECT EXISTS (SELECT 1 FROM event WHERE family = ?1)")?;
    let mut gone = Vec::new();
    for family in families {
        if !is_left.query_row([family], |row| row.get(0))? {
            gone.push(family);
        }
    }
    fold(transaction, &gone)
}

/// Removes a batch of events, and tells whose they were.
fn remove(transaction: &Transaction<'_>, which: &str, bound: i64) -> rusqlite::Result<BTreeSet<i64>> {
    let mut gone = transaction.prepare(&format!(
        "DELETE FROM event WHERE id IN (SELECT id FROM event WHERE {which} LIMIT ?2) RETURNING family"
    ))?;
    let families = gone.query_map(params![bound, BATCH], |row| row.get::<_, Option<i64>>(0))?;
    families.filter_map(rusqlite::Result::transpose).collect()
}
