//! The sections of a screen: runners, what is at work, locks, and what happened last.

use std::fmt::Write as _;

use jiff::Timestamp;
use ratatui_core::text::{Line, Span};

use super::super::bars::bar;
use super::super::figures::{bytes, count, entries, files, lasting};
use super::super::listing::{columns, fitted};
use super::super::table::ago;
use super::theme::{Part, Theme};
use super::view::{Mark, name_of, names};
use crate::ledger::Latest;
use crate::outcome::{Live, LiveLock, Party};
use crate::store::{Layer, MovedSoFar, Wait, Working};

/// Columns from which a terminal is wide.
const WIDE: usize = 70;

/// Letters of a bar.
const BAR: usize = 20;

/// Rows under a heading. A row may be of several lines.
pub(super) struct Section {
    heading: &'static str,
    pub(super) rows: Vec<Vec<Line<'static>>>,
    /// What stands there where there is nothing; a section without it goes then.
    empty: Option<&'static str>,
}

impl Section {
    /// Lines of all of it.
    pub(super) fn wants(&self) -> usize {
        match (self.rows.iter().map(Vec::len).sum::<usize>(), self.empty) {
            (0, None) => 0,
            (lines, _) => 1 + lines.max(1),
        }
    }

    /// As many as fit into `room` lines, from the row behind `skipped` ones; how many are left is told in the heading.
    pub(super) fn lines(self, theme: Theme, width: usize, room: usize, skipped: usize) -> Vec<Line<'static>> {
        if room == 0 {
            return Vec::new();
        }
        let all = self.rows.len();
        let mut lines = Vec::new();
        let mut shown = 0;
        for row in self.rows.into_iter().skip(skipped) {
            if lines.len() + row.len() > room - 1 {
                break;
            }
            lines.extend(row);
            shown += 1;
        }
        let part = match shown {
            shown if shown == all => String::new(),
            0 => format!(" {all}"),
            shown => format!(" {}-{} of {all}", skipped + 1, skipped + shown),
        };
        let title = fitted(&format!("{}{part} ", self.heading), width);
        let rule = "\u{2500}".repeat(width.saturating_sub(columns(&title)));
        let heading = Line::from(vec![theme.span(Part::Heading, title), theme.span(Part::Faint, rule)]);
        if let Some(empty) = self.empty.filter(|_| all == 0) {
            lines.push(Line::from(theme.span(Part::Faint, fitted(&format!("  {empty}"), width))));
        }
        [vec![heading], lines].concat()
    }
}

/// The runners, where `mark` tells which one of them is looked at.
pub(super) fn runners(live: &Live, theme: Theme, width: usize, mark: Mark<'_>) -> Section {
    let mut rows = Vec::new();
    let sum = |pick: fn(&crate::ledger::OfRunner) -> u64| live.runners.iter().map(pick).sum::<u64>();
    let all = (sum(|of| of.hits), sum(|of| of.lookups));
    let last = live.runners.iter().map(|of| of.last).max();
    let of_all: Vec<_> = live.working.iter().collect();
    let names = names(live);
    // With one runner, all are that one.
    let has_all = mark != Mark::Nothing || names.len() > 1;
    let row = |name: &str,
               is_chosen: bool,
               working: &[&Working],
               (hits, lookups): (u64, u64),
               last: Option<Timestamp>| {
        let part = if is_chosen { Part::Chosen } else { Part::Plain };
        let marker = if is_chosen { "> " } else { "  " };
        let rate =
            (lookups > 0).then(|| format!("{:>3} % of {} in 24 h", hits * 100 / lookups, count(lookups)));
        let rate = rate.unwrap_or_else(|| "no restore in 24 h".to_owned());
        let last = last.map(|last| ago(last, live.at)).unwrap_or_default();
        let now = now(working);
        let text = if width >= WIDE {
            let rest = width.saturating_sub(2 + 20 + 2 + 2 + 20 + 2 + 14);
            format!("{marker}{}  {}  {}  {last:>14}", cell(name, 20), cell(&now, rest), cell(&rate, 20))
        } else {
            let name_room = width.saturating_sub(2 + 2 + 16).min(20);
            format!("{marker}{}  {now}", cell(name, name_room))
        };
        vec![Line::from(theme.span(part, fitted(&text, width)))]
    };
    if has_all && !names.is_empty() {
        rows.push(row("all", mark == Mark::All, &of_all, all, last));
    }
    for name in &names {
        let of_runner = live.runners.iter().find(|of| name_of(of.runner.as_deref()) == name);
        let figures = of_runner.map_or((0, 0), |of| (of.hits, of.lookups));
        let working: Vec<_> =
            of_all.iter().filter(|one| is_of(one.runner.as_deref(), Some(name))).copied().collect();
        rows.push(row(name, mark == Mark::Runner(name), &working, figures, of_runner.map(|of| of.last)));
    }
    Section { heading: "Runners", rows, empty: Some("no job restored or saved here in 24 h") }
}

