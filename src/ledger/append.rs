//! Appends events: one transaction for all that a step of a job has to tell.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::bounds::{BATCH, Bounds, Excess, Extent};
use super::names::{family_id, word_id};
use super::row::Row;
use super::totals;
use super::{Event, Ledger, Result, Source};

impl Ledger {
    /// Appends `events` of the time `now`, all or none, and removes what is beyond the bounds.
    pub fn append(&mut self, source: &Source, now: Timestamp, events: &[Event]) -> Result<()> {
        self.append_within(Bounds::default(), source, now, events)
    }

    /// The same within other bounds.
    pub fn append_within(
        &mut self,
        bounds: Bounds,
        source: &Source,
        now: Timestamp,
        events: &[Event],
    ) -> Result<()> {
        let append = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut appending = Appending { transaction: &transaction, words: HashMap::new() };
            for event in events {
                appending.append(source, now, event)?;
            }
            drop(appending);
            trim(&transaction, bounds, now)?;
            transaction.commit()
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
    fn append(&mut self, source: &Source, now: Timestamp, event: &Event) -> rusqlite::Result<()> {
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
        insert.execute(params![
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
        totals::add(self.transaction, kind, outcome, &row)
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
    if let Some(up_to) = up_to {
        let gone = "DELETE FROM event WHERE id IN (SELECT id FROM event WHERE id <= ?1 ORDER BY id LIMIT ?2)";
        transaction.execute(gone, params![up_to, BATCH])?;
    }
    if let Some(before) = before {
        let gone =
            "DELETE FROM event WHERE id IN (SELECT id FROM event WHERE time < ?1 ORDER BY time LIMIT ?2)";
        transaction.execute(gone, params![before.as_millisecond(), BATCH])?;
    }
    Ok(())
}
