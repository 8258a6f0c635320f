//! What was done about the disk, and what takes it, in words.

use std::fmt::Write as _;

use super::figures::{bytes, count, entries};
use crate::outcome::{Cleaned, FullDisk};
use crate::store::retention::MinFree;
use crate::sys::Space;

impl FullDisk {
    /// The report for the log.
    pub fn text(&self) -> String {
        let mut text = format!(
            "the disk of {} had {} free, and `min-free` is {}",
            listed(&self.names),
            free(self.before),
            min_free(self.min_free)
        );
        if self.expected > 0 {
            let _ = write!(text, "; jobs like this one wrote up to {}", bytes(self.expected));
        }
        if self.evicted > 0 {
            let plural = if self.evicted == 1 { "y" } else { "ies" };
            let _ =
                write!(text, ": {} entr{plural} evicted, now {} free", count(self.evicted), free(self.after));
        }
        if !self.largest.is_empty() {
            text.push_str("; still too little. Largest on this disk:");
            for large in &self.largest {
                let _ = write!(text, "\n  {:>10}  {}", bytes(large.bytes), large.what);
            }
        }
        text
    }
}

/// What cleaning up did, in words.
pub(super) fn clean_text(report: &Cleaned) -> String {
    let Cleaned { evicted, bytes: size, before, after, shortage } = report;
    let mut text = format!(
        "{} removed, {} recorded\nfree before: {}\nfree after:  {}",
        entries(*evicted),
        bytes(*size),
        free(*before),
        free(*after)
    );
    if !shortage.is_none() {
        let _ =
            write!(text, "\nstill missing: {} and {} inodes", bytes(shortage.bytes), count(shortage.inodes));
    }
    text
}

/// What is free, in bytes and in inodes where these are scarce.
fn free(space: Space) -> String {
    let percent = |free: u64, all: u64| free as f64 * 100.0 / all.max(1) as f64;
    let mut text = format!(
        "{} of {} ({:.1} %)",
        bytes(space.free_bytes),
        bytes(space.bytes),
        percent(space.free_bytes, space.bytes)
    );
    let inodes = percent(space.free_inodes, space.inodes);
    if space.inodes > 0 && inodes < 20.0 {
        let _ = write!(text, " and {} inodes ({inodes:.1} %)", count(space.free_inodes));
    }
    text
}

/// `a`, `a and b`, `a, b and c`.
fn listed(names: &[&str]) -> String {
    match names.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => names.concat(),
    }
}

/// The limit as the user would write it.
pub fn min_free(min_free: MinFree) -> String {
    match min_free {
        MinFree::Bytes(size) => bytes(size),
        MinFree::Percent(percent) => format!("{percent} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Large;

    fn space(free_bytes: u64, free_inodes: u64) -> Space {
        Space { bytes: 100_000_000_000, free_bytes, inodes: 1000, free_inodes, device: 1 }
    }

    #[test]
    fn a_full_disk_is_told_with_what_takes_it() {
        let report = FullDisk {
            names: vec!["the cache root", "the workspace"],
            before: space(1_000_000_000, 900),
            after: space(2_000_000_000, 50),
            min_free: MinFree::Percent(5.0),
            expected: 0,
            evicted: 1,
            largest: vec![Large { what: "target k of o/r".into(), bytes: 3_000_000_000 }],
        };
        assert_eq!(
            report.text(),
            "the disk of the cache root and the workspace had 1 GB of 100 GB (1.0 %) free, and `min-free` \
             is 5 %: 1 entry evicted, now 2 GB of 100 GB (2.0 %) and 50 inodes (5.0 %) free; still too \
             little. Largest on this disk:\n        3 GB  target k of o/r"
        );
    }
}
