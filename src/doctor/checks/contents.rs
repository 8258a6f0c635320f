//! What is in the cache directory besides what serves jobs: leftovers, damage, files of others, entries of the future.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::doctor::facts::{Contents, Facts, State};
use crate::outcome::{Check, CheckCode, Fix};

use super::number;

/// A newest entry that is older is of a cache that nobody uses, or the clock is wrong.
const LONG_AGO: SignedDuration = SignedDuration::from_hours(365 * 24);

/// The checks; none where no cache can be opened.
pub(super) fn checks(facts: &Facts) -> Vec<Check> {
    let State::There(contents) = &facts.root.state else { return Vec::new() };
    [
        modes(contents),
        root_owned(contents),
        clock(contents, facts),
        debris(contents),
        quarantine(contents, facts),
        sessions(contents),
        after_jobs(contents, facts),
    ]
    .into_iter()
    .chain(contents.lost_hits.as_ref().map(lost_hits))
    .collect()
}

fn lost_hits(lost: &BTreeMap<String, u64>) -> Check {
    if lost.is_empty() {
        return Check::fine(CheckCode::Limits, "no limit cost a hit in the last week");
    }
    let by_limit: Vec<_> = lost.iter().map(|(limit, hits)| format!("{limit} {hits}")).collect();
    let total = usize::try_from(lost.values().sum::<u64>()).unwrap_or(usize::MAX);
    let text = format!(
        "limits evicted what jobs then missed: {} in a week ({})",
        number(total, "hit", "hits"),
        by_limit.join(", ")
    );
    Check::warning(
        CheckCode::Limits,
        text,
        "`runner-cache stats` tells which; raise `keep`, `max-age` or `max-size`",
    )
}

fn modes(contents: &Contents) -> Check {
    let wrong = &contents.ownership.wrong_modes;
    match wrong.first() {
        None => Check::fine(CheckCode::Modes, "permission bits are as they were made"),
        Some(first) => {
            let directories = number(wrong.len(), "directory", "directories");
            let text = format!("wrong permission bits on {directories} such as {}", first.display());
            let hint =
                "`--fix` sets them; where others could write, `runner-cache remove` what may be theirs";
            Check::problem(CheckCode::Modes, text, hint).with_fix(Fix::Modes)
        }
    }
}

fn root_owned(contents: &Contents) -> Check {
    let of_root = &contents.ownership.of_root;
    match of_root.first() {
        None => Check::fine(CheckCode::RootOwned, "nothing in the cache is root's"),
        Some(first) => {
            let text = format!(
                "{} in the cache cannot be evicted: root's, such as {}",
                of_root.len(),
                first.display()
            );
            let hint = "`sudo chown -R --reference=CACHE CACHE`; root in a container or `sudo` saved them";
            Check::problem(CheckCode::RootOwned, text, hint)
        }
    }
}

fn clock(contents: &Contents, facts: &Facts) -> Check {
    let Some(newest) = contents.newest else {
        return Check::fine(CheckCode::Clock, "no entry tells anything of the clock");
    };
    let hint = "compare `date` with another host; `timedatectl set-ntp true` keeps it right";
    if contents.of_future > 0 {
        let entries = number(contents.of_future, "entry is", "entries are");
        let text = format!("{entries} of the future, up to {newest:.0}: the clock is or was wrong");
        Check::warning(CheckCode::Clock, text, hint)
    } else if facts.now.duration_since(newest) > LONG_AGO {
        let text =
            format!("the newest entry is of {newest:.0}: nobody uses this cache, or the clock is ahead");
        Check::warning(CheckCode::Clock, text, hint)
    } else {
        Check::fine(CheckCode::Clock, "the clock and the entries agree")
    }
}

fn debris(contents: &Contents) -> Check {
    match contents.debris.left {
        0 => Check::fine(CheckCode::Debris, "killed jobs left nothing"),
        left => {
            let left = number(left, "directory", "directories");
            let text = format!("killed jobs left {left} in the cache");
            let hint = "`--fix` removes them, as each clean-up after a job does";
            Check::warning(CheckCode::Debris, text, hint).with_fix(Fix::Sweep)
        }
    }
}

fn quarantine(contents: &Contents, facts: &Facts) -> Check {
    let Some(last) = contents.debris.last_quarantined else {
        return Check::fine(CheckCode::Quarantine, "no entry was found damaged in the last day");
    };
    let damaged = contents.debris.quarantined;
    let path = facts.root.path.join("quarantine");
    let text = format!("damaged: {damaged}, the last one found {last:.0}, kept in {}", path.display());
    let hint = "disk or memory may fail: `dmesg`, `smartctl`; `runner-cache verify --deep` reads all entries";
    Check::warning(CheckCode::Quarantine, text, hint)
}

fn sessions(contents: &Contents) -> Check {
    match contents.debris.sessions {
        0 => Check::fine(CheckCode::Sessions, "no job ended without its save"),
        left => {
            let jobs = number(left, "job was", "jobs were");
            let text = format!("{jobs} restored and never saved: killed, or without a save step");
            let hint = "`runner-cache hook install`, or `uses: btcdecoded/runner-cache/save@v1` with `if: always()` as the last step";
            Check::warning(CheckCode::Sessions, text, hint).with_fix(Fix::Sweep)
        }
    }
}

fn after_jobs(contents: &Contents, facts: &Facts) -> Check {
    let Some(last) = contents.troubles.last() else {
        return Check::fine(CheckCode::AfterJobs, "what went on after jobs told of no trouble");
    };
    let times = number(contents.troubles.len(), "time", "times");
    let text = format!("trouble after jobs, {times}; the last one: {last}");
    let hint = format!("the logs in {} have all of it", facts.root.path.join("logs").display());
    Check::warning(CheckCode::AfterJobs, text, hint)
}
