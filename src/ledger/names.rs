//! What repeats in events and is a number there: words and families.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::Family;
use crate::store::Layer;

/// The number of a word.
pub(super) fn word_id(transaction: &Transaction<'_>, text: &str) -> rusqlite::Result<i64> {
    let select = "SELECT id FROM word WHERE text = ?1";
    if let Some(id) = transaction.query_row(select, [text], |row| row.get(0)).optional()? {
        return Ok(id);
    }
    transaction.query_row("INSERT INTO word (text) VALUES (?1) RETURNING id", [text], |row| row.get(0))
}

/// All words with their numbers.
pub(super) fn words(connection: &Connection) -> rusqlite::Result<Vec<(i64, String)>> {
    let mut select = connection.prepare("SELECT id, text FROM word")?;
    let words = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    words.collect()
}

const OF_FAMILY: &str = "repository = ?1 AND job = ?2 AND lane = ?3 AND layer = ?4 AND contents = ?5";

pub(super) fn family_id(transaction: &Transaction<'_>, family: &Family) -> rusqlite::Result<i64> {
    if let Some(id) = known_family(transaction, family)? {
        return Ok(id);
    }
    let Family { repository, job, lane, layer, contents } = family;
    let job = job.as_deref().unwrap_or_default();
    transaction.query_row(
        "INSERT INTO family (repository, job, lane, layer, contents) VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id",
        params![repository, job, lane, layer.name(), contents],
        |row| row.get(0),
    )
}

/// The number of a family; `None` where nothing happened to it yet.
pub(super) fn known_family(connection: &Connection, family: &Family) -> rusqlite::Result<Option<i64>> {
    let Family { repository, job, lane, layer, contents } = family;
    let job = job.as_deref().unwrap_or_default();
    let mut select = connection.prepare(&format!("SELECT id FROM family WHERE {OF_FAMILY}"))?;
    let found = params![repository, job, lane, layer.name(), contents];
    select.query_row(found, |row| row.get(0)).optional()
}

/// The numbers of families of which no event is left.
pub(super) fn without_events(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    let mut select = connection.prepare(
        "SELECT id FROM family WHERE NOT EXISTS (SELECT 1 FROM event WHERE event.family = family.id)",
    )?;
    let families = select.query_map([], |row| row.get(0))?;
    families.collect()
}

/// All families, by number.
pub(super) fn families(connection: &Connection) -> rusqlite::Result<HashMap<i64, Family>> {
    let mut select = connection.prepare("SELECT id, repository, job, lane, layer, contents FROM family")?;
    let families = select.query_map([], |row| {
        let layer: String = row.get(4)?;
        let layer = Layer::ALL.into_iter().find(|known| known.name() == layer);
        let job = Some(row.get::<_, String>(2)?).filter(|job| !job.is_empty());
        let (id, repository, lane, contents) = (row.get(0)?, row.get(1)?, row.get(3)?, row.get(5)?);
        // A layer of a later version that wrote this format is none that is told of here.
        Ok((id, layer.map(|layer| Family { repository, job, lane, layer, contents })))
    })?;
    let known = families.filter_map(|family| match family {
        Ok((id, family)) => Some(Ok((id, family?))),
        Err(error) => Some(Err(error)),
    });
    known.collect()
}
