//! The tree engine against random trees on a real file system.

#![allow(clippy::disallowed_methods, reason = "tests speak to the file system by the standard library")]
mod forest;
mod listing;
mod packed;
mod several;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use runner_cache::sys::{Dir, Interrupt};
use runner_cache::tree::{
    self, Delivery, Engine, Existing, Files, Kind, LinkMode, Linker, Placement, Progress, Selection, Source,
    TransferStats, Tree,
};
use tempfile::TempDir;
use test_support::Listing;

use forest::{Plant, plants};

const MODES: [LinkMode; 4] = [LinkMode::Auto, LinkMode::Reflink, LinkMode::Hardlink, LinkMode::Copy];

/// An entry as the store keeps it: a tree and the directory with its files.
struct Entry {
    tree: Tree,
    dir: Dir,
    linkable: Vec<bool>,
}

/// What is in `root`, which is there.
fn list(root: &Path) -> Listing {
    Listing::of(root).unwrap_or_else(|| panic!("{}: absent", root.display()))
}

/// Saves `live` as the directory `name` in `store`.
fn save(live: &Path, store: &Path, name: &str, mode: LinkMode) -> Entry {
    let live = Dir::open(live).unwrap();
    let tree = tree::walk(&live, &Selection::all(), &Interrupt::default()).unwrap().tree;
    tree.validate().unwrap();
    // Nothing in these tests writes into a file that it did not make, so all of them may share inodes.
    let linkable = vec![true; tree.len() as usize];
    let source = Source { tree: &tree, location: (&live).into(), linkable: &linkable, is_live: true };
    let into = Dir::open(store).unwrap();
    let placement = [Placement { node: 0, name: name.into() }];
    with_engine(mode, &Interrupt::default(), |engine| tree::place(source, &placement, &into, None, engine))
        .unwrap();
    let dir = into.open_dir(name.as_bytes()).unwrap();
    Entry { tree, dir, linkable }
}

