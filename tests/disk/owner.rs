//! A root that somebody else made.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};

use crate::host::{Host, UNGUARDED};
use crate::place::Place;
use crate::tree::{Version, plant};

/// A user that nobody is.
const NOBODY: u32 = 65534;

fn restore(host: &Host, more: &[&str]) -> crate::host::Said {
    host.run(&[&["restore", "--no-session"], &UNGUARDED[..], more].concat())
}

#[test]
fn a_root_of_another_user_is_refused_by_name_and_taken_where_users_share_it() {
    let place = Place::new();
    let host = Host::new(&place.path(""));
    plant(&host.target(), Version::New);
    host.save();
    host.remove_target();
    let root = host.path("root");
    for (owner, mode, why) in
        [(NOBODY, 0o700, "belongs to user 65534"), (0, 0o770, "its group can write to it")]
    {
        chown(&root, Some(owner), None).unwrap();
        fs::set_permissions(&root, Permissions::from_mode(mode)).unwrap();

        let said = restore(&host, &[]);
        assert_eq!((said.is_success(), said.hit(), said.warnings()), (true, "miss", 1), "{said:#?}");
        assert!(said.log.contains(root.to_str().unwrap()) && said.log.contains(why), "{}", said.log);
        assert!(said.log.contains("root-access"), "what to change is told: {}", said.log);
        assert!(host.listing().is_none());

        plant(&host.target(), Version::Old);
        let said = host.run(&[&["save"], &UNGUARDED[..]].concat());
        assert_eq!((said.is_success(), said.has_saved(), said.warnings()), (true, false, 1), "{said:#?}");
        host.remove_target();

        let said = restore(&host, &["--root-access", "group"]);
        assert_eq!((said.is_success(), said.hit(), said.warnings()), (true, "exact", 0), "{said:#?}");
        host.remove_target();
    }
    fs::set_permissions(&root, Permissions::from_mode(0o777)).unwrap();
    let said = restore(&host, &["--root-access", "group"]);
    assert_eq!((said.hit(), said.warnings()), ("miss", 1), "{said:#?}");
    assert!(said.log.contains("everybody can write to it"), "{}", said.log);
}

#[test]
fn maintenance_of_a_root_of_another_user_is_refused_and_changes_nothing() {
    let place = Place::new();
    let host = Host::new(&place.path(""));
    plant(&host.target(), Version::New);
    host.save();
    chown(host.path("root"), Some(NOBODY), None).unwrap();
    for args in [&["gc", "--keep", "target=1"][..], &["remove", "*"], &["verify"], &["list"], &["flush"]] {
        let said = host.run(args);
        assert!(
            said.status.code() == Some(1) && said.log.contains("belongs to user 65534"),
            "{args:?}: {said:#?}"
        );
    }
    assert_eq!(host.entries().len(), 1);
}
