//! A root that somebody else made.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use test_support::{Said, files};

use crate::PROGRAM;
use crate::host::{ALONE, Host, UNGUARDED};
use crate::place::{Place, run};
use crate::tree::{Version, plant};

/// A user that nobody is.
const NOBODY: u32 = 65534;

fn restore(host: &Host, more: &[&str]) -> Said {
    host.run(&[&["restore", "--no-session"], &UNGUARDED[..], more].concat())
}

#[test]
fn root_of_another_user_is_refused_unless_shared() {
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
    assert!(said.log.contains("any user can write to it"), "{}", said.log);
}

/// A copy of the program that everybody can run.
pub(crate) fn own_program(host: &Host) -> PathBuf {
    let program = host.path("program");
    files::copy_program(Path::new(PROGRAM), &program);
    host.clear_step();
    program
}

/// Runs `program` as nobody. It must succeed without a warning.
fn as_nobody(host: &Host, program: &Path, args: &[&str]) -> Said {
    let own_copy = ["sh", "-c", "shift; exec \"$0\" \"$@\"", program.to_str().unwrap()];
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let said = host.run_under(&[&ALONE[..], &nobody, &own_copy].concat(), &[args, &UNGUARDED].concat());
    assert!(said.is_success() && said.warnings() == 0, "{args:?}: {said:#?}");
    said
}

#[test]
fn restore_fills_an_empty_directory_in_a_read_only_one() {
    let place = Place::new();
    let host = Host::new(&place.path(""));
    let program = own_program(&host);
    plant(&host.target(), Version::New);
    run(Command::new("chown").args(["-R", "65534:65534"]).arg(place.path("")));
    assert!(as_nobody(&host, &program, &["save"]).has_saved());
    let saved = host.listing().unwrap();
    host.remove_target();
    fs::create_dir(host.target()).unwrap();
    chown(host.target(), Some(NOBODY), Some(NOBODY)).unwrap();
    let project = host.path("work/project");
    fs::set_permissions(project, Permissions::from_mode(0o555)).unwrap();

    assert_eq!(as_nobody(&host, &program, &["restore", "--no-session"]).hit(), "exact");

    let there = host.listing().unwrap();
    assert!(there == saved, "{}", saved.difference(&there));
}

/// Root may do everything; runners are somebody else.
#[test]
fn read_only_directories_are_saved_restored_and_removed() {
    let place = Place::new();
    let host = Host::new(&place.path(""));
    let program = own_program(&host);
    let own = host.target().join("debug/build/one/out");
    let plant = |text: &str, also: &str| {
        for directory in ["closed/inner", also] {
            fs::create_dir_all(own.join(directory)).unwrap();
            fs::write(own.join(directory).join("file"), text).unwrap();
        }
        fs::write(host.target().join("CACHEDIR.TAG"), "created by cargo").unwrap();
        run(Command::new("chmod").args(["-R", "a-w"]).arg(host.target()));
        run(Command::new("chown").args(["-R", "65534:65534"]).arg(place.path("")));
    };
    let as_nobody = |args: &[&str]| as_nobody(&host, &program, args);
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
    assert_eq!(host.debris(), Vec::<PathBuf>::new());
}

/// A user of a host on which several share a root, with a workspace of its own.
struct User<'a> {
    host: Host,
    id: u32,
    umask: &'a str,
    /// Whether the group of all is only one of its further ones.
    has_own_group: bool,
    program: String,
}

/// The group of all users.
const GROUP: u32 = 64000;

impl<'a> User<'a> {
    fn new(place: &Place, id: u32, umask: &'a str, has_own_group: bool) -> Self {
        let mut host = Host::new(&place.path(&id.to_string()));
        host.set("RUNNER_CACHE_ROOT", place.path("root").to_str().unwrap());
        host.set("RUNNER_CACHE_ROOT_ACCESS", "group");
        let program = own_program(&host);
        Self { host, id, umask, has_own_group, program: program.to_str().unwrap().to_owned() }
    }

