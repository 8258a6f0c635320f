//! A root that somebody else made.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;

use crate::host::{ALONE, Host, UNGUARDED};
use crate::place::{Place, run};
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

/// Root may do everything; runners are somebody else.
#[test]
fn folders_in_which_their_owner_may_not_write_come_and_go_as_others_do() {
    let place = Place::new();
    let host = Host::new(&place.path(""));
    let program = host.path("program");
    fs::copy(env!("CARGO_BIN_EXE_runner-cache"), &program).unwrap();
    for file in ["output", "env", "summary"] {
        fs::write(host.path(file), "").unwrap();
    }
    let own = host.target().join("debug/build/one/out");
    let plant = |text: &str, also: &str| {
        for folder in ["closed/inner", also] {
            fs::create_dir_all(own.join(folder)).unwrap();
            fs::write(own.join(folder).join("file"), text).unwrap();
        }
        fs::write(host.target().join("CACHEDIR.TAG"), "created by cargo").unwrap();
        run(Command::new("chmod").args(["-R", "a-w"]).arg(host.target()));
        run(Command::new("chown").args(["-R", "65534:65534"]).arg(place.path("")));
    };
    let as_nobody = |args: &[&str]| {
        let own_copy = ["sh", "-c", "shift; exec \"$0\" \"$@\"", program.to_str().unwrap()];
        let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
        let said = host.run_under(&[&ALONE[..], &nobody, &own_copy].concat(), &[args, &UNGUARDED].concat());
        assert!(said.is_success() && said.warnings() == 0, "{args:?}: {said:#?}");
        said
    };
    plant("old", "gone");
    assert!(as_nobody(&["save"]).has_saved());
    let saved = host.listing().unwrap();
    for attempt in ["into nothing", "nothing to do", "instead of something else"] {
        match attempt {
            "into nothing" => host.remove_target(),
            "nothing to do" => {}
            _ => {
                host.remove_target();
                plant("changed", "extraneous");
            }
        }
        assert_eq!(as_nobody(&["restore", "--no-session"]).hit(), "exact");
        let there = host.listing().unwrap();
        assert!(there == saved, "{attempt}: {}", saved.difference(&there));
    }
    let said = as_nobody(&["save", "--save", "always"]);
    assert!(said.has_saved(), "{said:#?}");
    assert_eq!(host.debris(), Vec::<std::path::PathBuf>::new());
}

/// One lets the save fail, another one the removal of what it had made by then.
#[test]
fn a_save_tells_why_it_failed_and_not_what_became_of_its_debris() {
    let place = Place::new();
    let host = Host::new(&place.path(""));
    let program = host.path("program");
    fs::copy(env!("CARGO_BIN_EXE_runner-cache"), &program).unwrap();
    for file in ["output", "env", "summary"] {
        fs::write(host.path(file), "").unwrap();
    }
    let out = host.path("work/project/out");
    fs::create_dir_all(&out).unwrap();
    fs::write(out.join("secret"), "that its owner may not read").unwrap();
    fs::set_permissions(out.join("secret"), Permissions::from_mode(0)).unwrap();
    run(Command::new("chown").args(["-R", "65534:65534"]).arg(place.path("")));
    let wrapper = [
        &ALONE[..],
        &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
        &[
            "strace",
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            "trace=unlinkat",
            "-e",
            "inject=unlinkat:error=EIO",
        ],
        &["sh", "-c", "shift; exec \"$0\" \"$@\"", program.to_str().unwrap()],
    ];
    let save = ["save", "--preset", "none", "--path", "out", "--key", "k", "--disk-guard", "off"];
    let said = host.run_under(&wrapper.concat(), &save);
    assert!(said.is_success() && said.warnings() == 1, "{said:#?}");
    assert!(said.log.contains("out/secret: Permission denied"), "{}", said.log);
    assert_eq!(host.debris().len(), 1, "{}", said.log);
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
