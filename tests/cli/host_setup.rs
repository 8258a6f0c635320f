//! `host`: a system with fake runners below a directory is set up, shown, and left as it was.

use std::path::{Path, PathBuf};

use rustix::process::{getegid, geteuid};
use test_support::{Job, Listing, Said, files};

use crate::PROGRAM;

/// A system below a directory of its own, which gets no rights from whoever runs the tests: all users are that one.
struct Image {
    job: Job,
}

const UNIT: &str = "etc/systemd/system/actions.runner.o-r.one.service";
const POLICY: &str = "etc/runner-cache.yml";
/// What two listings of the same tree differ in.
const SAME: &str = "0 paths differ: []";
const SERVICE: &str = "etc/systemd/system/runner-cache-gc-ci.service";

impl Image {
    /// With one runner of the user `ci`, with systemd.
    fn new() -> Self {
        let image = Self { job: Job::new(PROGRAM) };
        let (user, group) = (geteuid().as_raw(), getegid().as_raw());
        let names = ["ci", "team"];
        let of_user = |name: &&str| format!("{name}:x:{user}:{group}::/home/{name}:/bin/sh\n");
        image.write("etc/passwd", &names.iter().map(of_user).collect::<String>());
        image.write("etc/group", &format!("ci:x:{group}:\n"));
        image.write("usr/lib/systemd/system/timers.target", "[Unit]\n");
        image
            .write("usr/lib/tmpfiles.d/tmp.conf", "D /tmp 1777 root root -\nq /var/tmp 1777 root root 30d\n");
        image.write(
            "home/ci/actions-runner/.runner",
            "\u{feff}{\"agentName\": \"one\", \"gitHubUrl\": \"https://github.com/o/r\", \"workFolder\": \"_work\"}",
        );
        image.write(
            "home/ci/actions-runner/bin/Runner.Listener.deps.json",
            "{\"libraries\": {\"Runner.Listener/2.336.0\": {\"type\": \"project\"}}}",
        );
        image.write(UNIT, "[Service]\nUser=ci\nWorkingDirectory=/home/ci/actions-runner\n");
        image
    }

    fn path(&self, path: &str) -> PathBuf {
        self.job.path("image").join(path)
    }

    fn write(&self, path: &str, text: &str) {
        files::write(&self.path(path), text);
    }

    fn read(&self, path: &str) -> String {
        files::read(&self.path(path))
    }

    fn has(&self, path: &str) -> bool {
        self.path(path).symlink_metadata().is_ok()
    }

    fn run(&self, command: &str, args: &[&str]) -> Said {
        let image = self.job.path("image");
        let words = [&["host", command, "--destdir", image.to_str().unwrap()], args].concat();
        self.job.run(&words)
    }

    /// Sets it up with a cache on the data disk.
    fn set_up(&self, args: &[&str]) -> Said {
        let said = self.run("setup", &[&["--root", "/mnt/data/rc"], args].concat());
        assert_eq!(said.code, 0, "{said:?}");
        said
    }

    /// All that is there, with all times.
    fn listing(&self) -> Listing {
        Listing::of(&self.path("")).unwrap()
    }
}

#[test]
fn setup_writes_what_a_host_needs_and_a_second_one_changes_nothing() {
    let image = Image::new();
    let said = image.set_up(&[]);
    assert!(said.log.contains("cache: /mnt/data/rc for ci: `--root` says so"), "{said:?}");
    assert!(said.log.contains("note: /usr/local/bin/runner-cache is missing"), "{said:?}");
    assert!(image.path("mnt/data/rc").is_dir());
    assert!(image.read(POLICY).ends_with("\ncache-root: /mnt/data/rc\n"), "{}", image.read(POLICY));
    assert!(image.read("etc/tmpfiles.d/runner-cache.conf").contains("\nd /mnt/data/rc 0700 ci ci -\n"));
    assert!(image.read(SERVICE).contains("\nExecStart=/usr/local/bin/runner-cache gc\nUser=ci\n"));
    let timer = "etc/systemd/system/timers.target.wants/runner-cache-gc-ci.timer";
    let target = std::fs::read_link(image.path(timer)).unwrap();
    assert_eq!(target, Path::new("/etc/systemd/system/runner-cache-gc-ci.timer"));
    for page in ["man/man1/runner-cache-gc.1", "zsh/site-functions/_runner-cache"] {
        assert!(
            image.read(&format!("usr/local/share/{page}")).contains("Written by `runner-cache host setup`")
        );
    }
    let made = image.listing();
    for args in [&[][..], &["--root", "/mnt/data/rc"], &["--dry-run"]] {
        let said = image.run("setup", args);
        assert_eq!((said.code, &*said.stdout), (0, "already set up\n"), "{said:?}");
    }
    assert_eq!(made.difference(&image.listing()), SAME);
    let said = image.run("status", &[]);
    assert_eq!(said.code, 0, "{said:?}");
    let runner = "one of https://github.com/o/r: user ci, version 2.336.0, /home/ci/actions-runner, \
                  actions.runner.o-r.one.service\n";
    assert!(said.stdout.contains(runner), "{}", said.stdout);
    assert!(said.stdout.contains("  there   /etc/runner-cache.yml\n"), "{}", said.stdout);
}

