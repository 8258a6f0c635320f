//! The listing that judges these tests sees what it is to see.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};
use test_support::listing::SMALLEST_WITH_HOLE;
use test_support::{Listing, files};

/// Something that is done to a directory.
type Change = fn(&Path);

/// Gives `path` a time, and where it is a symlink, not what it leads to.
fn date(path: &Path, nanoseconds: i64) {
    let time = Timespec { tv_sec: 1_600_000_000, tv_nsec: nanoseconds };
    let times = Timestamps { last_access: time, last_modification: time };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

/// A directory in which everything has the same time.
fn lay_out(root: &Path) {
    files::write(&root.join("sub/file"), "one");
    fs::set_permissions(root.join("sub/file"), Permissions::from_mode(0o644)).unwrap();
    fs::hard_link(root.join("sub/file"), root.join("sub/other-name")).unwrap();
    symlink("file", root.join("sub/link")).unwrap();
    fs::File::create(root.join("hole")).unwrap().set_len(SMALLEST_WITH_HOLE).unwrap();
    date_all(root);
}

fn date_all(root: &Path) {
    for (path, _) in files::walk(root) {
        date(&root.join(path), 1);
    }
}

#[test]
fn listing_distinguishes_contents_modes_times_links_and_holes() {
    let changes: [(&str, Change); 8] = [
        ("contents", |root| fs::write(root.join("sub/file"), "two").unwrap()),
        ("mode", |root| fs::set_permissions(root.join("sub/file"), Permissions::from_mode(0o600)).unwrap()),
        ("mode of a directory", |root| {
            fs::set_permissions(root.join("sub"), Permissions::from_mode(0o700)).unwrap();
        }),
        ("target of a symlink", |root| {
            files::remove(&root.join("sub/link"));
            symlink("other-name", root.join("sub/link")).unwrap();
        }),
        ("hard link", |root| {
            files::remove(&root.join("sub/other-name"));
            fs::copy(root.join("sub/file"), root.join("sub/other-name")).unwrap();
        }),
        ("hole", |root| fs::write(root.join("hole"), vec![0; 256 << 10]).unwrap()),
        ("one more", |root| files::write(&root.join("sub/more"), "")),
        ("one less", |root| files::remove(&root.join("sub/link"))),
    ];
    let place = tempfile::tempdir().unwrap();
    let [before, after] = ["before", "after"].map(|name| place.path().join(name));
    lay_out(&before);
    let before = Listing::of(&before).unwrap();
    for (what, change) in changes {
        files::remove(&after);
        lay_out(&after);
        let unchanged = Listing::of(&after).unwrap();
        assert!(unchanged == before, "before the change of {what}: {}", before.difference(&unchanged));
        change(&after);
        date_all(&after);
        assert!(Listing::of(&after).unwrap() != before, "{what}");
    }
    files::remove(&after);
    lay_out(&after);
    date(&after.join("sub/file"), 2);
    let later = Listing::of(&after).unwrap();
    assert!(later != before, "a nanosecond");
    assert!(later.without_times() == before.without_times(), "only times differ");
}

#[test]
fn listing_keeps_hard_links_among_the_paths_it_is_narrowed_to() {
    let place = tempfile::tempdir().unwrap();
    files::write(&place.path().join("first"), "one");
    for name in ["a", "b", "c"] {
        fs::hard_link(place.path().join("first"), place.path().join(name)).unwrap();
    }
    let listing = Listing::of(place.path()).unwrap();
    assert!(listing.clone().only(|path| !path.ends_with("a")).has_hard_links());
    assert!(!listing.only(|path| path.ends_with("c")).has_hard_links());
}
