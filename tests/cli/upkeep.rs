//! What keeps the store in order: the commands for it, and the guard of the disk.

use std::fs;

use runner_cache::sys::Dir;
use test_support::{Job, Said};

use crate::PROGRAM;

/// Saves one file of `bytes` under `key`.
fn save(job: &Job, key: &str, bytes: usize) {
    job.write("work/project/out/file", &key.repeat(bytes / key.len()));
    let args = ["save", "--preset", "none", "--path", "out", "--save", "always", "--key", key];
    job.ok(&args);
}

fn keys(said: &Said) -> Vec<String> {
    let entries: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let key = |entry: &serde_json::Value| entry["key"].as_str().unwrap().to_owned();
    entries["result"].as_array().unwrap().iter().map(key).collect()
}

fn all_keys(job: &Job) -> Vec<String> {
    keys(&job.ok(&["list", "--json", "--sort", "key"]))
}

#[test]
fn unremovable_debris_blocks_nothing_else() {
    let job = Job::new(PROGRAM);
    save(&job, "k", 1000);
    job.write("root/staging/foo", "somebody's");
    job.sh(
        "cd $RUNNER_CACHE_ROOT; mkdir -p trash/dead staging/killed/tree quarantine/old sessions/0; ln -s / trash/0; \
         touch sessions/1; touch -d '1 year ago' quarantine/old sessions/*",
    );
    let said = job.run(&["gc"]);
    assert_eq!((said.code, said.log.matches("::warning").count()), (0, 1), "{said:?}");
    for gone in ["trash/dead", "staging/killed", "quarantine/old", "sessions/1"] {
        assert!(!job.path("root").join(gone).exists(), "{gone}");
    }
    assert_eq!(job.read("root/staging/foo"), "somebody's");
    fs::remove_dir(job.path("root/sessions/0")).unwrap();
    let log = job.run(&["gc"]).log;
    assert!(log.contains("staging/foo is not a directory of runner-cache; hint:"), "{log}");
    fs::remove_file(job.path("root/staging/foo")).unwrap();
    fs::remove_file(job.path("root/trash/0")).unwrap();
    job.ok(&["gc"]);
    assert_eq!(all_keys(&job), ["k"]);
}

#[test]
fn list_sorts_and_prints_json() {
    let job = Job::new(PROGRAM);
    for (key, bytes) in [("b", 10_000), ("a", 30_000), ("c", 20_000)] {
        save(&job, key, bytes);
    }
    let by = |order| keys(&job.ok(&["list", "--json", "--sort", order]));
    assert_eq!(by("key"), ["a", "b", "c"]);
    assert_eq!(by("size"), ["a", "c", "b"]);
    assert_eq!(by("created"), ["c", "a", "b"]);
    let table = job.ok(&["list"]).stdout;
    assert!(table.trim_start().starts_with("KEY"), "{table}");
    assert!(table.contains("30 kB"), "{table}");
}

#[test]
fn maintenance_reports_and_does_not_create_an_absent_store() {
    let job = Job::new(PROGRAM);
    for command in [&["list"][..], &["du"], &["gc"], &["verify"], &["remove", "k"], &["flush"]] {
        let said = job.ok(command);
        assert!(said.log.contains("no cache in") && said.log.contains("RUNNER_CACHE_ROOT"), "{said:?}");
    }
    assert!(!job.path("root").exists(), "and none is made");
    fs::create_dir_all(job.path("root/lost+found")).unwrap();
    assert!(job.ok(&["list"]).log.contains("no cache in"));
    assert_eq!(fs::read_dir(job.path("root")).unwrap().count(), 1, "nor of a directory that is empty");
    save(&job, "k", 1000);
    assert_eq!(all_keys(&job), ["k"]);
}

