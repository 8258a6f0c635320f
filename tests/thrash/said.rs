//! What a child said, and what it tells of.

use std::collections::BTreeMap;
use std::fs;

use rustix::process::Signal;

use crate::wrong::Wrong;

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself.
    Exit(i32),
    /// By a signal, or because of one that it heard.
    Killed(Signal),
}

/// A child that has ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) command: String,
    pub(crate) end: End,
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) log: String,
    /// Outputs of the step.
    pub(crate) outputs: BTreeMap<String, String>,
}

impl Said {
    /// Checks that it ended by itself as one of `codes`, or was killed.
    pub(crate) fn expect(&self, codes: &[i32]) -> Result<(), Wrong> {
        match self.end {
            End::Exit(code) if !codes.contains(&code) => Err(self.wrong(&format!("ended with {code}"))),
            End::Exit(_) | End::Killed(_) => Ok(()),
        }
    }

    /// Something is wrong with what it did.
    pub(crate) fn wrong(&self, what: &str) -> Wrong {
        Wrong::Failed(format!("`{}` {what}\n{}{}", self.command, self.stdout, self.log))
    }

    pub(crate) fn was_killed(&self) -> bool {
        matches!(self.end, End::Killed(_))
    }

    /// The key of the entry that a restore took.
    pub(crate) fn matched_key(&self) -> Option<&str> {
        self.outputs.get("cache-matched-key").map(String::as_str).filter(|key| !key.is_empty())
    }

    /// Warnings, each a line. `Err` for one that has no reason: what was damaged and taken out of use was damaged
    /// indeed, as is seen to elsewhere, what was asked to end says so, and a directory that was in the way is there.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = Result<&str, &str>> {
        let warnings = self.log.lines().filter_map(|line| line.strip_prefix("warning: "));
        warnings.map(|warning| {
            let is_of_signal = self.was_killed() && warning.ends_with("interrupted");
            let is_of_damage = warning.contains("took a damaged entry out of use");
            if is_of_signal || is_of_damage || is_of_directory(warning) { Ok(warning) } else { Err(warning) }
        })
    }

    /// How many entries it tells that it evicted.
    pub(crate) fn evicted(&self) -> u64 {
        let of_save = number_after(&self.log, "evicted ");
        let of_gc = number_before(&self.stdout, " removed");
        let of_remove = number_after(&self.stdout, "removed ");
        of_save.or(of_gc).or(of_remove).unwrap_or(0)
    }

    /// Whether a save made an entry.
    pub(crate) fn has_saved(&self) -> bool {
        self.log.lines().any(|line| line.split_whitespace().nth(1) == Some("saved"))
    }
}

/// Whether nothing was restored because of a directory in which something is.
fn is_of_directory(warning: &str) -> bool {
    let named = warning
        .strip_prefix("paths: nothing restored: ")
        .and_then(|rest| rest.split_once(" is a directory with unknown files"));
    named.is_some_and(|(path, _)| fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some()))
}

/// The first number that follows `word`.
fn number_after(text: &str, word: &str) -> Option<u64> {
    let (_, rest) = text.split_once(word)?;
    rest.split_whitespace().next()?.parse().ok()
}

/// The number two words before `word`: `3 entries removed`.
fn number_before(text: &str, word: &str) -> Option<u64> {
    let (before, _) = text.split_once(word)?;
    before.split_whitespace().rev().nth(1)?.parse().ok()
}