#[test]
fn dry_run_shows_differences_and_touches_nothing() {
    let image = Image::new();
    image.write(POLICY, "max-size: 1GB\n");
    let before = image.listing();
    let said = image.set_up(&["--dry-run"]);
    for shown in [
        "--- /etc/runner-cache.yml\n+++ /etc/runner-cache.yml\n",
        "\n max-size: 1GB\n+cache-root: /mnt/data/rc   # added by `runner-cache host setup`\n",
        "--- /dev/null\n+++ /etc/systemd/system/runner-cache-gc-ci.service\n",
        "\n+User=ci\n",
        "\n+ directory /mnt/data/rc (mode 700, owner ",
        "files of shell completions and manual pages",
    ] {
        assert!(said.stdout.contains(shown), "{shown}: {}", said.stdout);
    }
    assert_eq!(before.difference(&image.listing()), SAME);
    image.set_up(&[]);
    let before = image.listing();
    let said = image.run("remove", &["--dry-run"]);
    assert!(
        said.code == 0 && said.stdout.contains("would go  the added lines in /etc/runner-cache.yml"),
        "{said:?}"
    );
    assert_eq!(before.difference(&image.listing()), SAME);
}

#[test]
fn foreign_file_is_refused_before_anything_is_written() {
    let image = Image::new();
    for (path, text) in [(SERVICE, "[Service]\nExecStart=/bin/true\n"), ("mnt/data/rc/photo", "precious")] {
        image.write(path, text);
        let before = image.listing();
        let said = image.run("setup", &["--root", "/mnt/data/rc"]);
        let named = if path == SERVICE { path } else { "mnt/data/rc" };
        assert!(said.code == 1 && said.log.contains(&format!("/{named} is a ")), "{said:?}");
        assert_eq!(before.difference(&image.listing()), SAME);
        files::remove(&image.path(path));
        files::remove(&image.path("mnt"));
    }
    image.set_up(&[]);
}

#[test]
fn files_that_jobs_write_choose_no_root_and_move_no_cursor() {
    let image = Image::new();
    image.write("home/ci/actions-runner/.env", "LANG=C\nRUNNER_CACHE_ROOT=/etc/profile.d\n");
    image.write("home/ci/actions-runner/.runner", "{\"agentName\": \"a\\u001b[2J\\nb\"}");
    let before = image.listing();
    let said = image.run("setup", &[]);
    let told = "/home/ci/actions-runner/.env sets RUNNER_CACHE_ROOT to /etc/profile.d; hint: `--root /etc/profile.d`";
    assert!(said.code == 1 && said.log.contains(told), "{said:?}");
    assert_eq!(before.difference(&image.listing()), SAME);
    let said = image.set_up(&[]);
    assert!(
        said.log.contains("to /etc/profile.d, which is another directory; hint: remove it there"),
        "{said:?}"
    );
    let said = image.run("status", &[]);
    assert!(said.stdout.contains("  a\u{fffd}[2J\u{fffd}b of no repository yet: user ci"), "{said:?}");
}

#[test]
fn symlink_in_the_way_leads_setup_nowhere() {
    let image = Image::new();
    files::empty(&image.job.path("outside"));
    std::os::unix::fs::symlink(image.job.path("outside"), image.path("mnt")).unwrap();
    let said = image.run("setup", &["--root", "/mnt/data/rc"]);
    let told = "/mnt/data/rc is a symlink or file, or behind one; hint: `--root` names";
    assert!(said.code == 1 && said.log.contains(told), "{said:?}");
    assert!(files::inside(&image.job.path("outside")).is_empty() && !image.has(POLICY));
}