#[test]
fn foreign_directory_is_not_a_cache_root() {
    let mut job = Job::new(PROGRAM);
    job.set("RUNNER_CACHE_ROOT", job.path("precious").display());
    let files = ["precious/staging/important/f", "precious/trash/x/f", "precious/sessions/old"];
    for file in files {
        job.write(file, "mine");
    }
    job.sh(&format!("touch -d '1 year ago' {}", job.path("precious/sessions/old").display()));
    let listing =
        || job.sh(&format!("find {} -printf '%p %m %T@\\n' | sort 1>&2", job.path("precious").display()));
    let before = listing();
    let told =
        "precious: not empty, and not a runner-cache directory; hint: set `cache-root` to another directory";
    for command in [
        &["list"][..],
        &["du"],
        &["gc"],
        &["verify"],
        &["remove", "k"],
        &["flush"],
        &["inspect", "k"],
        &["explain"],
    ] {
        let said = job.run(command);
        assert!(said.code == 1 && said.log.contains(told), "{command:?}: {said:?}");
    }
    let inputs = ["--preset", "none", "--path", "out", "--key", "k"];
    job.write("work/project/out/file", "x");
    // A restore that leaves something for a save tells of that as well.
    for (command, warnings) in [(&["restore"][..], 2), (&["restore", "--no-session"], 1), (&["save"], 1)] {
        let said = job.run(&[command, &inputs].concat());
        assert!(said.code == 0 && said.log.contains(told), "{command:?}: {said:?}");
        assert_eq!(said.log.matches("::warning").count(), warnings, "{command:?}: {}", said.log);
    }
    assert_eq!(listing(), before);
}

#[test]
fn gc_dry_run_prints_the_eviction_plan_with_reasons() {
    let job = Job::new(PROGRAM);
    for key in ["a", "b", "c"] {
        save(&job, key, 2_000_000);
    }
    let said = job.ok(&["gc", "--dry-run", "--max-size", "5MB"]);
    assert!(said.stdout.contains("total size above 5 MB"), "{}", said.stdout);
    assert!(said.stdout.contains("would evict 1 of 3 entries, freeing 2"), "{}", said.stdout);
    assert_eq!(all_keys(&job), ["a", "b", "c"]);

    let said = job.ok(&["gc", "--max-size", "5MB"]);
    assert!(said.stdout.starts_with("1 entry removed, 2 MB recorded"), "{}", said.stdout);
    assert_eq!(all_keys(&job), ["b", "c"], "the one that lay idle longest");
    assert_eq!(job.ok(&["gc", "--dry-run"]).stdout, "would evict none of 2 entries\n");
}

#[test]
fn gc_evicts_entries_unused_for_long() {
    let job = Job::new(PROGRAM);
    save(&job, "old", 1000);
    save(&job, "new", 1000);
    job.sh("touch -d '40 days ago' $RUNNER_CACHE_ROOT/paths/*/*/old/*");
    let said = job.ok(&["gc", "--dry-run"]);
    assert!(said.stdout.contains("unused for more than 30 days"), "{}", said.stdout);
    let said = job.ok(&["gc", "--dry-run", "--max-age", "12h"]);
    assert!(said.stdout.contains("unused for more than 12 hours"), "{}", said.stdout);
    job.ok(&["gc", "--max-age", "none"]);
    assert_eq!(all_keys(&job), ["new", "old"]);
    job.ok(&["gc"]);
    assert_eq!(all_keys(&job), ["new"]);
}

#[test]
fn remove_takes_whole_keys_or_prefixes() {
    let job = Job::new(PROGRAM);
    for key in ["app-1", "app-2", "other"] {
        save(&job, key, 1000);
    }
    assert!(job.ok(&["remove", "--dry-run", "app-1"]).stdout.starts_with("would remove"));
    job.ok(&["remove", "app-*"]);
    assert_eq!(all_keys(&job), ["other"]);
    let said = job.run(&["remove", "app-1", "other"]);
    assert_eq!(said.code, 1, "one of them is not there");
    assert!(said.log.contains("has key or id `app-1`"), "{}", said.log);
    assert_eq!(job.run(&["remove", "app-1"]).stdout, "", "nothing was removed");
    assert_eq!(all_keys(&job), <[&str; 0]>::default(), "the other one is gone all the same");
}