/// What a runner is at.
fn now(working: &[&Working]) -> String {
    match working {
        [] => "idle".to_owned(),
        [one] if one.waits.is_some() => format!("{} waits", one.activity.name()),
        [one] => match &one.step.moved {
            Some(moved) => format!("{} {}", one.activity.name(), percent(moved)),
            None => one.activity.name().to_owned(),
        },
        several => format!("{} at work", several.len()),
    }
}

fn percent(moved: &MovedSoFar) -> String {
    let MovedSoFar { files, of_files, .. } = moved;
    format!("{} %", files.saturating_mul(100).checked_div(*of_files).unwrap_or(100).min(100))
}

/// Whether something of `runner` is of the chosen one.
fn is_of(runner: Option<&str>, chosen: Option<&str>) -> bool {
    chosen.is_none_or(|chosen| name_of(runner) == chosen)
}

/// What is at work, for the chosen runner.
pub(super) fn at_work(live: &Live, theme: Theme, width: usize, chosen: Option<&str>) -> Section {
    let of_chosen = live.working.iter().filter(|one| is_of(one.runner.as_deref(), chosen));
    let rows = of_chosen.map(|one| vec![who(one, live.at, theme, width), state(one, live, theme, width)]);
    Section { heading: "At work", rows: rows.collect(), empty: Some("nothing") }
}

/// Who is at work at what, and for how long.
fn who(working: &Working, now: Timestamp, theme: Theme, width: usize) -> Line<'static> {
    let mut text = String::new();
    let whose = [working.repository.as_deref(), working.job.as_deref(), working.runner.as_deref()];
    let whose: Vec<_> = whose.into_iter().flatten().collect();
    let took = elapsed(working.since, now);
    let end =
        if width >= WIDE { format!("  {took:>10}  pid {:<7}", working.pid) } else { format!(" {took}") };
    let layer = working.step.layer.map(Layer::name);
    // An id begins with its layer.
    let key = working.step.key.as_deref();
    let layer = layer.filter(|layer| key.is_none_or(|key| !key.starts_with(&format!("{layer}-"))));
    for part in [layer, key].into_iter().flatten() {
        let _ = write!(text, "  {part}");
    }
    if !whose.is_empty() {
        let _ = write!(text, "  {}", whose.join(" "));
    }
    let activity = format!("  {:<8}", working.activity.name());
    let room = width.saturating_sub(columns(&activity) + columns(&end));
    Line::from(vec![
        theme.span(Part::Chosen, activity),
        Span::raw(cell(&text, room)),
        theme.span(Part::Faint, end),
    ])
}

/// How far it is, or for whom it waits.
fn state(working: &Working, live: &Live, theme: Theme, width: usize) -> Line<'static> {
    let room = width.saturating_sub(4);
    let (part, text) = match (&working.waits, &working.step.moved) {
        (Some(wait), _) => (Part::Notable, waits(wait, live)),
        (None, Some(moved)) => {
            let MovedSoFar { files: done, of_files, bytes: size } = *moved;
            let text =
                format!("{:>5}  {} of {}, {}", percent(moved), count(done), files(of_files), bytes(size));
            if width >= WIDE {
                let bar = theme.span(Part::Good, bar(done, of_files, BAR));
                return Line::from(vec![Span::raw("    "), bar, Span::raw(fitted(&text, room - BAR))]);
            }
            (Part::Plain, text.trim_start().to_owned())
        }
        (None, None) => (Part::Plain, working.step.phase.name().to_owned()),
    };
    Line::from(vec![Span::raw("    "), theme.span(part, fitted(&text, room))])
}

fn waits(wait: &Wait, live: &Live) -> String {
    let name = wait.lock.name();
    let lock = live.locks.iter().find(|lock| lock.name == name);
    let holders: Vec<_> = lock.iter().flat_map(|lock| &lock.holders).map(named).collect();
    let by = if holders.is_empty() { String::new() } else { format!(", held by {}", holders.join(", ")) };
    format!("waits for the {name} lock{by}: {}", elapsed(wait.since, live.at))
}

fn named(party: &Party) -> String {
    format!("{} {}", party.pid, party.what)
}