    fn plant(&self, version: Version) {
        plant(&self.host.target(), version);
        run(Command::new("chown")
            .args(["-R", &format!("{}:{}", self.id, self.group())])
            .arg(self.host.path("")));
    }

    /// Its primary one.
    fn group(&self) -> u32 {
        if self.has_own_group { self.id } else { GROUP }
    }

    fn run(&self, args: &[&str]) -> Said {
        let (user, group) = (format!("--reuid={}", self.id), format!("--regid={}", self.group()));
        let groups = format!("--groups={GROUP}");
        let own_copy = format!("umask {}; shift; exec \"$0\" \"$@\"", self.umask);
        let user = ["setpriv", &user, &group, &groups, "sh", "-c", &own_copy, &self.program];
        self.host.run_under(&[&ALONE[..], &user].concat(), args)
    }

    fn ok(&self, args: &[&str]) -> Said {
        let said = self.run(args);
        assert!(said.is_success() && said.warnings() == 0, "{} {args:?}: {said:#?}", self.id);
        said
    }

    fn save(&self) {
        let said = self.ok(&[&["save", "--save", "always"], &UNGUARDED[..]].concat());
        assert!(said.has_saved(), "{said:#?}");
    }

    fn restore(&self) {
        self.host.remove_target();
        let said = self.ok(&[&["restore", "--no-session"], &UNGUARDED[..]].concat());
        assert_eq!(said.hit(), "exact", "{said:#?}");
    }
}

#[test]
fn group_users_share_a_root_and_remove_their_own_entries() {
    let place = Place::new();
    fs::set_permissions(place.path(""), Permissions::from_mode(0o755)).unwrap();
    for (umasks, has_own_group) in
        [(["0002", "0002"], false), (["0077", "0022"], false), (["0022", "0022"], true)]
    {
        let root = place.path("root");
        fs::create_dir(&root).unwrap();
        chown(&root, None, Some(GROUP)).unwrap();
        fs::set_permissions(&root, Permissions::from_mode(0o2770)).unwrap();
        let [a, b] =
            [0, 1].map(|n| User::new(&place, 64001 + u32::try_from(n).unwrap(), umasks[n], has_own_group));
        let owners = || {
            let key = root.join("target/o%2Fr/refs%2Fheads%2Fmain/k-1");
            let mut entries: Vec<_> = fs::read_dir(key).unwrap().map(|entry| entry.unwrap().path()).collect();
            entries.sort();
            entries.iter().map(|entry| fs::metadata(entry).unwrap().uid() - 64000).collect::<Vec<_>>()
        };
        a.plant(Version::New);
        a.save();
        let saved = a.host.listing().unwrap();
        b.plant(Version::Old);
        b.restore();
        let restored = b.host.listing().unwrap();
        assert!(restored == saved, "{}", saved.difference(&restored));

        b.plant(Version::Old);
        b.save();
        a.restore();
        a.save();
        b.save();
        assert_eq!(owners(), [1, 2, 1, 2]);
        for user in [&a, &b] {
            for args in
                [&["list"][..], &["du"], &["verify"], &["verify", "--deep"], &["flush"], &["inspect", "k-1"]]
            {
                user.ok(args);
            }
        }
        // What killed jobs of the one left is not the other's to remove, nor to be told of.
        for (directory, mode) in
            [("staging", 0o2770), ("staging/dead", 0o700), ("trash", 0o2770), ("trash/dead", 0o700)]
        {
            fs::create_dir_all(root.join(directory)).unwrap();
            chown(root.join(directory), Some(a.id), Some(GROUP)).unwrap();
            fs::set_permissions(root.join(directory), Permissions::from_mode(mode)).unwrap();
        }
        b.ok(&["gc", "--keep", "target=1"]);
        assert_eq!(owners(), [1, 1, 2]);
        assert!(root.join("staging/dead").exists());
        let said = b.run(&["remove", "k-1"]);
        assert!(said.code == 1 && said.log.contains("belongs to user 64001"), "{said:#?}");
        assert_eq!(owners(), [1, 1]);
        a.ok(&["gc", "--keep", "target=1"]);
        assert_eq!(owners(), [1]);
        assert!(!root.join("staging/dead").exists() && !root.join("trash/dead").exists());

        // One that is damaged is out of the way of both.
        let key = root.join("target/o%2Fr/refs%2Fheads%2Fmain/k-1");
        let entry = fs::read_dir(&key).unwrap().next().unwrap().unwrap().path();
        fs::write(entry.join("manifest"), "x").unwrap();
        let said = b.run(&["verify"]);
        assert!(said.code == 1 && said.log.contains("moved to"), "{said:#?}");
        b.ok(&["verify"]);

        fs::set_permissions(root.join("format"), Permissions::from_mode(0o600)).unwrap();
        let said = b.run(&["list"]);
        assert!(
            said.log.contains("it was created for one user; hint:"),
            "as one that was private: {said:#?}"
        );
        fs::remove_dir_all(root).unwrap();
        for user in [a, b] {
            fs::remove_dir_all(user.host.path("")).unwrap();
        }
    }
}

