//! The disk guard: entries make way, the oldest first, and where that does not suffice it is told what takes the disk.

use std::fs::{self, File, FileTimes};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use test_support::Listing;
use test_support::Said;

use crate::host::Host;
use crate::place::Place;
use crate::tree::{Version, plant};

const MEGABYTE: usize = 1 << 20;

/// A host on a disk of 64 MB with three entries of 10 MB, `k-1` to `k-3`, used last three, two and one days ago.
struct Full {
    host: Host,
    place: Place,
    whole: Listing,
}

impl Full {
    fn new() -> Self {
        let mut place = Place::new();
        let base = place.tmpfs("disk", "size=64m");
        let host = Host::new(&base);
        plant(&host.target(), Version::New);
        fs::write(host.target().join("debug/large"), vec![1; 10 * MEGABYTE]).unwrap();
        let whole = host.listing().unwrap();
        for (key, days) in [("k-1", 3), ("k-2", 2), ("k-3", 1)] {
            // Copies: what shares its files with a job frees nothing.
            let args =
                ["save", "--layers", "target", "--key", key, "--disk-guard", "off", "--link-mode", "copy"];
            assert!(host.ok(&args).has_saved());
            let modified = SystemTime::now() - Duration::from_secs(days * 24 * 3600);
            let newest =
                host.entries().into_iter().find(|entry| entry.to_str().unwrap().contains(key)).unwrap();
            File::open(newest).unwrap().set_times(FileTimes::new().set_modified(modified)).unwrap();
        }
        host.remove_target();
        Self { host, place, whole }
    }

    /// Another repository's workspace on the same runner grows.
    fn fill(&self, megabytes: usize) {
        fs::create_dir_all(self.place.path("disk/other")).unwrap();
        fs::write(self.place.path("disk/other/movie"), vec![1; megabytes * MEGABYTE]).unwrap();
    }

    fn restore(&self, key: &str, more: &[&str]) -> Said {
        let args = ["restore", "--no-session", "--layers", "target", "--key", key, "--min-free", "30%"];
        self.host.run(&[&args[..], more].concat())
    }

    fn keys(&self) -> Vec<String> {
        let key = |entry: PathBuf| entry.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
        self.host.entries().into_iter().map(key).collect()
    }
}

#[test]
fn guard_evicts_the_oldest_entry_and_logs_space_before_and_after() {
    let full = Full::new();
    // Some 10 MB are free now, and 19.2 MB are to be.
    full.fill(22);
    let said = full.restore("k-3", &[]);
    assert_eq!((said.is_success(), said.hit(), said.warnings()), (true, "exact", 0), "{said:#?}");
    assert!(full.host.listing().as_ref() == Some(&full.whole));
    assert_eq!(full.keys(), ["k-2", "k-3"], "{}", said.log);
    let told = said.log.lines().find(|line| line.contains("1 entry evicted")).unwrap_or_default();
    for words in ["cache root", "workspace", "free, and `min-free` is 30 %", "now "] {
        assert!(told.contains(words), "{words}: {}", said.log);
    }
}

#[test]
fn guard_names_what_uses_the_disk_when_eviction_does_not_help() {
    let full = Full::new();
    full.fill(31);
    // Even without any entry there would be too little.
    let said = full.restore("k-3", &["--min-free", "60%"]);
    assert_eq!((said.is_success(), said.warnings()), (true, 1), "{said:#?}");
    let warning = said.log.lines().find(|line| line.contains("::warning")).unwrap();
    assert!(warning.contains("still too little") && warning.contains("/other"), "{warning}");
}

#[test]
fn failing_guard_fails_before_the_restore() {
    let full = Full::new();
    full.fill(31);
    let said = full.restore("k-3", &["--min-free", "60%", "--disk-guard", "fail"]);
    assert_eq!(said.code, 1, "{said:#?}");
    let error = said.log.lines().find(|line| line.contains("::error")).unwrap();
    assert!(error.contains("still too little") && error.contains("/other"), "{error}");
    assert!(full.host.listing().is_none());
}

#[test]
fn guard_does_not_evict_a_leased_entry() {
    let full = Full::new();
    full.fill(22);
    let oldest =
        full.host.entries().into_iter().find(|entry| entry.to_str().unwrap().contains("k-1")).unwrap();
    let lease = File::open(oldest).unwrap();
    rustix::fs::flock(&lease, rustix::fs::FlockOperation::LockShared).unwrap();
    let said = full.restore("k-3", &[]);
    assert_eq!((said.is_success(), said.hit(), said.warnings()), (true, "exact", 0), "{said:#?}");
    assert_eq!(full.keys(), ["k-1", "k-3"], "{}", said.log);
}

#[test]
fn unremovable_debris_does_not_block_eviction() {
    let mut full = Full::new();
    full.fill(22);
    // A mount below the trash: nothing of it may be deleted.
    full.place.tmpfs("disk/root/trash/0123456789abcdef/mounted", "size=4k");
    let said = full.restore("k-3", &[]);
    assert_eq!((said.is_success(), said.hit()), (true, "exact"), "{said:#?}");
    assert_eq!(full.keys(), ["k-2", "k-3"], "{}", said.log);
}

#[test]
fn guard_makes_room_for_what_jobs_of_this_kind_wrote() {
    let full = Full::new();
    // Some 22 MB are free and 20.1 MB are to be; the jobs wrote 11 MB.
    full.fill(11);
    let said = full.restore("k-3", &[]);
    assert_eq!((said.is_success(), said.hit(), said.warnings()), (true, "exact", 0), "{said:#?}");
    let told = said.log.lines().find(|line| line.contains("jobs like this one wrote up to 11.14 MB"));
    assert!(told.is_some_and(|line| line.contains("1 entry evicted")), "{said:#?}");
    assert_eq!(full.keys(), ["k-2", "k-3"], "{}", said.log);
    full.host.remove_target();
    let said = full.restore("k-3", &["--lane", "of others"]);
    assert!(!said.log.contains("jobs like this one"), "nothing is known of these: {said:#?}");
}

#[test]
fn guard_keeps_the_entry_of_the_job_and_says_what_is_missing() {
    let full = Full::new();
    full.fill(11);
    for (key, hit) in [("k-1", "exact"), ("k-1", "exact")] {
        let said = full.restore(key, &["--min-free", "32%"]);
        assert_eq!((said.is_success(), said.hit(), said.warnings()), (true, hit, 0), "{said:#?}");
        full.host.remove_target();
        full.fill(20);
    }
    let said = full.restore("k-1", &["--min-free", "20%", "--disk-guard", "fail"]);
    assert_eq!((said.is_success(), said.hit(), said.warnings()), (true, "exact", 0), "{said:#?}");
    assert_eq!(full.keys(), ["k-1"], "{}", said.log);
}