#[test]
fn strangers_runner_does_not_stop_setup() {
    let image = Image::new();
    image.write("home/team/r/.runner", "{\"agentName\": \"trap\"}");
    image.write("home/team/r/.env", "RUNNER_CACHE_ROOT=/home/team/trap\n");
    let number = geteuid().as_raw();
    // All users of the image are one, so the file is made to be of another by that one's entry.
    image.write(
        "etc/passwd",
        &format!("team:x:{number}:{number}::/home/team:/bin/sh\nci:x:4242:4242::/home/ci:/bin/sh\n"),
    );
    let said = image.run("setup", &["--root", "/mnt/data/rc", "--dry-run"]);
    assert!(
        said.code == 0 && said.log.contains("/home/team/r is left out: no service starts it"),
        "{said:?}"
    );
    assert!(said.log.contains("cache: /mnt/data/rc for ci: "), "{said:?}");
    let said = image.run("setup", &["--root", "/mnt/data/rc", "--dry-run", "--runner-dir", "/home/team/r"]);
    assert!(said.log.contains("cache: /mnt/data/rc/team for team"), "{said:?}");
}

#[test]
fn unit_may_have_a_users_number() {
    let image = Image::new();
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    image.write("etc/passwd", &format!("ci:x:{user}:{group}::/home/ci:/bin/sh\n"));
    image.write(UNIT, &format!("[Service]\nUser={user}\nWorkingDirectory=/home/ci/actions-runner\n"));
    let said = image.set_up(&[]);
    assert!(said.log.contains("cache: /mnt/data/rc for ci: "), "{said:?}");
    assert!(image.read(SERVICE).contains("\nUser=ci\n"));
}

#[test]
fn symlinks_in_a_circle_and_files_in_the_way_are_foreign() {
    let image = Image::new();
    let circle = |path: &str| std::os::unix::fs::symlink(format!("/{path}"), image.path(path)).unwrap();
    circle(POLICY);
    let said = image.run("setup", &["--root", "/mnt/data/rc"]);
    assert!(said.code == 1 && said.log.contains("yml is a symlink that leads to no file"), "{said:?}");
    files::remove(&image.path(POLICY));
    image.set_up(&[]);
    // What was made is looked for by status and remove, whatever has taken its place since.
    for path in ["etc/tmpfiles.d", "usr/local/share/man", "mnt"] {
        files::remove(&image.path(path));
    }
    circle("etc/tmpfiles.d");
    image.write("usr/local/share/man", "a file");
    circle("mnt");
    let said = image.run("status", &[]);
    let told = "differs /etc/tmpfiles.d/runner-cache.conf, is behind a symlink or a file";
    assert!(said.code == 1 && said.stdout.contains(told), "{said:?}");
    assert!(said.stdout.contains("differs /mnt/data/rc, is a symlink or file, or behind one"), "{said:?}");
    let said = image.run("remove", &[]);
    let told = "stays  /etc/tmpfiles.d/runner-cache.conf: a symlink or a file is on the way to it by now\n";
    assert!(said.code == 0 && said.stdout.contains(told), "{said:?}");
    assert!(said.stdout.contains("stays  /mnt/data: it is not empty, in use, or no directory"), "{said:?}");
    assert!(image.has("mnt") && !image.has(POLICY));
}

#[test]
fn remove_leaves_a_host_as_it_was() {
    let image = Image::new();
    // Directories have new times when something was made and removed in them.
    let listing = || image.listing().without_times_of_directories();
    let before = listing();
    image.set_up(&[]);
    assert_ne!(before.difference(&listing()), SAME);
    let said = image.run("remove", &[]);
    assert!(said.code == 0 && said.stdout.contains("removed  /etc/runner-cache.yml"), "{said:?}");
    assert_eq!(before.difference(&listing()), SAME);
    assert_eq!(image.run("remove", &[]).stdout, "nothing is set up\n");
    assert_eq!(image.run("status", &[]).code, 1);
}

