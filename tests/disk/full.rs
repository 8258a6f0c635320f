//! Disks that run out of room or of inodes in the middle of something, at every point where they can.

use std::fs;

use test_support::Said;

use crate::host::{ALONE, Host, UNGUARDED};
use crate::place::Place;
use crate::tree::{SPARSE, Version, plant};

/// What a page of a tmpfs holds.
const PAGE: u64 = 4096;

/// Room for all that happens here.
const ENOUGH: &str = "size=64m,nr_inodes=100k";

fn save() -> Vec<&'static str> {
    [&["save"], &UNGUARDED[..]].concat()
}

fn restore() -> Vec<&'static str> {
    [&["restore", "--no-session"], &UNGUARDED[..]].concat()
}

/// A target directory of small files, which take more of a disk than there is in them.
fn plant_small(host: &Host, version: Version) {
    plant(&host.target(), version);
    for large in [SPARSE, "debug/build/small-1/out/generated.rs"] {
        fs::remove_file(host.target().join(large)).unwrap();
    }
}

/// A save on a disk of this size, then on the same disk with enough room. Returns whether the first one fitted, and
/// what it said.
fn save_on(options: &str) -> (bool, Said) {
    let mut place = Place::new();
    let host = Host::new(&place.path(""));
    place.tmpfs("root", options);
    plant_small(&host, Version::New);
    let new = host.listing();

    let said = host.run(&[&save()[..], &["--min-free", "0%"]].concat());

    let has_saved = said.has_saved();
    assert!(said.is_success(), "{options}: {said:#?}");
    // An entry may have taken the last inode, so that there is none for the lock of whoever cleans up.
    let warnings = if has_saved { 0..=1 } else { 1..=1 };
    assert!(warnings.contains(&said.warnings()), "{options}: {said:#?}");
    host.remove_target();
    let hit = host.run(&restore());
    assert!(hit.is_success(), "{options}: {hit:#?}");
    // A disk without a single inode left lets no store be opened.
    assert!(hit.warnings() <= usize::from(!has_saved), "{options}: {hit:#?}");
    if has_saved {
        assert!(host.listing() == new, "{options}: an entry that is seen is whole: {hit:#?} {said:#?}");
    } else {
        assert_eq!((hit.hit(), host.listing().is_some()), ("miss", false), "{options}: {hit:#?}");
        assert_eq!(host.entries().len(), 0, "{options}");
    }

    place.remount("root", ENOUGH);
    plant_small(&host, Version::Old);
    let old = host.listing();
    host.save();
    host.remove_target();
    assert_eq!(host.restore().hit(), "exact", "{options}");
    assert!(host.listing() == old, "{options}");
    host.ok(&["gc"]);
    assert!(host.debris().is_empty(), "{options}: {:?}", host.debris());
    (has_saved, said)
}

#[test]
fn save_out_of_space_leaves_no_debris() {
    // From none to more than enough, a page at a time where it becomes tight.
    let sizes = (1..90).chain([200]);
    let fitted: Vec<_> =
        sizes.map(|pages| save_on(&format!("size={},nr_inodes=100k", pages * PAGE)).0).collect();
    assert!(!fitted[0] && fitted[fitted.len() - 1], "the test is about something");
}

/// A job whose restore noted what to save, and whose hook has so many pages left on the disk. Returns whether it fitted.
fn hook_on(pages: u64) -> bool {
    let mut place = Place::new();
    let mut host = Host::new(&place.path(""));
    place.tmpfs("root", ENOUGH);
    host.set("ACTIONS_RUNNER_HOOK_JOB_COMPLETED", "/l/runner-cache/job-completed.sh");
    host.ok(&[&["restore", "--min-free", "0%"], &UNGUARDED[..]].concat());
    plant_small(&host, Version::New);
    let new = host.listing();
    let free = rustix::fs::statvfs(host.path("root")).unwrap().f_bavail;
    let filler = host.path("root/lost+found");
    fs::write(&filler, vec![0; usize::try_from(free.saturating_sub(pages) * PAGE).unwrap()]).unwrap();

    let said = host.run_under(&ALONE, &["job-completed"]);

    assert!(said.is_success(), "{pages}: {said:#?}");
    fs::remove_file(filler).unwrap();
    host.remove_target();
    let hit = host.run(&restore());
    assert_eq!(
        (hit.hit(), host.listing() == new),
        if said.has_saved() { ("exact", true) } else { ("miss", false) }
    );
    host.ok(&["gc"]);
    assert!(host.debris().is_empty(), "{pages}: {:?}", host.debris());
    said.has_saved()
}

