//! Entries that no job can read any more: of closed pull requests and of branches that are gone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::eviction::{Known, Planned, Reason};
use crate::github::is_repository;

/// What of a repository is open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenRefs {
    /// Numbers of pull requests.
    pub pulls: BTreeSet<u64>,
    /// Names of branches.
    pub branches: BTreeSet<String>,
}

/// A ref that closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closable<'r> {
    Pull(u64),
    Branch(&'r str),
}

impl<'r> Closable<'r> {
    fn of(reference: &'r str) -> Option<Self> {
        if let Some(branch) = reference.strip_prefix("refs/heads/") {
            return Some(Self::Branch(branch));
        }
        let number = reference.strip_prefix("refs/pull/")?.strip_suffix("/merge")?;
        number.parse().ok().map(Self::Pull)
    }
}

/// The repositories of entries whose refs can close, as `OWNER/NAME`.
pub fn repositories_to_ask(known: &[Known]) -> BTreeSet<String> {
    let is_closable = |known: &&Known| {
        Closable::of(&known.header.scope.reference).is_some() && is_repository(&known.header.scope.repository)
    };
    known.iter().filter(is_closable).map(|known| known.header.scope.repository.clone()).collect()
}

/// The entries that go, by what was `open` when it was asked for (`asked`): what was made since may be of a ref that came
/// since. Of repositories that are not in `open` nothing is known, and all stays. So does what is of a default branch.
pub fn closed(known: &[Known], open: &BTreeMap<String, OpenRefs>, asked: Timestamp) -> Vec<Planned> {
    let is_closed = |known: &&Known| {
        let header = &known.header;
        let Some(open) = open.get(&header.scope.repository) else { return false };
        let is_open = match Closable::of(&header.scope.reference) {
            None => true,
            Some(Closable::Pull(number)) => open.pulls.contains(&number),
            Some(Closable::Branch(name)) => open.branches.contains(name),
        };
        !is_open && !known.stays && !header.is_of_default_branch && header.created < asked
    };
    let planned =
        |known: &Known| Planned { id: known.id.clone(), bytes: known.header.bytes, reason: Reason::Closed };
    known.iter().filter(is_closed).map(planned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merge_refs_and_branches_close_and_nothing_else_does() {
        assert_eq!(Closable::of("refs/pull/7/merge"), Some(Closable::Pull(7)));
        assert_eq!(Closable::of("refs/heads/a/b"), Some(Closable::Branch("a/b")));
        for reference in ["refs/tags/v1", "refs/pull/7/head", "refs/pull/x/merge", "local", ""] {
            assert_eq!(Closable::of(reference), None, "{reference}");
        }
    }
}