/// Who has which lock, and who waits for it.
pub(super) fn locks(live: &Live, theme: Theme, width: usize) -> Section {
    let row = |lock: &LiveLock| {
        let name = format!("  {}", cell(&lock.name, if width >= WIDE { 20 } else { 12 }));
        let holders = lock.holders.iter().map(named).collect::<Vec<_>>().join(", ");
        let verb = if lock.is_shared { "read by" } else { "held by" };
        let held =
            if holders.is_empty() { "held by nobody we see".to_owned() } else { format!("{verb} {holders}") };
        let room = width.saturating_sub(columns(&name) + 2);
        let held = Line::from(vec![Span::raw(name.clone()), Span::raw("  "), Span::raw(fitted(&held, room))]);
        let waiting = |party: &Party| {
            let since =
                party.since.map(|since| format!(" for {}", elapsed(since, live.at))).unwrap_or_default();
            let text = format!("{} waits{since}", named(party));
            let indent = " ".repeat(columns(&name) + 2);
            Line::from(vec![Span::raw(indent), theme.span(Part::Notable, fitted(&text, room))])
        };
        [vec![held], lock.waiters.iter().map(waiting).collect()].concat()
    };
    Section { heading: "Locks", rows: live.locks.iter().map(row).collect(), empty: None }
}

/// What happened last, of the chosen runner.
pub(super) fn events(live: &Live, theme: Theme, width: usize, chosen: Option<&str>) -> Section {
    let of_chosen = live.events.iter().filter(|event| is_of(event.runner.as_deref(), chosen));
    let rows = of_chosen.map(|event| vec![event_line(event, live.at, theme, width)]);
    Section { heading: "Last events", rows: rows.collect(), empty: Some("nothing happened yet") }
}

fn event_line(event: &Latest, now: Timestamp, theme: Theme, width: usize) -> Line<'static> {
    let Latest { at, kind, outcome, cause, repository, job, layer, number, bytes: size, took, .. } = event;
    let is_today = now.duration_since(*at).as_hours() < 24;
    let time = |today: &str| at.strftime(if is_today { today } else { "%d %b" }).to_string();
    let outcome = outcome.as_deref().unwrap_or_default();
    let (part, ended) = match (kind.as_str(), outcome, cause) {
        ("restore", "miss", Some(cause)) => (Part::Notable, format!("miss {cause}")),
        ("restore", "exact" | "partial" | "composed", _) => (Part::Good, outcome.to_owned()),
        ("save", "not", Some(cause)) => (Part::Faint, format!("not {cause}")),
        ("save", "failed", _) | ("damage", ..) | ("guard", "short", _) => (Part::Bad, outcome.to_owned()),
        (_, outcome, _) => (Part::Plain, outcome.to_owned()),
    };
    let what = match kind.as_str() {
        "restore" | "save" if *number == 0 => String::new(),
        "restore" | "save" => format!("{} in {}", bytes(*size), lasting(*took)),
        "eviction" => format!("{}, {}", entries(*number), bytes(*size)),
        _ if *number > 0 => entries(*number),
        _ => String::new(),
    };
    let whose = [repository.as_deref(), job.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let layer = layer.map(Layer::name).unwrap_or_default();
    if width < WIDE {
        let text = format!("  {layer} {whose}");
        let start = format!("  {} {kind} ", cell(&time("%H:%M"), 6));
        let room = width.saturating_sub(columns(&start) + columns(&ended));
        let ended = fitted(&ended, width.saturating_sub(columns(&start)));
        return Line::from(vec![Span::raw(start), theme.span(part, ended), Span::raw(fitted(&text, room))]);
    }
    let start = format!("  {} {kind:<8} ", cell(&time("%H:%M:%S"), 8));
    let end = format!(" {layer:<6} ");
    let (ended_room, what_room) = (14, 18);
    let room = width.saturating_sub(columns(&start) + ended_room + columns(&end) + what_room + 1);
    Line::from(vec![
        theme.span(Part::Faint, start),
        theme.span(part, cell(&ended, ended_room)),
        Span::raw(end),
        Span::raw(cell(&whose, room)),
        Span::raw(format!(" {:>what_room$}", fitted(&what, what_room))),
    ])
}

/// `text` in exactly `width` columns.
fn cell(text: &str, width: usize) -> String {
    let text = fitted(text, width);
    let blanks = width.saturating_sub(columns(&text));
    text + &" ".repeat(blanks)
}

/// How long something lasts.
fn elapsed(since: Timestamp, now: Timestamp) -> String {
    match now.duration_since(since).as_secs().max(0) {
        seconds @ ..60 => format!("{seconds} s"),
        seconds => lasting(seconds * 1_000_000),
    }
}