#[test]
fn hook_out_of_space_ends_well_and_leaves_no_debris() {
    let fitted: Vec<_> = (0..90).step_by(6).chain([2000]).map(hook_on).collect();
    assert!(!fitted[0] && fitted[fitted.len() - 1], "the test is about something");
}

#[test]
fn save_out_of_inodes_leaves_no_debris() {
    let fitted: Vec<_> =
        (2..110).step_by(3).map(|inodes| save_on(&format!("size=64m,nr_inodes={inodes}")).0).collect();
    assert!(!fitted[0] && fitted[fitted.len() - 1], "the test is about something");
}

#[test]
fn save_that_cannot_fit_does_not_start() {
    let (fitted, said) = save_on("size=40k");
    assert!(!fitted && said.log.contains("which has"), "{}", said.log);

    // Many small files take a page each, however little is in them.
    let mut place = Place::new();
    let host = Host::new(&place.path(""));
    place.tmpfs("root", "size=1m");
    plant_small(&host, Version::New);
    for number in 0..500 {
        // In packs it would be less.
        fs::write(host.target().join(format!("debug/deps/lib{number}.rlib")), "x").unwrap();
    }
    let said = host.run(&save());
    assert!(said.log.contains("which has"), "it was begun: {}", said.log);
    assert!(!host.path("root/staging").exists(), "nothing was written");
}

#[test]
fn save_that_can_never_fit_evicts_nothing() {
    let mut place = Place::new();
    let host = Host::new(&place.path(""));
    place.tmpfs("root", "size=4m");
    plant(&host.target(), Version::New);
    host.save();
    host.remove_target();
    plant(&host.target(), Version::Old);
    fs::write(host.target().join("debug/huge"), vec![1; 8 << 20]).unwrap();
    let said =
        host.run(&["save", "--layers", "target", "--key", "other", "--lane", "other", "--disk-guard", "off"]);
    assert!(said.is_success() && said.warnings() == 1 && !said.has_saved(), "{said:#?}");
    host.remove_target();
    assert_eq!(host.restore().hit(), "exact", "an entry went for nothing: {}", said.log);
}

#[test]
fn failed_save_frees_its_space() {
    let mut place = Place::new();
    let host = Host::new(&place.path(""));
    plant_small(&host, Version::New);
    // As much as the files take, and nothing for what describes them.
    for pages in 30..100 {
        place.tmpfs("root", &format!("size={}", pages * PAGE));
        let said = host.run(&[&save()[..], &["--min-free", "0%"]].concat());
        assert!(
            said.has_saved() || host.debris().is_empty(),
            "{pages} pages: {:?}: {}",
            host.debris(),
            said.log
        );
        place.unmount("root");
        if said.has_saved() {
            return;
        }
    }
    panic!("the test is about something");
}

#[test]
fn new_entry_is_not_evicted_at_once() {
    let mut place = Place::new();
    let host = Host::new(&place.path(""));
    place.tmpfs("root", "size=1200k");
    plant(&host.target(), Version::New);
    // It fits, and leaves less free than is to be free.
    let said = host.run(&[&save()[..], &["--min-free", "80%"]].concat());
    assert!(said.is_success(), "{said:#?}");
    assert_eq!(said.has_saved(), host.entries().len() == 1, "saved and gone again: {}", said.log);
}

