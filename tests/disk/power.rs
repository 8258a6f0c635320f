//! Power cuts: only what had reached the device is there in the next boot, and nothing else may serve.
//!
//! The device is an image file. A copy of it, taken while it is mounted, holds what a power cut would have left; mounting
//! that replays the journal, as a boot does.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{FlockOperation, flock};
use test_support::Listing;
use test_support::Said;

use crate::host::{Host, UNGUARDED};
use crate::place::{Place, run};
use crate::strace::{Fault, inject, record, sample};
use crate::tree::{SPARSE, Version, plant};

/// What the devices hold.
const KINDS: [&str; 3] = ["ext4", "xfs", "btrfs"];

/// A host whose disk is a device of its own.
struct Machine {
    host: Host,
    place: Place,
    cuts: usize,
}

impl Machine {
    fn new(kind: &str) -> Self {
        let mut place = Place::new();
        let image = place.tmpfs("images", "size=1g").join("0");
        // Xfs wants this much.
        File::create(&image).unwrap().set_len(320 << 20).unwrap();
        run(Command::new(format!("mkfs.{kind}")).arg("-q").arg(&image));
        let host = Host::new(&place.image("disk", &image, "noatime"));
        run(Command::new("sync").arg("-f").arg(host.path("")));
        plant(&host.target(), Version::New);
        Self { host, place, cuts: 0 }
    }

    /// Saves, and lets nothing be flushed: the flush that the save leaves running waits for a lock and ends with the save.
    fn save_unflushed(&self) -> PathBuf {
        let _lock = self.keep_flushes_waiting();
        let before = self.host.entries();
        self.host.save();
        self.host.entries().into_iter().find(|entry| !before.contains(entry)).expect("it saved")
    }

    fn keep_flushes_waiting(&self) -> File {
        let boots = self.host.path("root/boots");
        if !boots.exists() {
            // Makes the root: in a directory that is not marked nobody saves.
            self.host.ok(&[&["restore", "--no-session", "--lookup-only"], &UNGUARDED[..]].concat());
            DirBuilder::new().recursive(true).mode(0o700).create(&boots).unwrap();
        }
        let lock = File::options().create(true).append(true).open(boots.join("flush.lock")).unwrap();
        flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
        lock
    }

    /// Writes a file of somebody else out to the device. What the journal has before it goes along, the contents of other
    /// files do not.
    fn commit_journal(&self) {
        fs::write(self.host.path("other"), "of somebody else").unwrap();
        write_out(&self.host.path("other"));
    }

    /// Cuts the power and boots again.
    fn cut(&mut self) {
        let (old, new) = (self.cuts.to_string(), (self.cuts + 1).to_string());
        let images = self.place.path("images");
        run(Command::new("cp").arg("--sparse=always").args([images.join(old), images.join(&new)]));
        // What the old device is given now is no longer of interest; two of one kind and id must not be mounted at once.
        self.place.unmount("disk");
        self.place.image("disk", &images.join(new), "noatime");
        self.cuts += 1;
    }

    /// The same, and the next job's checkout removes the target directory.
    fn cut_and_check_out(&mut self) {
        self.cut();
        self.host.remove_target();
    }

    /// A restore in the next boot.
    fn restore(&self) -> Said {
        self.host.run_in_another_boot(&[&["restore", "--no-session"], &UNGUARDED[..]].concat())
    }

    /// The first job of the next boot, from nothing: it must find a cache in order, whatever was lost.
    fn go_on(&self, what: &str) {
        let host = &self.host;
        host.remove_target();
        plant(&host.target(), Version::Old);
        let old = host.listing();
        let saved = host.run_in_another_boot(&[&["save"], &UNGUARDED[..]].concat());
        assert!(saved.is_success() && saved.has_saved() && saved.warnings() == 0, "{what}: {saved:#?}");
        host.remove_target();
        let restored = self.restore();
        assert_eq!((restored.hit(), restored.warnings()), ("exact", 0), "{what}: {restored:#?}");
        assert!(host.listing() == old, "{what}");
        let cleaned = host.run_in_another_boot(&["gc"]);
        assert!(cleaned.is_success(), "{what}: {cleaned:#?}");
        assert_eq!(host.debris(), Vec::<PathBuf>::new(), "{what}");
    }
}

/// Writes the file out to the device.
fn write_out(path: &Path) {
    File::open(path).unwrap().sync_all().unwrap();
}

