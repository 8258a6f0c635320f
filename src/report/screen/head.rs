//! What stands above and below the sections of a screen, and its keys.

use std::fmt::Write as _;

use ratatui_core::text::{Line, Span};

use super::super::bars::bar;
use super::super::disk::min_free;
use super::super::figures::{bytes, count, entries};
use super::super::listing::{columns, fitted};
use super::theme::{Part, Theme};
use crate::outcome::Live;

/// Columns below which there is little room.
const NARROW: usize = 60;

/// Letters of the bar of a disk.
const BAR: usize = 12;

/// Name, host and time; the disk; the entries; and what could not be read.
pub(super) fn head(live: &Live, theme: Theme, width: usize) -> Vec<Line<'static>> {
    let time = live.at.strftime("%H:%M:%S UTC").to_string();
    let room = width.saturating_sub(columns(&time) + 1);
    let place = live.cache_root.display();
    let long = format!("runner-cache top  {}  {place}", live.host);
    let title = if columns(&long) <= room { long } else { format!("top  {}  {place}", live.host) };
    let title = fitted(&title, room);
    let gap = " ".repeat(width.saturating_sub(columns(&title) + columns(&time)));
    let mut lines = vec![
        Line::from(theme.span(Part::Title, fitted(&format!("{title}{gap}{time}"), width))),
        disk(live, theme, width),
        Line::from(fitted(&stored(live), width)),
    ];
    let trouble =
        |why: &String| Line::from(theme.span(Part::Bad, fitted(&format!("not read: {why}"), width)));
    lines.extend(live.troubles.iter().map(trouble));
    lines
}

fn disk(live: &Live, theme: Theme, width: usize) -> Line<'static> {
    let Some(disk) = live.disk else { return Line::from("disk   cannot be asked") };
    let used = disk.bytes.saturating_sub(disk.free_bytes);
    let percent = used.saturating_mul(100) / disk.bytes.max(1);
    let mut spans = vec![Span::raw("disk   ")];
    let (part, word) = if live.short.is_none() { (Part::Good, "") } else { (Part::Bad, "FULL, ") };
    let of = if width >= NARROW { format!(" of {}", bytes(disk.bytes)) } else { String::new() };
    let mut text = format!(" {percent} % used, {word}{} free{of}", bytes(disk.free_bytes));
    let _ = write!(text, "; min-free {}", min_free(live.min_free));
    if disk.inodes > 0 && live.short.inodes > 0 {
        let _ = write!(text, "; {} inodes free", count(disk.free_inodes));
    }
    // In a narrow terminal the figures say more than the bar.
    if width >= NARROW {
        spans.push(theme.span(part, bar(used, disk.bytes, BAR)));
    } else {
        text = text.trim_start().to_owned();
    }
    let room = width.saturating_sub(spans.iter().map(|span| columns(&span.content)).sum());
    let part = if live.short.is_none() { Part::Plain } else { Part::Bad };
    spans.push(theme.span(part, cut(&text, room)));
    Line::from(spans)
}

/// The beginning of `text`, up to where a part of it ends that fits.
fn cut(text: &str, room: usize) -> String {
    let mut fits = text;
    while columns(fits) > room {
        match fits.rfind("; ") {
            Some(end) => fits = &fits[..end],
            None => return fitted(fits, room),
        }
    }
    fits.to_owned()
}

fn stored(live: &Live) -> String {
    let mut text = match live.stored {
        Some(stored) => format!("cache  {}, {} recorded", entries(stored.entries), bytes(stored.bytes)),
        None => "cache  cannot be listed".to_owned(),
    };
    if let Some(most) = live.max_size {
        let _ = write!(text, "; max-size {}", bytes(most));
    }
    text
}

/// The keys, in short.
pub(super) fn foot(theme: Theme, width: usize) -> Line<'static> {
    let long = "q quit   ? help   \u{2191}\u{2193} runner   PgUp PgDn events";
    let text = if columns(long) <= width { long } else { "q quit  ? help" };
    Line::from(theme.span(Part::Faint, fitted(text, width)))
}

/// All keys, and what is meant by what.
pub(super) fn help(theme: Theme) -> Vec<Line<'static>> {
    let keys = [
        ("q Esc Ctrl-C", "quit"),
        ("\u{2191} k  \u{2193} j", "choose a runner: its work, its events"),
        ("Home End", "all runners, the last runner"),
        ("PgUp PgDn", "newer and older events"),
        ("?", "these keys, or back"),
    ];
    let mut lines = vec![Line::default(), Line::from(theme.span(Part::Heading, "Keys"))];
    lines.extend(keys.map(|(keys, what)| Line::from(format!("  {keys:<13} {what}"))));
    lines.push(Line::default());
    lines.push(Line::from(theme.span(Part::Heading, "Words")));
    let words = [
        ("recorded", "files that entries share count in each"),
        ("24 h", "restores of the runner that were served"),
        ("Locks", "who has them, and who waits for whom"),
    ];
    lines.extend(words.map(|(word, what)| Line::from(format!("  {word:<13} {what}"))));
    lines
}
