//! What a family did before: its last runs, and how long it works without the cache.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};
use serde::Serialize;

use super::names::known_family;
use super::{Family, Ledger, Mark, Result, Served};

/// Cold runs of which the median counts: older ones are of another project.
const COLD_RUNS: u32 = 9;

/// How long before a session its restore may have been appended: nothing is done in between but notes.
const JUST_BEFORE: SignedDuration = SignedDuration::from_secs(60);

/// A run of a family.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// When it restored.
    pub at: Timestamp,
    /// Number of the run and of its attempt.
    pub run: Option<String>,
    /// How it was served.
    pub served: Served,
    /// Why not by its very key: a code.
    pub cause: Option<String>,
    /// The parts of its key that differed from the nearest entry's.
    pub factors: Option<String>,
    /// Bytes that were restored.
    pub bytes: u64,
    /// How long the restore took, in seconds.
    pub restore_seconds: f64,
    /// How long the job worked from its restore to its save, in seconds; nothing where that is unknown or it failed.
    pub work_seconds: Option<f64>,
}

/// The time that a cache saved a job which took `restore` for it and then `worked`, by how long the job works without. `None`
/// where no cold run is known.
pub fn estimate(cold: &[Duration], worked: Duration, restore: Duration) -> Option<SignedDuration> {
    let mut cold = cold.to_vec();
    cold.sort_unstable();
    let median = SignedDuration::try_from(*cold.get(cold.len() / 2)?).ok()?;
    let with_cache = SignedDuration::try_from(worked.checked_add(restore)?).ok()?;
    median.checked_sub(with_cache)
}

impl Ledger {
    /// How long the last cold runs of a family worked.
    pub fn cold_runs(&self, family: &Family) -> Result<Vec<Duration>> {
        let cold = |connection: &Connection| {
            let Some(family) = known_family(connection, family)? else { return Ok(Vec::new()) };
            let mut select = connection.prepare(Question::ColdRuns.sql())?;
            let worked = select.query_map(params![family, COLD_RUNS], |row| row.get::<_, i64>(0))?;
            worked.map(|micros| Ok(Duration::from_micros(micros?.unsigned_abs()))).collect()
        };
        cold(&self.connection).map_err(|error| self.failed("read", error))
    }

    /// How long the restores took of all layers of a job whose session begins at `since`.
    pub fn restore_time(&self, family: &Family, run: Option<&str>, since: Timestamp) -> Result<Duration> {
        let from = since.saturating_sub(JUST_BEFORE).unwrap_or(Timestamp::MIN);
        let sum = self.connection.query_row(
            Question::RestoreTime.sql(),
            params![
                family.repository,
                family.job.as_deref().unwrap_or_default(),
                family.lane,
                run,
                from.as_millisecond(),
                since.as_millisecond()
            ],
            |row| row.get::<_, Option<i64>>(0),
        );
        let sum = sum.map_err(|error| self.failed("read", error))?;
        Ok(Duration::from_micros(sum.unwrap_or_default().unsigned_abs()))
    }

    /// Whether there is an estimate already of the job in its run: another restore of the job may have been saved.
    pub fn is_estimated(&self, family: &Family, run: &str) -> Result<bool> {
        let found = self.connection.query_row(
            Question::IsEstimated.sql(),
            params![family.repository, family.job.as_deref().unwrap_or_default(), family.lane, run],
            |row| row.get(0),
        );
        found.map_err(|error| self.failed("read", error))
    }

    /// The last runs of a family before `until`, at most `most`, the oldest first.
    pub fn last_runs(&self, family: &Family, most: u32, until: Mark) -> Result<Vec<Run>> {
        last_runs(&self.connection, family, most, until).map_err(|error| self.failed("read", error))
    }
}

/// What is asked in each job. However much a family did, few rows are read for it: by an index that leads to them.
#[derive(Debug, Clone, Copy)]
enum Question {
    ColdRuns,
    RestoreTime,
    IsEstimated,
    LastRestores,
    WorkSince,
}