#[test]
fn edited_file_and_used_cache_stay() {
    let image = Image::new();
    image.set_up(&[]);
    let edited = image.read(SERVICE).replace("Nice=19", "Nice=5");
    image.write(SERVICE, &edited);
    image.write("mnt/data/rc/CACHEDIR.TAG", "of a job");
    let said = image.set_up(&[]);
    assert!(
        said.stdout == "already set up\n" && said.log.contains(&format!("kept: /{SERVICE} was changed")),
        "{said:?}"
    );
    let said = image.run("status", &[]);
    assert!(said.stdout.contains("runner-cache-gc-ci.service, changed by somebody\n"), "{said:?}");
    assert!(said.stdout.contains("\n-Nice=5\n+Nice=19\n"), "{said:?}");
    let said = image.run("remove", &[]);
    assert!(said.stdout.contains(&format!("stays  /{SERVICE}: somebody changed it since\n")), "{said:?}");
    assert!(
        said.stdout.contains("stays  /mnt/data/rc: it is not empty, in use, or no directory any more\n"),
        "{said:?}"
    );
    assert_eq!(image.read(SERVICE), edited);
    assert!(
        !image.has("etc/systemd/system/runner-cache-gc-ci.timer") && image.has("mnt/data/rc/CACHEDIR.TAG")
    );
}

#[test]
fn missing_piece_is_shown_and_made_again() {
    let image = Image::new();
    image.set_up(&[]);
    files::remove(&image.path(SERVICE));
    let said = image.run("status", &[]);
    assert!(said.code == 1 && said.stdout.contains(&format!("  absent  /{SERVICE}\n")), "{said:?}");
    assert_eq!(image.set_up(&[]).stdout, format!("made  /{SERVICE}\n"));
    assert_eq!(image.run("status", &[]).code, 0);
}

#[test]
fn policy_keeps_settings_and_comments() {
    let image = Image::new();
    let policy = "# of the team\nmax-size: 200GB # enough\n\nevents:\n  pull_request: read\n";
    image.write(POLICY, policy);
    image.set_up(&[]);
    let added = format!("{policy}cache-root: /mnt/data/rc   # added by `runner-cache host setup`\n");
    assert_eq!(image.read(POLICY), added);
    image.run("remove", &[]);
    assert_eq!(image.read(POLICY), policy);
    // One that says where the cache is says it for all.
    image.write(POLICY, "cache-root: /srv/rc\n");
    let said = image.run("setup", &["--root", "/mnt/data/rc"]);
    assert!(said.code == 1 && said.log.contains("is /srv/rc, and `--root` is /mnt/data/rc"), "{said:?}");
    assert_eq!(image.run("setup", &[]).code, 0);
    assert_eq!(image.read(POLICY), "cache-root: /srv/rc\n");
    assert!(image.path("srv/rc").is_dir());
}

#[test]
fn unreadable_runner_is_told_and_its_service_tells_the_user() {
    let image = Image::new();
    image.write("home/ci/actions-runner/.runner", "not json");
    let said = image.set_up(&[]);
    assert!(
        said.log.contains("not read: /home/ci/actions-runner/.runner cannot be understood: "),
        "{said:?}"
    );
    assert!(image.has(SERVICE));
    // Without a service, the owner of the file tells it.
    let image = Image::new();
    files::remove(&image.path(UNIT));
    assert_eq!(image.run("setup", &["--root", "/mnt/data/rc", "--dry-run"]).code, 0);
    let passwd = image.read("etc/passwd");
    image.write("etc/passwd", "other:x:42424242:42424242::/home/other:/bin/sh\n");
    let said = image.run("setup", &[]);
    assert!(
        said.code == 1 && said.log.contains("cannot tell whose runner this is; hint: `--user`"),
        "{said:?}"
    );
    image.write("etc/passwd", &passwd);
    files::remove(&image.path("home/ci"));
    let said = image.run("setup", &[]);
    assert!(said.code == 1 && said.log.contains("no runner found; hint: `--runner-dir`"), "{said:?}");
    let said = image.run("setup", &["--user", "nobody-knows"]);
    assert!(said.code == 1 && said.log.contains("user `nobody-knows` does not exist"), "{said:?}");
    image.set_up(&["--user", "ci"]);
    assert!(image.has(SERVICE));
}