fn with_engine<T>(mode: LinkMode, interrupt: &Interrupt, work: impl FnOnce(Engine<'_>) -> T) -> T {
    work(Engine { linker: &Linker::new(mode), interrupt, progress: &Progress::default() })
}

fn restore_as(
    entry: &Entry,
    to: &Path,
    existing: Existing,
    mode: LinkMode,
    stop: &Interrupt,
) -> tree::Result<TransferStats> {
    let Entry { tree, dir, linkable } = entry;
    let source = Source { tree, location: dir.into(), linkable, is_live: false };
    with_engine(mode, stop, |engine| restore_one(source, to, existing, engine))
}

fn restore_one(
    source: Source<'_>,
    to: &Path,
    existing: Existing,
    engine: Engine<'_>,
) -> tree::Result<TransferStats> {
    let stats = tree::restore(&[Delivery { source, destination: to, existing, is_part: false, engine }])?;
    Ok(stats[0])
}

fn restore(entry: &Entry, to: &Path, mode: LinkMode) -> TransferStats {
    restore_as(entry, to, Existing::Mirror, mode, &Interrupt::default()).unwrap()
}

/// A live directory made of `plants` and an empty store.
fn grow(plants: &[Plant]) -> (TempDir, std::path::PathBuf, std::path::PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let (live, store) = (place.path().join("live"), place.path().join("store"));
    fs::create_dir(&live).unwrap();
    fs::create_dir(&store).unwrap();
    forest::plant(&live, plants);
    (place, live, store)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn restore_reproduces_a_tree_in_every_link_mode(plants in plants(24)) {
        let (place, live, store) = grow(&plants);
        let before = list(&live);
        let wanted = before.clone().without_special();
        for mode in MODES {
            let entry = save(&live, &store, &mode.to_string(), mode);
            let to = place.path().join(format!("to-{mode}"));
            restore(&entry, &to, mode);
            prop_assert_eq!(&list(&to), &wanted, "{}", mode);
            prop_assert_eq!(&list(&live), &before, "a save changes nothing");
        }
    }

    #[test]
    fn walk_reports_unsupported_file_types(plants in plants(24)) {
        let (_place, live, _store) = grow(&plants);
        let walked = tree::walk(&Dir::open(&live).unwrap(), &Selection::all(), &Interrupt::default()).unwrap();
        let mut told = walked.left_out;
        told.sort();
        let special: Vec<_> = list(&live).special().iter().map(|path| live.join(path)).collect();
        prop_assert_eq!(told, special);
    }

    #[test]
    fn mirror_restore_replaces_other_contents(wanted in plants(16), there in plants(16)) {
        let (place, live, store) = grow(&wanted);
        let entry = save(&live, &store, "entry", LinkMode::Copy);
        for mode in MODES {
            let to = place.path().join(mode.to_string());
            fs::create_dir(&to).unwrap();
            forest::plant(&to, &there);
            restore(&entry, &to, mode);
            let as_wanted = list(&live).without_special().without_attributes();
            prop_assert_eq!(list(&to).without_attributes(), as_wanted, "{}", mode);
            let again = restore(&entry, &to, mode);
            prop_assert_eq!(again.copied + again.reflinked + again.hardlinked, 0, "{}: all is there now", mode);
        }
    }

    #[test]
    fn overwriting_restore_keeps_other_files(wanted in plants(12), there in plants(12)) {
        let (place, live, store) = grow(&wanted);
        let entry = save(&live, &store, "entry", LinkMode::Copy);
        let to = place.path().join("to");
        fs::create_dir(&to).unwrap();
        forest::plant(&to, &there);
        let before = list(&to);
        let restored = restore_as(&entry, &to, Existing::Overwrite, LinkMode::Copy, &Interrupt::default());
        let (wanted, after) = (list(&live).without_special(), list(&to));
        match restored {
            Ok(_) => prop_assert!(wanted.files().all(|file| after.has(file)), "all of the tree is there"),
            Err(error) => {
                prop_assert!(matches!(error, tree::Error::DirectoryInTheWay { .. }), "{error}");
                prop_assert!(before.paths().any(|path| wanted.covers(path)), "{error}");
                prop_assert_eq!(&after, &before);
            }
        }
        prop_assert!(before.paths().all(|path| after.names(path)), "nothing is gone");
    }

    #[test]
    fn adding_restore_changes_no_existing_file(wanted in plants(12), there in plants(12)) {
        let (place, live, store) = grow(&wanted);
        let entry = save(&live, &store, "entry", LinkMode::Copy);
        let to = place.path().join("to");
        fs::create_dir(&to).unwrap();
        forest::plant(&to, &there);
        let before = list(&to);
        restore_as(&entry, &to, Existing::Keep, LinkMode::Copy, &Interrupt::default()).unwrap();
        let after = list(&to);
        prop_assert!(before.files().all(|file| after.has(file)));
    }

    #[test]
    fn interrupted_restore_leaves_the_destination_unchanged(wanted in plants(12), there in plants(12)) {
        let (place, live, store) = grow(&wanted);
        let entry = save(&live, &store, "entry", LinkMode::Copy);
        let to = place.path().join("to");
        fs::create_dir(&to).unwrap();
        forest::plant(&to, &there);
        let before = (list(&to), list(place.path()).len());
        let stop = Interrupt::default();
        stop.raise();
        let restored = restore_as(&entry, &to, Existing::Mirror, LinkMode::Copy, &stop);
        if restored.is_err() {
            prop_assert_eq!((list(&to), list(place.path()).len()), before, "no debris beside it either");
        }
    }

    #[test]
    fn save_links_files_of_its_base(plants in plants(16), more in plants(4)) {
        let (place, live, store) = grow(&plants);
        let base = save(&live, &store, "base", LinkMode::Copy);
        let before = list(&store.join("base"));
        forest::plant(&live, &more);
        let live_dir = Dir::open(&live).unwrap();
        let tree = tree::walk(&live_dir, &Selection::all(), &Interrupt::default()).unwrap().tree;
        let roots = [Dir::open(&store.join("base")).unwrap()];
        let mut same = tree.same_as(&base.tree);
        tree::only_truly_same(&tree, &mut same, &live_dir, (&roots[0]).into(), &Interrupt::default()).unwrap();
        let of: Vec<_> = same.into_iter().map(|same| same.then_some(0)).collect();
        let source = Source { tree: &tree, location: (&live_dir).into(), linkable: &[], is_live: true };
        let placement = [Placement { node: 0, name: b"next".to_vec() }];
        let bases = Some(tree::Bases { roots: &roots, of: &of });
        let into = Dir::open(&store).unwrap();
        let stats = with_engine(LinkMode::Copy, &Interrupt::default(), |engine| {
            tree::place(source, &placement, &into, bases, engine)
        }).unwrap();
        let wanted = list(&live).without_special();
        prop_assert_eq!(&list(&store.join("next")), &wanted);
        let entry = Entry { dir: Dir::open(&store.join("next")).unwrap(), linkable: Vec::new(), tree };
        restore(&entry, &place.path().join("to"), LinkMode::Copy);
        prop_assert_eq!(&list(&place.path().join("to")), &wanted);
        prop_assert_eq!(&list(&store.join("base")), &before);
        let changed = wanted.files().filter(|file| !before.has(*file)).count();
        prop_assert!(stats.copied <= changed as u64, "{} copied, {changed} changed", stats.copied);
    }
}

#[test]
fn restore_does_not_touch_up_to_date_files() {
    let place = tempfile::tempdir().unwrap();
    let (live, store, to) = (place.path().join("live"), place.path().join("store"), place.path().join("to"));
    fs::create_dir_all(live.join("a")).unwrap();
    fs::create_dir(&store).unwrap();
    for name in ["a/kept", "a/changed", "gone"] {
        fs::write(live.join(name), name).unwrap();
    }
    let entry = save(&live, &store, "entry", LinkMode::Copy);
    restore(&entry, &to, LinkMode::Copy);
    let inode = |name: &str| std::os::unix::fs::MetadataExt::ino(&fs::metadata(to.join(name)).unwrap());
    let before = (inode("a/kept"), inode("a/changed"));
    fs::write(to.join("a/changed"), "something else").unwrap();
    fs::remove_file(to.join("gone")).unwrap();
    fs::write(to.join("extraneous"), "").unwrap();

    let stats = restore(&entry, &to, LinkMode::Copy);

    assert_eq!((stats.kept, stats.copied, stats.removed), (1, 2, 1));
    assert_eq!(inode("a/kept"), before.0);
    assert_ne!(inode("a/changed"), before.1, "replaced by a rename, never written in place");
    assert_eq!(list(&to), list(&live));
}

#[test]
fn restore_splits_hard_links_the_tree_does_not_have() {
    let place = tempfile::tempdir().unwrap();
    let (live, store, to) = (place.path().join("live"), place.path().join("store"), place.path().join("to"));
    for directory in [&live, &store, &to] {
        fs::create_dir(directory).unwrap();
    }
    let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(1_600_000_000_123_456_789);
    for path in [live.join("a"), live.join("b"), to.join("a")] {
        fs::write(&path, "same").unwrap();
        fs::File::open(&path).unwrap().set_modified(time).unwrap();
    }
    fs::hard_link(to.join("a"), to.join("b")).unwrap();
    let entry = save(&live, &store, "entry", LinkMode::Copy);
    assert_eq!(restore(&entry, &to, LinkMode::Copy).kept, 1);
    assert_eq!(list(&to), list(&live));
    assert_eq!(restore(&entry, &to, LinkMode::Copy).kept, 2);
}

/// As many as the kernel's file systems allow where they allow the fewest, on ext4.
#[test]
fn file_at_its_link_limit_is_copied() {
    let place = tempfile::tempdir().unwrap();
    let (live, store, to) = (place.path().join("live"), place.path().join("store"), place.path().join("to"));
    for directory in ["live", "store", "names"] {
        fs::create_dir(place.path().join(directory)).unwrap();
    }
    fs::write(live.join("a"), "of many names").unwrap();
    fs::hard_link(live.join("a"), live.join("b")).unwrap();
    fs::hard_link(live.join("a"), live.join("c")).unwrap();
    let mut count = 3;
    while count < 64_999 && fs::hard_link(live.join("a"), place.path().join(format!("names/{count}"))).is_ok()
    {
        count += 1;
    }
    // One more name can be had, and three are wanted.
    let entry = save(&live, &store, "entry", LinkMode::Hardlink);
    assert_eq!(list(&store.join("entry")).without_groups(), list(&live).without_groups());
    restore(&entry, &to, LinkMode::Hardlink);
    assert_eq!(list(&to).without_groups(), list(&live).without_groups());
}

#[test]
fn restore_replaces_a_running_program() {
    let place = tempfile::tempdir().unwrap();
    let (live, store, to) = (place.path().join("live"), place.path().join("store"), place.path().join("to"));
    fs::create_dir(&live).unwrap();
    fs::create_dir(&store).unwrap();
    fs::create_dir(&to).unwrap();
    fs::copy("/bin/true", live.join("program")).unwrap();
    fs::copy("/bin/sleep", to.join("program")).unwrap();
    let entry = save(&live, &store, "entry", LinkMode::Copy);
    let mut running = std::process::Command::new(to.join("program")).arg("1000").spawn().unwrap();
    restore(&entry, &to, LinkMode::Copy);
    assert_eq!(list(&to), list(&live));
    assert!(running.try_wait().unwrap().is_none(), "it goes on with its own file");
    running.kill().unwrap();
    running.wait().unwrap();
}

/// What happened to a file, in words and in deed.
type Damage = (&'static str, fn(&Path));

#[test]
fn damaged_entry_changes_nothing() {
    let damages: [Damage; 4] = [
        ("a file is missing", |file| fs::remove_file(file).unwrap()),
        ("a file is shorter", |file| fs::write(file, "x").unwrap()),
        ("a file is newer", |file| {
            fs::File::options().write(true).open(file).unwrap().set_modified(SystemTime::now()).unwrap();
        }),
        ("a file is a symlink", |file| {
            fs::remove_file(file).unwrap();
            std::os::unix::fs::symlink("/etc/passwd", file).unwrap();
        }),
    ];
    for (what, damage) in damages {
        for mode in MODES {
            for is_there in [false, true] {
                let place = tempfile::tempdir().unwrap();
                let (live, store, to) =
                    (place.path().join("live"), place.path().join("store"), place.path().join("to"));
                fs::create_dir(&live).unwrap();
                fs::create_dir(&store).unwrap();
                for name in ["a", "b", "c"] {
                    fs::write(live.join(name), "0123456789").unwrap();
                }
                let entry = save(&live, &store, "entry", LinkMode::Copy);
                damage(&store.join("entry/b"));
                if is_there {
                    fs::create_dir(&to).unwrap();
                    fs::write(to.join("mine"), "").unwrap();
                }
                let before: Listing = list(place.path());
                let restored = restore_as(&entry, &to, Existing::Mirror, mode, &Interrupt::default());
                assert!(restored.is_err(), "{what}, {mode}");
                assert_eq!(list(place.path()).without_times(), before.without_times(), "{what}, {mode}");
            }
        }
    }
}

#[test]
fn restore_preserves_holes() {
    use std::os::unix::fs::{FileExt, MetadataExt};
    let size = 64 << 20;
    let place = tempfile::tempdir().unwrap();
    let (live, store, to) = (place.path().join("live"), place.path().join("store"), place.path().join("to"));
    fs::create_dir(&live).unwrap();
    fs::create_dir(&store).unwrap();
    let file = fs::File::create_new(live.join("sparse")).unwrap();
    file.write_all_at(b"start", 0).unwrap();
    file.write_all_at(b"middle", size / 2).unwrap();
    file.set_len(size).unwrap();
    fs::File::create_new(live.join("hole")).unwrap().set_len(size).unwrap();
    for mode in MODES {
        let entry = save(&live, &store, &mode.to_string(), mode);
        restore(&entry, &to, mode);
        assert_eq!(list(&to), list(&live), "{mode}");
        for name in ["sparse", "hole"] {
            let blocks = fs::metadata(to.join(name)).unwrap().blocks();
            assert!(blocks * 512 < size / 4, "{mode}: {name} takes {blocks} blocks");
        }
        fs::remove_dir_all(&to).unwrap();
    }
}

#[test]
fn setuid_is_dropped_and_reported() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("program");
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o4755)).unwrap();
    let walked =
        tree::walk(&Dir::open(place.path()).unwrap(), &Selection::all(), &Interrupt::default()).unwrap();
    assert_eq!(walked.without_rights, [file]);
    assert_eq!(walked.tree.node(1).mode, 0o755);
}