impl Question {
    fn sql(self) -> &'static str {
        match self {
            Self::ColdRuns => {
                "SELECT worked FROM event
                WHERE family = ?1 AND served = (SELECT id FROM word WHERE text = 'miss') AND worked IS NOT NULL
                ORDER BY id DESC LIMIT ?2"
            }
            // An index of families would lead to all restores of each.
            Self::RestoreTime => {
                "SELECT sum(step1 + step2 + step3) FROM event INDEXED BY event_time
                WHERE kind = (SELECT id FROM word WHERE text = 'restore') AND run IS ?4 AND time BETWEEN ?5 AND ?6
                    AND family IN (SELECT id FROM family WHERE repository = ?1 AND job = ?2 AND lane = ?3)"
            }
            Self::IsEstimated => {
                "SELECT EXISTS (SELECT 1 FROM event INDEXED BY event_saved WHERE saved IS NOT NULL AND run = ?4
                    AND family IN (SELECT id FROM family WHERE repository = ?1 AND job = ?2 AND lane = ?3))"
            }
            Self::LastRestores => {
                "SELECT event.id, time, run, outcome.text, cause.text, factors.text, bytes, step1 + step2 + step3
                FROM event JOIN word outcome ON outcome.id = event.outcome
                    LEFT JOIN word cause ON cause.id = event.cause
                    LEFT JOIN word factors ON factors.id = event.factors
                WHERE family = ?1 AND kind = (SELECT id FROM word WHERE text = 'restore') AND event.id <= ?3
                ORDER BY event.id DESC LIMIT ?2"
            }
            Self::WorkSince => {
                "SELECT run, worked FROM event
                WHERE family = ?1 AND kind = (SELECT id FROM word WHERE text = 'save') AND id BETWEEN ?2 AND ?3
                    AND worked IS NOT NULL"
            }
        }
    }
}

fn last_runs(
    connection: &Connection,
    family: &Family,
    most: u32,
    Mark(until): Mark,
) -> rusqlite::Result<Vec<Run>> {
    let Some(family) = known_family(connection, family)? else { return Ok(Vec::new()) };
    let mut select = connection.prepare(Question::LastRestores.sql())?;
    let runs = select.query_map(params![family, most, until], |row| {
        let run = Run {
            at: Timestamp::from_millisecond(row.get(1)?).unwrap_or(Timestamp::MIN),
            run: row.get(2)?,
            served: Served::parse(&row.get::<_, String>(3)?).unwrap_or(Served::Bypass),
            cause: row.get(4)?,
            factors: row.get(5)?,
            bytes: row.get::<_, i64>(6)?.unsigned_abs(),
            restore_seconds: row.get::<_, Option<i64>>(7)?.unwrap_or_default() as f64 / 1e6,
            work_seconds: None,
        };
        Ok((row.get::<_, i64>(0)?, run))
    })?;
    let runs = runs.collect::<rusqlite::Result<Vec<_>>>()?;
    let first = runs.last().map(|(id, _)| *id);
    let mut runs: Vec<_> = runs.into_iter().rev().map(|(_, run)| run).collect();
    let mut select = connection.prepare(Question::WorkSince.sql())?;
    let worked = select.query_map(params![family, first, until], |row| {
        Ok((row.get::<_, Option<String>>(0)?, row.get::<_, i64>(1)?))
    })?;
    for worked in worked {
        let (of, micros) = worked?;
        if let Some(run) = runs.iter_mut().rfind(|run| run.run == of && of.is_some()) {
            run.work_seconds = Some(micros as f64 / 1e6);
        }
    }
    Ok(runs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Access, Store};

    #[test]
    fn no_question_of_a_job_reads_a_familys_whole_history() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("root"), Access::Private).unwrap();
        let ledger = Ledger::open(&store).unwrap();
        for (question, way) in [
            (Question::ColdRuns, "event_worked (family=? AND served=?)"),
            (Question::RestoreTime, "event_time (time>? AND time<?)"),
            (Question::IsEstimated, "event_saved (run=?)"),
            (Question::LastRestores, "event_family (family=? AND kind=? AND rowid<?)"),
            (Question::WorkSince, "event_family (family=? AND kind=? AND rowid>? AND rowid<?)"),
        ] {
            let mut explain =
                ledger.connection.prepare(&format!("EXPLAIN QUERY PLAN {}", question.sql())).unwrap();
            let steps = explain.raw_query().mapped(|row| row.get::<_, String>(3));
            let steps = steps.collect::<rusqlite::Result<Vec<_>>>().unwrap().join("; ");
            assert!(
                steps.contains(way) && !steps.contains("SCAN event") && !steps.contains("B-TREE"),
                "{steps}"
            );
        }
    }

    #[test]
    fn an_estimate_is_the_median_of_cold_runs_less_the_time_with_the_cache() {
        let seconds = |seconds: &[u64]| seconds.iter().map(|&s| Duration::from_secs(s)).collect::<Vec<_>>();
        let [worked, restore] = [20, 5].map(Duration::from_secs);
        assert_eq!(estimate(&[], worked, restore), None);
        assert_eq!(estimate(&seconds(&[100]), worked, restore), Some(SignedDuration::from_secs(75)));
        assert_eq!(estimate(&seconds(&[500, 90, 100]), worked, restore), Some(SignedDuration::from_secs(75)));
        assert_eq!(estimate(&seconds(&[10]), worked, restore), Some(SignedDuration::from_secs(-15)));
    }
}
