//! A host as a page: one HTML file with its style, its script and its data, that asks nothing of any network.
//!
//! What is in `page/` is put together here. The page's policy allows this very style and this very script, known by their
//! digests, and nothing else: neither a request nor whatever a hostile name might bring in. The data is JSON that the script
//! reads, and puts into the page as text.

use jiff::Timestamp;
use serde::Serialize;

use crate::ledger::Figures;
use crate::ledger::detail::{At, OfHost, OneRestore, Series};
use crate::outcome::{ReportOutcome, ShownEntries, UsageOutcome};
use crate::store::Layer;
use crate::sys::{Digest, Space};

const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/style.css");
const SCRIPT: &str = concat!(
    "\"use strict\";\n",
    include_str!("page/figures.js"),
    include_str!("page/drawing.js"),
    include_str!("page/charts.js"),
    include_str!("page/page.js")
);

/// What of [`Figures`] a row has, behind its span and series.
const COLUMNS: [&str; 14] = [
    "exact",
    "partial",
    "composed",
    "misses",
    "bypasses",
    "restored_files",
    "restored_bytes",
    "restore_time",
    "entries",
    "saved_bytes",
    "failed_saves",
    "save_time",
    "estimated_jobs",
    "saved_time",
];

/// What the script reads. Times are in milliseconds since 1970, durations in microseconds.
#[derive(Serialize)]
struct Data<'o> {
    version: &'static str,
    since: i64,
    until: i64,
    spans: Vec<i64>,
    layers: [Layer; 6],
    series: &'o [Series],
    columns: [&'static str; 14],
    /// A span, a series, and the columns.
    rows: Vec<(usize, usize, [i64; 14])>,
    /// A span, a series, a reason, entries and bytes.
    evictions: Vec<(usize, usize, &'o str, u64, u64)>,
    /// A span; damaged entries, disks that got enough room, and disks that did not.
    of_host: Vec<(usize, u64, u64, u64)>,
    /// A span, a series, an outcome, bytes and a duration.
    restores: Vec<(usize, usize, &'static str, u64, i64)>,
    restores_in_all: u64,
    usage: &'o UsageOutcome,
    entries: &'o [ShownEntries],
    disk: Option<Space>,
    max_size: Option<u64>,
    min_free: Option<u64>,
}

/// The page.
pub fn page(outcome: &ReportOutcome) -> String {
    let ReportOutcome { since, until, detail, usage, entries, disk, max_size, min_free, .. } = outcome;
    let millis = |time: &Timestamp| time.as_millisecond();
    let rows = detail.figures.iter().map(|(at, figures)| (at.span, at.series, columns(figures)));
    let evictions = detail.evictions.iter().map(|((At { span, series }, reason), (entries, bytes))| {
        (*span, *series, reason.as_str(), *entries, *bytes)
    });
    let of_host = detail.of_host.iter();
    let of_host = of_host.map(|(span, OfHost { damaged, disks_freed, disks_short })| {
        (*span, *damaged, *disks_freed, *disks_short)
    });
    let restores = detail.restores.iter();
    let restores = restores
        .map(|OneRestore { at, served, bytes, took }| (at.span, at.series, served.name(), *bytes, *took));
    let data = Data {
        version: env!("CARGO_PKG_VERSION"),
        since: millis(since),
        until: millis(until),
        spans: detail.spans.iter().map(millis).collect(),
        layers: Layer::ALL,
        series: &detail.series,
        columns: COLUMNS,
        rows: rows.collect(),
        evictions: evictions.collect(),
        of_host: of_host.collect(),
        restores: restores.collect(),
        restores_in_all: detail.restores_in_all,
        usage,
        entries,
        disk: *disk,
        max_size: *max_size,
        min_free: *min_free,
    };
    filled(&serde_json::to_string(&data).expect("it has text, numbers and texts as names"))
}

fn columns(figures: &Figures) -> [i64; 14] {
    let Figures { exact, partial, composed, misses, bypasses, .. } = *figures;
    let Figures { restored_files, restored_bytes, restore_time, entries, saved_bytes, .. } = *figures;
    let Figures { failed_saves, save_time, estimated_jobs, saved_time, .. } = *figures;
    let number = u64::cast_signed;
    [
        number(exact),
        number(partial),
        number(composed),
        number(misses),
        number(bypasses),
        number(restored_files),
        number(restored_bytes),
        restore_time,
        number(entries),
        number(saved_bytes),
        number(failed_saves),
        save_time,
        number(estimated_jobs),
        saved_time,
    ]
}

/// The page with `data`, which is the only part that others have a say in.
fn filled(data: &str) -> String {
    let policy = format!(
        "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'",
        source(SCRIPT),
        source(STYLE)
    );
    let mut page = String::with_capacity(PAGE.len() + STYLE.len() + SCRIPT.len() + data.len() + 1024);
    for part in PAGE.split('@') {
        match part {
            "policy" => page += &policy,
            "style" => page += STYLE,
            "data" => page += &harmless(data),
            "script" => page += SCRIPT,
            text => page += text,
        }
    }
    page
}

/// The JSON text with nothing that a browser could take for the end of its element, or for the start of another.
fn harmless(json: &str) -> String {
    let mut text = json.replace('<', "\\u003c");
    for (letter, escaped) in
        [('>', "\\u003e"), ('&', "\\u0026"), ('\u{2028}', "\\u2028"), ('\u{2029}', "\\u2029")]
    {
        if text.contains(letter) {
            text = text.replace(letter, escaped);
        }
    }
    text
}

/// An inline source as a content security policy names it.
fn source(text: &str) -> String {
    format!("'sha256-{}'", base64(Digest::of(text.as_bytes()).bytes()))
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let byte = |index: usize| u32::from(three.get(index).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * index) & 63) as usize];
            text.push(if index <= three.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_written_as_browsers_read_them() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("\u{3ff}?", "z78/")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(source(""), "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='");
    }

    #[test]
    fn no_name_ends_the_data() {
        let names =
            ["</script><img src=x onerror=alert(1)>", "<!--<script>", "\u{2028}&\u{2029}@script@", "]]>"];
        let json = serde_json::to_string(&names).unwrap();
        let page = filled(&json);
        let (_, rest) = page.split_once("type=\"application/json\">").unwrap();
        let (data, _) = rest.split_once("</script>").unwrap();
        assert!(!data.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{data}");
        assert_eq!(serde_json::from_str::<Vec<String>>(data).unwrap(), names);
        assert_eq!(page.matches("<script").count(), 2, "the data's and the script's own");
    }
}