/// One lets the save fail, another one the removal of what it had made by then.
#[test]
fn failed_save_reports_its_cause_not_its_cleanup() {
    let place = Place::new();
    let host = Host::new(&place.path(""));
    let program = own_program(&host);
    let out = host.path("work/project/out");
    fs::create_dir_all(&out).unwrap();
    fs::write(out.join("secret"), "that its owner may not read").unwrap();
    fs::set_permissions(out.join("secret"), Permissions::from_mode(0o0)).unwrap();
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
fn maintenance_refuses_a_root_of_another_user() {
    let place = Place::new();
    let host = Host::new(&place.path(""));
    plant(&host.target(), Version::New);
    host.save();
    chown(host.path("root"), Some(NOBODY), None).unwrap();
    for args in [&["gc", "--keep", "target=1"][..], &["remove", "*"], &["verify"], &["list"], &["flush"]] {
        let said = host.run(args);
        assert!(said.code == 1 && said.log.contains("belongs to user 65534"), "{args:?}: {said:#?}");
    }
    assert_eq!(host.entries().len(), 1);
}

#[test]
fn what_a_container_left_in_a_workspace_is_told_and_handed_back() {
    let place = Place::new();
    fs::set_permissions(place.path(""), Permissions::from_mode(0o755)).unwrap();
    let user = User::new(&place, 64003, "0022", true);
    user.plant(Version::New);
    let workspace = user.host.path("work/project");
    let said = user.run(&["job-started"]);
    assert_eq!((said.code, said.warnings()), (0, 0), "{said:#?}");

    let left = workspace.join("left/by/root");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("file"), "x").unwrap();
    std::os::unix::fs::symlink("/", left.join("link")).unwrap();
    let outside = place.path("outside");
    fs::write(&outside, "root's").unwrap();
    fs::hard_link(&outside, left.join("name")).unwrap();
    let said = user.run(&["job-started"]);
    assert_eq!((said.code, said.warnings()), (0, 1), "{said:#?}");
    let told = format!("{} belongs to user 0", workspace.join("left").display());
    assert!(said.log.contains(&told) && said.log.contains("chown -R 64003"), "{said:#?}");

    let said = user.host.run(&["hand-back", workspace.to_str().unwrap()]);
    assert!(!said.is_success() && said.log.contains("not in the work directory of a runner"), "{said:#?}");
    fs::write(user.host.path(".runner"), "{}").unwrap();
    assert!(!user.host.run(&["hand-back", left.to_str().unwrap()]).is_success(), "it is root's own");
    assert!(user.host.run(&["hand-back", workspace.to_str().unwrap()]).is_success());
    let owner = |path: &Path| fs::symlink_metadata(path).unwrap().uid();
    for path in [&left, &left.join("file"), &left.join("link")] {
        assert_eq!(owner(path), 64003, "{}", path.display());
    }
    assert_eq!((owner(&outside), owner(Path::new("/"))), (0, 0), "what lies elsewhere is not given away");
    let said = user.run(&["job-started"]);
    assert_eq!((said.code, said.warnings()), (0, 0), "{said:#?}");
}