/// A restore into a workspace on a disk of this size, where another version is or nothing. Returns whether it fitted.
fn restore_on(place: &mut Place, options: &str, is_there: bool) -> bool {
    let host = Host::new(&place.path(""));
    if host.entries().is_empty() {
        plant(&host.target(), Version::New);
        host.save();
        host.remove_target();
    }
    let whole = Some(host.held_by(&host.entries()[0]));
    place.tmpfs("work/project", ENOUGH);
    host.version("1.0.0");
    if is_there {
        plant(&host.target(), Version::Old);
    }
    let before = host.listing();
    // A tmpfs may shrink down to what it holds.
    place.remount("work/project", options);

    let said = host.run(&restore());

    let has_fitted = said.hit() == "exact";
    assert!(said.is_success(), "{options}: {said:#?}");
    assert_eq!(said.warnings(), usize::from(!has_fitted), "{options}: {said:#?}");
    let after = host.listing();
    if has_fitted {
        assert!(after == whole, "{options}: a hit is whole");
    } else {
        assert!(after == before, "{options}: a miss changes nothing: {said:#?}");
    }
    assert_eq!(host.debris().len(), 0, "{options}: {:?}", host.debris());

    place.remount("work/project", ENOUGH);
    assert_eq!(host.restore().hit(), "exact", "{options}");
    assert!(host.listing() == whole, "{options}");
    place.unmount("work/project");
    has_fitted
}

#[test]
fn restore_out_of_space_leaves_the_destination_unchanged() {
    let mut place = Place::new();
    let mut restored = |pages: u64, is_there| {
        restore_on(&mut place, &format!("size={},nr_inodes=100k", pages * PAGE), is_there)
    };
    let into_nothing: Vec<_> = (3..190).step_by(6).map(|pages| restored(pages, false)).collect();
    assert!(!into_nothing[0] && into_nothing[into_nothing.len() - 1], "the test is about something");
    let over_another: Vec<_> = (106..300).step_by(6).map(|pages| restored(pages, true)).collect();
    assert!(!over_another[0] && over_another[over_another.len() - 1], "the test is about something");
}

#[test]
fn restore_out_of_inodes_leaves_the_destination_unchanged() {
    let mut place = Place::new();
    let mut restored =
        |inodes: u64, is_there| restore_on(&mut place, &format!("size=64m,nr_inodes={inodes}"), is_there);
    let into_nothing: Vec<_> = (5..85).step_by(3).map(|inodes| restored(inodes, false)).collect();
    assert!(!into_nothing[0] && into_nothing[into_nothing.len() - 1], "the test is about something");
    let over_another: Vec<_> = (75..150).step_by(3).map(|inodes| restored(inodes, true)).collect();
    assert!(!over_another[0] && over_another[over_another.len() - 1], "the test is about something");
}

#[test]
fn restore_works_with_a_full_temporary_directory() {
    let mut place = Place::new();
    let host = Host::new(&place.path(""));
    plant(&host.target(), Version::New);
    host.save();
    host.remove_target();
    place.tmpfs("temp", "size=4k,nr_inodes=1");
    let said = host.run(&[&["restore"], &UNGUARDED[..]].concat());
    assert_eq!((said.is_success(), said.hit(), said.warnings()), (true, "exact", 1), "{said:#?}");
    assert!(said.log.contains("this job will save nothing"), "{}", said.log);
}

#[test]
fn unwritable_log_fails_no_job() {
    let place = Place::new();
    let host = Host::new(&place.path(""));
    plant(&host.target(), Version::New);
    let into_full = ["sh", "-c", "exec \"$@\" 2>/dev/full", "sh"];
    let said = host.run_under(&into_full, &[&save(), &["--save", "always"][..]].concat());
    assert!(said.is_success(), "save: {:?}", said.code);
    host.remove_target();
    let said = host.run_under(&into_full, &restore());
    assert!(said.is_success() && said.hit() == "exact", "restore: {said:?}");
}
