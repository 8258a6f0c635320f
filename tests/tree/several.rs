//! Several trees, which are brought as one unit.

use std::path::PathBuf;

use test_support::files;

use super::*;

/// Restores entries to their destinations, as a whole directory or (`true`) as a part of one.
fn restore_all(entries: &[(&Entry, PathBuf, bool)], existing: Existing) -> tree::Result<Vec<TransferStats>> {
    restore_unless(entries, existing, &Interrupt::default())
}

fn restore_unless(
    entries: &[(&Entry, PathBuf, bool)],
    existing: Existing,
    interrupt: &Interrupt,
) -> tree::Result<Vec<TransferStats>> {
    with_engine(LinkMode::Copy, interrupt, |engine| {
        let deliveries = entries.iter().map(|(entry, to, is_part)| {
            let Entry { tree, dir, linkable } = entry;
            let source = Source { tree, location: dir.into(), linkable, is_live: false };
            Delivery { source, destination: to, existing, is_part: *is_part, engine }
        });
        tree::restore(&deliveries.collect::<Vec<_>>())
    })
}

/// An entry with these files.
fn entry(place: &Path, name: &str, files: &[(&str, &str)]) -> Entry {
    let live = place.join("live").join(name);
    write_all(&live, files);
    fs::create_dir_all(place.join("store")).unwrap();
    save(&live, &place.join("store"), name, LinkMode::Copy)
}

fn write_all(directory: &Path, contents: &[(&str, &str)]) {
    for (path, text) in contents {
        files::write(&directory.join(path), text);
    }
}

/// Lets an entry lack what it should have.
fn damage(entry: &Entry, file: &str) {
    fs::remove_file(entry.dir.path().join(file)).unwrap();
}

/// A directory `work` in which the job has something, and two entries for it.
fn work(place: &Path) -> (PathBuf, [Entry; 2]) {
    let work = place.join("work");
    write_all(&work, &[("there/sub/file", "of the job"), ("part/sub/own", "of the job")]);
    fs::create_dir(work.join("empty")).unwrap();
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    for directory in ["there/sub", "there", "part/sub", "part", "empty"] {
        fs::File::open(work.join(directory)).unwrap().set_modified(long_ago).unwrap();
    }
    fs::set_permissions(work.join("there/sub"), Permissions::from_mode(0o555)).unwrap();
    (work, ["1", "2"].map(|name| entry(place, name, &[("sub/file", "cached"), ("more/x", "cached")])))
}

/// Where a tree of [`work`] goes, and whether it is a part of the directory there.
const PLACES: [(&str, bool); 5] =
    [("there", false), ("empty", false), ("absent/deep", false), ("part", true), ("absent/part", true)];

/// All but the times of the directories above the destinations.
fn state(work: &Path) -> [Listing; 4] {
    let [there, part, empty] = ["there", "part", "empty"].map(|name| list(&work.join(name)));
    [there, part, empty, list(work).without_times()]
}

#[test]
fn restores_no_tree_when_one_cannot_be_staged() {
    for existing in [Existing::Mirror, Existing::Overwrite, Existing::Keep] {
        for (name, is_part) in PLACES {
            let place = tempfile::tempdir().unwrap();
            let (work, [whole, damaged]) = work(place.path());
            damage(&damaged, "more/x");
            let before = state(&work);
            let parts = [(&whole, work.join(name), is_part), (&damaged, work.join("last"), false)];
            restore_all(&parts, existing).unwrap_err();
            assert_eq!(state(&work), before, "{name}");
        }
    }
}

/// A tree in another one's destination is staged when that one is in place.
#[test]
fn rolls_back_placed_trees_when_a_later_one_fails() {
    for existing in [Existing::Mirror, Existing::Overwrite, Existing::Keep] {
        for (name, is_part) in PLACES {
            let place = tempfile::tempdir().unwrap();
            let (work, [whole, damaged]) = work(place.path());
            damage(&damaged, "more/x");
            let before = state(&work);
            let within = work.join(name).join("more/within");
            let parts = [(&whole, work.join(name), is_part), (&damaged, within, false)];
            restore_all(&parts, existing).unwrap_err();
            assert_eq!(state(&work), before, "{name}");
        }
    }
}

#[test]
fn restores_several_trees_in_any_arrangement() {
    for (name, is_part) in PLACES {
        for order in [[0, 1], [1, 0]] {
            let place = tempfile::tempdir().unwrap();
            let (work, [outer, inner]) = work(place.path());
            let parts =
                [(&outer, work.join(name), is_part), (&inner, work.join(name).join("more/within"), false)];
            let stats = restore_all(&order.map(|one| parts[one].clone()), Existing::Overwrite).unwrap();
            assert_eq!(stats.iter().map(|stats| stats.files).collect::<Vec<_>>(), [2, 2], "{name}");
            for (entry, to, _) in parts {
                let there = list(&to);
                assert!(list(entry.dir.path()).files().all(|file| there.has(file)), "{name}: {there:?}");
            }
        }
    }
}

#[test]
fn restores_parts_of_one_directory_at_once() {
    let place = tempfile::tempdir().unwrap();
    let [first, second] = ["first", "second"].map(|name| entry(place.path(), name, &[(name, "cached")]));
    let work = place.path().join("work");
    write_all(&work, &[("first", "of the job")]);
    restore_all(&[(&first, work.clone(), true), (&second, work.clone(), true)], Existing::Overwrite).unwrap();
    assert!(["first", "second"].iter().all(|name| fs::read(work.join(name)).unwrap() == b"cached"));
    write_all(&work, &[("first", "of the job")]);
    fs::remove_file(work.join("second")).unwrap();
    damage(&second, "second");
    let before = list(&work);
    restore_all(&[(&first, work.clone(), true), (&second, work.clone(), true)], Existing::Overwrite)
        .unwrap_err();
    assert_eq!(list(&work), before);
}

#[test]
fn cancelled_restore_of_several_trees_restores_none() {
    let place = tempfile::tempdir().unwrap();
    let (work, [first, second]) = work(place.path());
    let before = state(&work);
    let interrupt = Interrupt::default();
    interrupt.raise();
    let parts = [(&first, work.join("there"), false), (&second, work.join("absent"), false)];
    let failure = restore_unless(&parts, Existing::Mirror, &interrupt).unwrap_err();
    assert!(matches!(failure, tree::Error::Interrupted), "{failure}");
    assert_eq!(state(&work), before);
}