#[test]
fn du_counts_shared_files_once() {
    let job = Job::new(PROGRAM);
    job.write("work/project/out/large", &"x".repeat(3_000_000));
    for key in ["a", "a", "a"] {
        save(&job, key, 1000);
    }
    let table = job.ok(&["du"]).stdout;
    let all = table.lines().last().unwrap();
    let columns: Vec<_> = all.split_whitespace().collect();
    assert_eq!(&columns[..4], ["all", "3", "9.00", "MB"], "{table}");
    let on_disk: f64 = columns[4].parse().unwrap();
    assert!((3.0..4.0).contains(&on_disk), "three entries share the large file: {table}");
}

#[test]
fn verify_finds_and_quarantines_damage() {
    let job = Job::new(PROGRAM);
    for key in ["a", "b"] {
        save(&job, key, 1000);
    }
    assert_eq!(job.ok(&["verify"]).stdout, "2 entries sound, 0 damaged\n");
    let entry = job.entries("paths").remove(0);
    fs::remove_file(entry.join("tree/0/file")).unwrap();
    let said = job.run(&["verify"]);
    assert_eq!((said.code, &*said.stdout), (1, "1 entry sound, 1 damaged\n"), "{said:?}");
    assert!(said.log.contains("tree/0/file: missing; moved to"), "{}", said.log);
    assert_eq!(said.log.matches(entry.file_name().unwrap().to_str().unwrap()).count(), 1, "{}", said.log);
    assert_eq!(all_keys(&job), ["b"]);
    assert_eq!(job.ok(&["verify"]).stdout, "1 entry sound, 0 damaged\n");
}

#[test]
fn deep_verify_finds_bit_rot() {
    let job = Job::new(PROGRAM);
    save(&job, "k", 1000);
    let used = || fs::metadata(&job.entries("paths")[0]).unwrap().modified().unwrap();
    let last_use = used();
    job.ok(&["verify", "--deep"]);
    assert_eq!(used(), last_use, "to verify is not to use");
    job.ok(&["verify", "--deep"]);
    // Same size, same time, other contents.
    let file = job.entries("paths")[0].join("tree/0/file");
    let time = fs::metadata(&file).unwrap().modified().unwrap();
    fs::write(&file, "x".repeat(1000)).unwrap();
    fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
    job.ok(&["verify"]);
    let said = job.run(&["verify", "--deep"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.log.contains("contents differ from the first `verify --deep`"), "{}", said.log);
}

#[test]
fn full_disk_report_names_what_uses_it() {
    let job = Job::new(PROGRAM);
    save(&job, "k", 2_000_000);
    let restore = ["restore", "--preset", "none", "--path", "out", "--key", "k", "--min-free", "1000TB"];
    let said = job.run(&restore);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.log.contains("::warning"), "{}", said.log);
    for part in ["the disk of the cache root", "`min-free` is 1 PB", "Largest on this disk:", "/work"] {
        assert!(said.log.contains(part), "{part}: {}", said.log);
    }
    let said = job.run(&[&restore[..], &["--disk-guard", "fail"]].concat());
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.log.contains("::error") && said.log.contains("`disk-guard` is fail"), "{}", said.log);
    fs::remove_dir_all(job.path("temp")).unwrap();
    fs::create_dir(job.path("temp")).unwrap();
    save(&job, "k", 1000);
    job.ok(&[&restore[..], &["--disk-guard", "off"]].concat());
    assert_eq!(all_keys(&job), ["k", "k"], "nothing goes for room that cannot be made");
}

#[test]
fn newer_store_is_read_only() {
    let job = Job::new(PROGRAM);
    save(&job, "k", 1000);
    job.write("root/format", "7\n");
    job.remove("work/project/out");
    let inputs = ["--preset", "none", "--path", "out", "--key", "k"];
    let said = job.run(&[&["restore", "--no-session"], &inputs[..]].concat());
    assert_eq!((said.code, &*said.outputs["cache-hit"]), (0, "true"), "{said:?}");
    let said = job.run(&[&["save", "--save", "always"], &inputs[..]].concat());
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.log.contains("has format 7") && said.log.contains("update runner-cache"), "{}", said.log);
    fs::create_dir_all(job.path("root/retired/of-newer-version")).unwrap();
    assert_eq!(job.run(&["remove", "k"]).code, 1);
    assert_eq!(job.entries("paths").len(), 1);
    assert!(job.path("root/retired/of-newer-version").exists());
}

