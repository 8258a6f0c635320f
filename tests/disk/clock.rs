//! A host whose clock was wrong: it went back to 1971 without a battery, or far ahead.

use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::host::{Host, UNGUARDED};
use crate::place::Place;
use crate::tree::{Version, plant};

/// Beginnings of the names of entries that were made in 1971, and in 2090.
const YEARS: [(&str, u64); 2] = [("19710203", 34_387_200), ("20900203", 3_789_763_200)];

fn save(host: &Host) {
    host.ok(&[&["save", "--save", "always"], &UNGUARDED[..]].concat());
}

/// Lets an entry have been used last at this second of the epoch.
fn set_last_use(entry: &Path, seconds: u64) {
    let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    File::open(entry).unwrap().set_times(FileTimes::new().set_modified(modified)).unwrap();
}

/// Lets an entry have been made on this day, and used last at this second.
fn set_made(entry: &Path, day: &str, seconds: u64) -> PathBuf {
    let name = entry.file_name().unwrap().to_str().unwrap();
    let made = entry.with_file_name(format!("{day}{}", &name[day.len()..]));
    fs::rename(entry, &made).unwrap();
    set_last_use(&made, seconds);
    made
}

#[test]
fn restore_refreshes_an_entry_with_a_wrong_date() {
    for (day, seconds) in YEARS {
        let place = Place::new();
        let host = Host::new(&place.path(""));
        plant(&host.target(), Version::New);
        let new = host.listing();
        save(&host);
        host.remove_target();
        let entry = set_made(&host.entries()[0], day, seconds);
        assert_eq!(host.restore().hit(), "exact", "{day}");
        assert!(host.listing() == new, "{day}");
        host.ok(&["gc"]);
        assert!(entry.is_dir(), "{day}: it was of use just now");
    }
}

#[test]
fn future_entry_is_not_evicted_by_age() {
    let place = Place::new();
    let host = Host::new(&place.path(""));
    plant(&host.target(), Version::New);
    save(&host);
    let (day, seconds) = YEARS[1];
    let entry = set_made(&host.entries()[0], day, seconds);
    host.ok(&["gc", "--max-age", "1h"]);
    assert!(entry.is_dir());
}

#[test]
fn future_entries_do_not_evict_a_new_one() {
    let place = Place::new();
    let host = Host::new(&place.path(""));
    plant(&host.target(), Version::New);
    let (day, seconds) = YEARS[1];
    for _ in 0..3 {
        save(&host);
    }
    for entry in host.entries() {
        set_made(&entry, day, seconds);
    }
    host.remove_target();
    plant(&host.target(), Version::Old);
    let said = host.ok(&[&["save", "--save", "always", "--keep", "target=3"], &UNGUARDED[..]].concat());
    let is_of_now = |entry: &PathBuf| !entry.file_name().unwrap().to_str().unwrap().starts_with(day);
    assert!(host.entries().iter().any(is_of_now), "the new entry went at once: {}", said.log);
}

#[test]
fn clock_jump_keeps_the_session_of_a_running_job() {
    let place = Place::new();
    let host = Host::new(&place.path(""));
    host.ok(&[&["restore"], &UNGUARDED[..]].concat());
    plant(&host.target(), Version::New);
    for session in fs::read_dir(host.path("root/sessions")).unwrap() {
        // As it looks to a clock that is a few hours ahead.
        let modified = SystemTime::now() - Duration::from_secs(5 * 3600);
        let file = File::open(session.unwrap().path()).unwrap();
        file.set_times(FileTimes::new().set_modified(modified)).unwrap();
    }
    host.ok(&["gc"]);
    assert!(host.ok(&["save"]).has_saved());
}