#[test]
fn restore_preserves_modes_under_a_default_acl() {
    let place = tempfile::tempdir().unwrap();
    let (live, store, parent) =
        (place.path().join("live"), place.path().join("store"), place.path().join("parent"));
    for directory in [&live.join("sub"), &store, &parent] {
        fs::create_dir_all(directory).unwrap();
    }
    fs::write(live.join("sub/file"), "x").unwrap();
    fs::set_permissions(live.join("sub"), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(live.join("sub/file"), Permissions::from_mode(0o644)).unwrap();
    // Version 2; for owner, group and others tag, permissions and no id.
    let mut value = 2_u32.to_le_bytes().to_vec();
    for (tag, may) in [(1_u16, 7_u16), (4, 5), (0x20, 0)] {
        value.extend([&tag.to_le_bytes()[..], &may.to_le_bytes(), &u32::MAX.to_le_bytes()].concat());
    }
    rustix::fs::setxattr(&parent, c"system.posix_acl_default", &value, rustix::fs::XattrFlags::empty())
        .unwrap();
    let entry = save(&live, &store, "entry", LinkMode::Copy);
    let to = parent.join("to");
    restore(&entry, &to, LinkMode::Copy);
    assert_eq!(list(&to), list(&live));
    assert_eq!(restore(&entry, &to, LinkMode::Copy).kept, 1, "there is nothing to do");
    fs::remove_file(to.join("sub/file")).unwrap();
    restore(&entry, &to, LinkMode::Copy);
    assert_eq!(list(&to), list(&live));
}

#[test]
fn directories_keep_an_inherited_setgid_bit() {
    let place = tempfile::tempdir().unwrap();
    let (live, store, parent) =
        (place.path().join("live"), place.path().join("store"), place.path().join("parent"));
    for (path, mode) in [("live/usual", 0o755), ("live/open", 0o777), ("live/locked", 0o500)] {
        fs::create_dir_all(place.path().join(path)).unwrap();
        fs::write(place.path().join(path).join("file"), "x").unwrap();
        fs::set_permissions(place.path().join(path), Permissions::from_mode(mode)).unwrap();
    }
    fs::set_permissions(&live, Permissions::from_mode(0o755)).unwrap();
    for directory in [&store, &parent] {
        fs::create_dir(directory).unwrap();
    }
    fs::set_permissions(&parent, Permissions::from_mode(0o2755)).unwrap();
    let entry = save(&live, &store, "entry", LinkMode::Copy);
    let to = parent.join("to");
    let modes = || {
        ["", "usual", "open", "locked"].map(|path| {
            let metadata = fs::metadata(to.join(path)).unwrap();
            metadata.permissions().mode() & 0o7777
        })
    };
    for what in ["into nothing", "nothing to do", "times are off", "a file is gone"] {
        match what {
            "times are off" => {
                for path in ["", "usual", "open", "locked"] {
                    fs::File::open(to.join(path)).unwrap().set_modified(SystemTime::now()).unwrap();
                }
            }
            "a file is gone" => fs::remove_file(to.join("usual/file")).unwrap(),
            _ => {}
        }
        restore(&entry, &to, LinkMode::Copy);
        assert_eq!(modes(), [0o2755, 0o2755, 0o2777, 0o2500], "{what}");
    }
}

#[test]
fn restores_paths_longer_than_path_max() {
    let place = tempfile::tempdir().unwrap();
    let (live, store, to) = (place.path().join("live"), place.path().join("store"), place.path().join("to"));
    fs::create_dir(&live).unwrap();
    fs::create_dir(&store).unwrap();
    let name = [b'd'; 255];
    let mut dir = Dir::open(&live).unwrap();
    for _ in 0..40 {
        dir.make_dir(&name, 0o755).unwrap();
        dir = dir.open_dir(&name).unwrap();
    }
    dir.make_symlink(b"deep", b"nowhere").unwrap();
    let entry = save(&live, &store, "entry", LinkMode::Auto);
    assert_eq!(restore(&entry, &to, LinkMode::Auto).files, 1);
    let deep = vec![&name[..]; 40].join(&b'/');
    assert_eq!(
        Dir::open(&to).unwrap().open_beneath(&deep).unwrap().read_symlink(b"deep").unwrap(),
        b"nowhere"
    );
    // And again into what is there now.
    assert_eq!(restore(&entry, &to, LinkMode::Auto).kept, 1);
    for directory in ["live", "store", "to"] {
        Dir::open(place.path()).unwrap().remove_all(directory.as_bytes()).unwrap();
    }
}

#[test]
fn distinguishes_files_of_equal_size_and_time() {
    let place = tempfile::tempdir().unwrap();
    let (live, store, to) = (place.path().join("live"), place.path().join("store"), place.path().join("to"));
    // As a package manager leaves them: one time for all.
    let given = SystemTime::UNIX_EPOCH + Duration::from_secs(499_162_500);
    let write = |directory: &Path, contents: &str| {
        fs::create_dir_all(directory).unwrap();
        fs::write(directory.join("package.json"), contents).unwrap();
        fs::File::open(directory.join("package.json")).unwrap().set_modified(given).unwrap();
    };
    fs::create_dir(&store).unwrap();
    write(&live, "1.2.4");
    write(&to, "1.2.3");
    let entry = save(&live, &store, "entry", LinkMode::Copy);
    assert_eq!(restore(&entry, &to, LinkMode::Copy).copied, 1);
    assert_eq!(fs::read(to.join("package.json")).unwrap(), b"1.2.4");
    assert_eq!(restore(&entry, &to, LinkMode::Copy).kept, 1, "and nothing to do now");

    write(&live, "1.2.5");
    let live_dir = Dir::open(&live).unwrap();
    let tree = tree::walk(&live_dir, &Selection::all(), &Interrupt::default()).unwrap().tree;
    let mut same = tree.same_as(&entry.tree);
    assert!(same[1], "by size and time");
    tree::only_truly_same(&tree, &mut same, &live_dir, (&entry.dir).into(), &Interrupt::default()).unwrap();
    assert!(!same[1]);
}