#[test]
fn users_get_roots_of_their_own_unless_they_share_one() {
    let image = Image::new();
    image.write("srv/team/.runner", "{\"agentName\": \"two\"}");
    let unit = "etc/systemd/system/actions.runner.o.two.service";
    image.write(unit, "[Service]\nUser=team\nWorkingDirectory=/srv/team\n");
    let said = image.run("setup", &[]);
    assert!(
        said.code == 1 && said.log.contains("several users need a cache directory; hint: `--root"),
        "{said:?}"
    );
    image.set_up(&[]);
    for (user, unit) in [("ci", UNIT), ("team", unit)] {
        assert!(image.path(&format!("mnt/data/rc/{user}")).is_dir());
        let variables = image.read(&format!("{unit}.d/runner-cache.conf"));
        assert!(
            variables.ends_with(&format!("Environment=RUNNER_CACHE_ROOT=/mnt/data/rc/{user}\n")),
            "{variables}"
        );
    }
    assert!(!image.has(POLICY), "no policy tells one root to all");
    assert_eq!(image.run("setup", &[]).stdout, "already set up\n");
}

#[test]
fn archive_of_the_action_is_where_runners_look_for_it() {
    let image = Image::new();
    image.job.write("action/action.yml", "name: a\n");
    image.job.sh("cd ../../action; git init -q; git add .; git -c user.name=a -c user.email=a@b commit -qm a
         git archive --format=tar.gz --prefix=action/ -o ../action.tar.gz HEAD
         git archive --format=tar.gz -o ../flat.tar.gz HEAD; git rev-parse HEAD >../commit");
    let archive = image.job.path("action.tar.gz");
    image.set_up(&["--action-archive", archive.to_str().unwrap(), "--action", "Me/cache"]);
    let kept = format!("var/lib/runner-cache/actions/Me_cache/{}.tar.gz", image.job.read("commit").trim());
    assert_eq!(std::fs::read(image.path(&kept)).unwrap(), std::fs::read(&archive).unwrap());
    let variables = image.read(&format!("{UNIT}.d/runner-cache.conf"));
    let variable = "Environment=ACTIONS_RUNNER_ACTION_ARCHIVE_CACHE=/var/lib/runner-cache/actions\n";
    assert!(variables.ends_with(variable), "{variables}");
    assert_eq!(image.run("setup", &[]).stdout, "already set up\n");
    assert_eq!(image.run("status", &[]).code, 0);
    let half = image.job.path("half.tar.gz");
    let whole = std::fs::read(&archive).unwrap();
    std::fs::write(&half, &whole[..whole.len() - 9]).unwrap();
    let said = image.run("setup", &["--action-archive", half.to_str().unwrap()]);
    assert!(said.code == 1 && said.log.contains("cannot be unpacked; hint: is it the whole"), "{said:?}");
    let flat = image.job.path("flat.tar.gz");
    let said = image.run("setup", &["--action-archive", flat.to_str().unwrap()]);
    assert!(said.code == 1 && said.log.contains("it has files outside of a directory"), "{said:?}");
    image.write(&kept, "tampered");
    let said = image.run("setup", &[]);
    assert!(said.code == 1 && said.log.contains("is another archive"), "{said:?}");
    files::remove(&image.path(&kept));
    let said = image.run("setup", &[]);
    assert!(said.log.contains("hint: `--action-archive` brings it back"), "{said:?}");
    image.set_up(&["--action-archive", archive.to_str().unwrap(), "--action", "Me/cache"]);
    image.run("remove", &[]);
    assert!(!image.has("var/lib/runner-cache"));
}

/// Lines of `.env` are laid over what a service starts with, so ours would silently take the place of that hook.
#[test]
fn hook_that_a_service_sets_is_not_replaced() {
    let image = Image::new();
    let env = "home/ci/actions-runner/.env";
    let unit = image.read(UNIT);
    let variable = "ACTIONS_RUNNER_HOOK_JOB_STARTED=/opt/org/scan.sh";
    image.write(UNIT, &format!("{unit}EnvironmentFile=-/etc/ci.env\n"));
    image.write("etc/ci.env", &format!("LANG=C.UTF-8\n{variable}\n"));
    let said = image.set_up(&[]);
    let told = "/etc/ci.env sets ACTIONS_RUNNER_HOOK_JOB_STARTED to `/opt/org/scan.sh`";
    assert!(said.log.contains(told) && said.log.contains("hint: move it to that file"), "{said:?}");
    assert!(!image.has(env) || !image.read(env).contains("HOOK"), "{}", image.read(env));
    // In `.env` it is chained.
    image.write(env, &format!("{variable}\n"));
    image.set_up(&[]);
    let text = image.read(env);
    assert!(text.contains("RUNNER_CACHE_NEXT") && text.contains("/opt/org/scan.sh"), "{text}");
}