#[test]
fn group_writable_root_names_the_root_access_input() {
    use std::os::unix::fs::PermissionsExt;
    let job = Job::new(PROGRAM);
    save(&job, "k", 1000);
    fs::set_permissions(job.path("root"), fs::Permissions::from_mode(0o2770)).unwrap();
    let restore = ["restore", "--no-session", "--preset", "none", "--path", "out", "--key", "k"];
    let said = job.run(&restore);
    assert_eq!(said.outputs["cache-hit"], "false");
    assert!(said.log.contains("root-access: group"), "{}", said.log);
    let said = job.ok(&[&restore[..], &["--root-access", "group"]].concat());
    assert_eq!(said.outputs["cache-hit"], "true");
}

#[test]
fn clock_changes_evict_no_entry() {
    let job = Job::new(PROGRAM);
    for key in ["past", "future"] {
        save(&job, key, 1000);
    }
    job.sh("cd $RUNNER_CACHE_ROOT/paths/*/*; touch -d 2099-01-01 future/*; touch -d '20 days ago' past/*");
    job.ok(&["gc"]);
    assert_eq!(all_keys(&job), ["future", "past"]);
    let ages = job.sh("cd $RUNNER_CACHE_ROOT/paths/*/*; find future/* -maxdepth 0 -newermt '1 day' 1>&2");
    assert_eq!(ages, "", "it grows old from now on");
    let restore = ["restore", "--no-session", "--preset", "none", "--path", "out", "--key", "future"];
    assert_eq!(job.ok(&restore).outputs["cache-hit"], "true");
}

#[test]
fn invalid_limit_is_reported_with_allowed_values() {
    let job = Job::new(PROGRAM);
    for (input, value, told) in [
        ("--max-size", "5", "`5` is not a size; allowed: a number and a unit, such as 20GB or 500MiB"),
        (
            "--max-age",
            "1 moon",
            "`1 moon` is not a duration; allowed: a number and a unit, such as 12h, 30d or 2w",
        ),
        ("--min-free", "100%", "`100%`: the percentage must be between 0% and 90%"),
        ("--disk-guard", "explode", "`explode` is not allowed; allowed: warn, fail, off"),
        ("--root-access", "all", "`all` is not allowed; allowed: private, group"),
    ] {
        let said = job.run(&["restore", input, value]);
        assert_eq!(said.code, 2, "{said:?}");
        let log = said.log.replace("%25", "%");
        assert!(log.contains(&input[2..]) && log.contains(told), "{log}");
    }
}

/// Each level is a directory with one that is deep and one with a file in it, of which another one waits while the first is
/// looked at.
#[test]
fn deep_trees_are_counted_and_removed_under_a_low_open_file_limit() {
    let job = Job::new(PROGRAM);
    fs::create_dir(job.path("work/project/out")).unwrap();
    let mut here = Dir::open(&job.path("work/project/out")).unwrap();
    for _ in 0..5000 {
        for name in [b"a", b"b"] {
            here.make_dir(name, 0o755).unwrap();
        }
        here.open_dir(b"b").unwrap().create_file(b"x", 0o644).unwrap();
        here = here.open_dir(b"a").unwrap();
    }
    let few = |args: &str| {
        let log = job.sh(&format!("ulimit -n 200; {PROGRAM} {args}"));
        assert!(!log.contains("::warning"), "{args}: {log}");
    };
    for number in 0..3 {
        job.write("work/project/out/file", &number.to_string());
        few("save --preset none --path out --save always --key k --keep paths=1 --max-size 1TB");
    }
    assert_eq!(job.entries("paths").len(), 1);
    few("du");
    few("remove k");
    assert_eq!(job.entries("paths").len(), 0);
    assert!(fs::read_dir(job.path("root/trash")).unwrap().next().is_none());
    // `std::fs` opens a file for each level.
    job.sh("rm -rf out");
}