#[test]
fn only_flushed_data_serves_after_a_power_cut() {
    let (mut half, mut served) = (0, 0);
    for kind in KINDS {
        for reached in ["nothing", "another file", "the manifest", "all", "all but holes"] {
            let what = format!("{kind}, {reached}");
            let mut machine = Machine::new(kind);
            // Of one with holes nobody can tell.
            if !["the manifest", "all but holes"].contains(&reached) {
                fs::remove_file(machine.host.target().join(SPARSE)).unwrap();
            }
            let new = machine.host.listing();
            let entry = machine.save_unflushed();
            let saved = Listing::of(&entry.join("tree"));
            match reached {
                "another file" => machine.commit_journal(),
                "the manifest" => write_out(&entry.join("manifest")),
                // Nobody notes it.
                "all" | "all but holes" => drop(run(Command::new("sync").arg("-f").arg(&entry))),
                _ => {}
            }
            machine.cut_and_check_out();
            let is_there = !machine.host.entries().is_empty();
            half += usize::from(is_there && Listing::of(&entry.join("tree")) != saved);

            let is_whole = is_there && Listing::of(&entry.join("tree")) == saved;

            let said = machine.restore();

            assert!(said.is_success(), "{what}: {said:#?}");
            if said.hit() == "exact" {
                assert!(is_whole && machine.host.listing() == new, "{what}: {said:#?}");
                assert_eq!(said.warnings(), 0, "{what}: {said:#?}");
                served += 1;
            } else {
                assert!(machine.host.listing().is_none(), "{what}: {said:#?}");
                assert_eq!(said.warnings(), usize::from(is_there), "{what}: {said:#?}");
                if reached == "all but holes" {
                    // They may be what is lost, or be meant.
                    assert!(entry.exists() && said.log.contains("cannot tell whether"), "{what}: {said:#?}");
                } else if entry.join("manifest").exists() {
                    assert!(said.log.contains("the host crashed before"), "{what}: {said:#?}");
                }
            }
            machine.go_on(&what);
        }
    }
    assert!(half > 0 && served >= KINDS.len(), "the test is about something: {half}, {served}");
}

#[test]
fn flushed_entry_serves_after_a_power_cut() {
    for kind in KINDS {
        let mut machine = Machine::new(kind);
        let new = machine.host.listing();
        machine.save_unflushed();
        machine.host.ok(&["flush"]);
        machine.cut_and_check_out();
        let said = machine.restore();
        assert_eq!((said.hit(), said.warnings()), ("exact", 0), "{kind}: {said:#?}");
        assert!(machine.host.listing() == new, "{kind}");
        machine.go_on(kind);
    }
}

#[test]
fn save_flushes_its_entry_in_the_background() {
    let mut machine = Machine::new("ext4");
    let new = machine.host.listing();
    // This waits for all that the save leaves running.
    let waiting = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=none"];
    let said = machine.host.run_under(&waiting, &[&["save"], &UNGUARDED[..]].concat());
    assert!(said.is_success() && said.has_saved(), "{said:#?}");
    machine.cut_and_check_out();
    let said = machine.restore();
    assert_eq!((said.hit(), said.warnings()), ("exact", 0), "{said:#?}");
    assert!(machine.host.listing() == new);
}

#[test]
fn older_flushed_entry_serves_when_a_newer_one_is_lost() {
    for kind in KINDS {
        let mut machine = Machine::new(kind);
        machine.save_unflushed();
        machine.host.ok(&["flush"]);
        let flushed = machine.host.listing();
        machine.host.remove_target();
        plant(&machine.host.target(), Version::Old);
        let lost = machine.save_unflushed();
        write_out(&lost.join("manifest"));
        machine.cut_and_check_out();
        assert!(lost.join("manifest").exists(), "{kind}: the test is about something");
        let said = machine.restore();
        assert_eq!((said.hit(), said.warnings()), ("exact", 1), "{kind}: {said:#?}");
        assert!(said.log.contains("the host crashed before"), "{kind}: {said:#?}");
        assert!(machine.host.listing() == flushed, "{kind}");
    }
}

#[test]
fn power_cut_during_a_save_leaves_a_sound_cache() {
    let save = [&["save"], &UNGUARDED[..]].concat();
    let names = ["mkdir", "linkat", "copy_file_range", "renameat2", "write"];
    for kind in KINDS {
        let recorded = Machine::new(kind);
        let calls = sample(&record(&recorded.host, &names, &save), 2);
        drop(recorded);
        assert!(calls.len() > names.len(), "the test is about something: {calls:?}");
        for call in calls {
            let mut machine = Machine::new(kind);
            let what = format!("{kind}, {} {}", call.name, call.number);
            let new = machine.host.listing();
            inject(&machine.host, &[&call], Fault::Death, &save);
            machine.commit_journal();
            machine.cut_and_check_out();
            let said = machine.restore();
            assert!(said.is_success(), "{what}: {said:#?}");
            // A death behind the last step of all takes nothing away.
            let brought = if said.hit() == "exact" { new } else { None };
            assert!(machine.host.listing() == brought, "{what}: {said:#?}");
            machine.go_on(&what);
        }
    }
}

#[test]
fn restore_repairs_a_destination_after_a_power_cut() {
    let mut half = 0;
    for kind in KINDS {
        let mut machine = Machine::new(kind);
        machine.save_unflushed();
        machine.host.ok(&["flush"]);
        let new = machine.host.listing();
        machine.host.remove_target();
        machine.host.restore();
        // By its tag the directory is told from somebody's own; without that it would be left alone.
        write_out(&machine.host.target().join("CACHEDIR.TAG"));
        machine.commit_journal();
        machine.cut();
        half += usize::from(machine.host.listing() != new);
        let said = machine.restore();
        assert_eq!((said.hit(), said.warnings()), ("exact", 0), "{kind}: {said:#?}");
        let (new, after) = (new.unwrap(), machine.host.listing().unwrap());
        assert!(after == new, "{kind}: {}: {}", new.difference(&after), said.log);
    }
    assert!(half > 0, "the test is about something");
}
