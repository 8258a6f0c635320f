//! A disk that can only be read: the cache still serves.

use crate::host::{Host, UNGUARDED};
use crate::place::Place;
use crate::tree::{Version, plant};

#[test]
fn read_only_root_serves_and_saves_nothing() {
    let mut place = Place::new();
    let host = Host::new(&place.path(""));
    place.tmpfs("root", "size=4m");
    plant(&host.target(), Version::New);
    let new = host.listing();
    host.save();
    host.remove_target();
    place.remount("root", "ro");

    // Once with a look at the disk, which is too full for it, and once with nothing to be noted for a save.
    let guarded = ["restore", "--layers", "target", "--key", "k-1", "--min-free", "90%"];
    for args in [&guarded[..], &[&["restore", "--no-session"], &UNGUARDED[..]].concat()] {
        let said = host.run(args);
        assert_eq!((said.is_success(), said.hit()), (true, "exact"), "{said:#?}");
        assert!(host.listing() == new, "{said:#?}");
        host.remove_target();
    }
    assert_eq!(host.restore().hit(), "exact", "without a warning");

    plant(&host.target(), Version::Old);
    let old = host.listing();
    let save = [&["save"], &UNGUARDED[..]].concat();
    let said = host.run(&save);
    assert_eq!((said.is_success(), said.warnings(), said.has_saved()), (true, 1, false), "{said:#?}");
    assert!(said.log.contains("ead-only file system"), "{}", said.log);

    place.remount("root", "rw");
    host.save();
    host.remove_target();
    host.restore();
    assert!(host.listing() == old);
}

#[test]
fn read_only_workspace_is_left_unchanged() {
    let mut place = Place::new();
    let host = Host::new(&place.path(""));
    plant(&host.target(), Version::New);
    host.save();
    host.remove_target();
    for is_there in [false, true] {
        place.tmpfs("work/project", "size=64m");
        host.version("1.0.0");
        if is_there {
            plant(&host.target(), Version::Old);
        }
        let before = host.listing();
        place.remount("work/project", "ro");
        let said = host.run(&[&["restore", "--no-session"], &UNGUARDED[..]].concat());
        assert_eq!((said.is_success(), said.hit(), said.warnings()), (true, "miss", 1), "{said:#?}");
        assert!(host.listing() == before);
        place.unmount("work/project");
    }
    assert_eq!(host.restore().hit(), "exact", "the entry was not at fault");
}
