//! What the facts of a host mean: pure functions, one a subject.

mod contents;
mod disks;
mod root;
mod runners;

use super::facts::Facts;
use crate::outcome::{Check, CheckCode};

/// All checks, in the order in which people read them. One that cannot be made is left out: another one tells why.
pub(super) fn of(facts: &Facts) -> Vec<Check> {
    let subjects: [fn(&Facts) -> Vec<Check>; 5] =
        [policy, root::checks, disks::checks, contents::checks, runners::checks];
    subjects.into_iter().flat_map(|checks| checks(facts)).collect()
}

fn policy(facts: &Facts) -> Vec<Check> {
    let trouble = facts.policy_trouble.iter();
    let hint = "correct it: until then no job has a cache";
    trouble
        .map(|why| Check::problem(CheckCode::Policy, format!("the host policy is wrong: {why}"), hint))
        .collect()
}

/// A number of things, for people.
fn number(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

#[cfg(test)]
mod tests;
