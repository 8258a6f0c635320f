//! Entries whose files stay, for the most part, where an earlier entry has them.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use test_support::files::inside;
use test_support::{Job, Said};

use crate::PROGRAM;

/// Regular files of the folder that is kept, with names of their own.
const FILES: usize = 150;

/// All names of files and symlinks there.
const ALL: usize = FILES + 3;

const INPUTS: [&str; 6] = ["--preset", "none", "--path", "out", "--key", "k"];

fn file(number: usize) -> String {
    format!("work/project/out/{}/{number}", number / 50)
}

/// A job with an entry of all files.
fn job() -> Job {
    let job = Job::new(PROGRAM);
    for number in 0..FILES {
        job.write(&file(number), &format!("{number} as it was"));
    }
    job.sh(
        "cd out; ln 0/1 2/same; ln -s ../0/1 2/symlink; ln -s nowhere 1/dangling; chmod 600 0/2; chmod 750 1",
    );
    save(&job);
    job
}

fn change(job: &Job, numbers: impl IntoIterator<Item = usize>, to: &str) {
    for number in numbers {
        job.write(&file(number), &format!("{number} {to}"));
    }
}

fn save(job: &Job) -> Said {
    job.ok(&[&["save", "--save", "always"], &INPUTS[..]].concat())
}

fn restore(job: &Job) -> Said {
    job.run(&[&["restore", "--no-session"], &INPUTS[..]].concat())
}

/// All that is in the folder: kinds, modes, times, numbers of names, contents.
fn listing(job: &Job) -> String {
    let files = "find . -type f -printf '%P %m %T@ %n\\n' -exec sha256sum {} +";
    let others = "find . ! -type f -printf '%P %y %m %T@ %l\\n'";
    job.sh(&format!("cd out; ({files}; {others}) | sort >&2"))
}

/// Whether a restore into nothing brings what is there now.
fn comes_back(job: &Job) -> bool {
    let before = listing(job);
    job.remove("work/project/out");
    let said = restore(job);
    assert!(!said.log.contains("::warning"), "{said:?}");
    listing(job) == before
}

/// Files that the newest entry holds itself, and entries of which it needs some.
fn newest(job: &Job) -> (usize, usize) {
    let entry = job.newest_entry("paths");
    let folders = inside(&entry.join("tree/0"));
    let files = folders.iter().map(|folder| inside(folder).len()).sum();
    (files, inside(&entry.join("parts")).len())
}

fn in_root(job: &Job, folder: &str) -> usize {
    inside(&job.path("root").join(folder)).len()
}

#[test]
fn save_references_unchanged_files() {
    let job = job();
    change(&job, [7], "changed");
    job.write("work/project/out/new/file", "");
    let said = save(&job);
    assert!(said.log.contains("paths   saved    154 files") && said.log.contains("kept 152"), "{}", said.log);
    assert_eq!(newest(&job), (2, 1));
    assert!(comes_back(&job));
    let told = job.ok(&["inspect", "k"]).stdout;
    assert!(told.contains(" in 154 files\n             152 of them in /"), "{told}");
    change(&job, [8, 70], "changed, too");
    save(&job);
    assert_eq!(newest(&job), (4, 1), "few files of the second entry get further names");
    assert!(comes_back(&job));
    assert_eq!(job.ok(&["verify", "--deep"]).stdout, "3 entries sound, 0 damaged\n");
    assert_eq!(job.ok(&["verify", "--deep"]).stdout, "3 entries sound, 0 damaged\n");
}

#[test]
fn evicted_entrys_files_stay_while_referenced() {
    let job = job();
    job.write(&file(9), &"x".repeat(3_000_000));
    save(&job);
    change(&job, [7], "changed");
    save(&job);
    job.ok(&["gc", "--keep", "paths=1"]);
    assert_eq!((job.entries("paths").len(), in_root(&job, "retired"), in_root(&job, "trash")), (1, 1, 0));
    let table = job.ok(&["du"]).stdout;
    let all: Vec<_> = table.lines().last().unwrap().split_whitespace().collect();
    assert_eq!((&all[..4], all[5]), (&["all", "1", "3.00", "MB"][..], "MB"), "{table}");
    assert!((3.0..5.0).contains(&all[4].parse().unwrap()), "what is retired takes room, too: {table}");
    assert!(comes_back(&job));
    assert_eq!(job.ok(&["verify"]).stdout, "1 entry sound, 0 damaged\n");
    job.ok(&["remove", "k"]);
    assert_eq!((job.entries("paths").len(), in_root(&job, "retired"), in_root(&job, "trash")), (0, 0, 0));
}

#[test]
fn save_does_not_reference_an_entry_with_little_in_use() {
    let job = job();
    change(&job, 0..20, "changed");
    save(&job);
    assert_eq!(newest(&job), (ALL, 0), "a fifth of the first entry would be of no use");
    job.ok(&["gc", "--keep", "paths=1"]);
    assert_eq!(in_root(&job, "retired"), 0);
    assert!(comes_back(&job));
}

#[test]
fn save_references_no_entry_for_one_of_its_directories_alone() {
    let job = job();
    let inputs = ["--preset", "none", "--path", "out\nlarge", "--key", "both"];
    for round in ["1", "2", "3"] {
        job.write("work/project/large/file", &round.repeat(3_000_000));
        job.write("work/project/large/other", "");
        job.ok(&[&["save", "--save", "always"], &inputs[..]].concat());
        assert_eq!(newest(&job).1, 0, "round {round}");
    }
    job.write("work/project/large/other", "changed");
    job.ok(&[&["save", "--save", "always"], &inputs[..]].concat());
    assert_eq!(newest(&job).1, 1, "one entry, for both folders");
    job.ok(&["gc", "--keep", "paths=1"]);
    assert_eq!(in_root(&job, "retired"), 1);
    for folder in ["out", "large"] {
        job.remove(&format!("work/project/{folder}"));
    }
    job.ok(&[&["restore", "--no-session"], &inputs[..]].concat());
    assert_eq!(job.read("work/project/large/other"), "changed");
    assert!(job.read("work/project/large/file").starts_with("333") && job.read(&file(7)) == "7 as it was");
}

#[test]
fn extracted_crates_are_referenced_one_by_one() {
    let job = Job::new(PROGRAM);
    let crates = |name: &str| format!("home/.cargo/registry/src/i/{name}-1.0.0");
    let download = |name: &str| {
        job.lock_with(name, "1.0.0", name);
        job.write(&format!("home/.cargo/registry/cache/i/{name}-1.0.0.crate"), name);
        for number in 0..60 {
            job.write(&format!("{}/src/{number}.rs", crates(name)), &format!("{name} {number}"));
        }
        job.write(&format!("{}/.cargo-ok", crates(name)), "{\"v\":1}");
    };
    ["aaaa", "bbbb"].into_iter().for_each(download);
    job.ok(&["save"]);
    download("cccc");
    let said = job.ok(&["save"]);
    assert!(said.log.contains("kept "), "{}", said.log);
    job.ok(&["gc", "--keep", "cargo=1"]);
    assert_eq!(in_root(&job, "retired"), 1);
    for name in ["aaaa", "cccc"] {
        job.remove(&crates(name));
    }
    job.write(&format!("{}/src/7.rs", crates("bbbb")), "patched");
    job.ok(&["restore", "--no-session"]);
    for name in ["aaaa", "cccc"] {
        assert_eq!(job.read(&format!("{}/src/7.rs", crates(name))), format!("{name} 7"));
    }
    assert_eq!(job.read(&format!("{}/src/7.rs", crates("bbbb"))), "patched", "what is there stays");
}

#[test]
fn hard_link_to_an_unchanged_file_takes_no_second_copy() {
    let job = job();
    job.write(&file(9), &"x".repeat(3_000_000));
    save(&job);
    job.sh("cd out; ln 0/9 2/further");
    save(&job);
    assert_eq!(newest(&job), (2, 1));
    assert!(comes_back(&job));
    let disk: u64 =
        job.sh("du -sb $RUNNER_CACHE_ROOT >&2").split_whitespace().next().unwrap().parse().unwrap();
    assert!(disk < 2 * 3_000_000, "{disk}");
}

#[test]
fn many_small_changes_use_little_more_than_one_entry() {
    let job = job();
    let mut relinked = 0;
    for round in 0..24 {
        change(&job, [round], "changed");
        save(&job);
        job.ok(&["gc", "--keep", "paths=1"]);
        let retired = in_root(&job, "retired");
        relinked += usize::from(retired == 0);
        assert!(retired <= 1, "{retired} in round {round}");
        assert!(comes_back(&job), "round {round}");
    }
    assert_eq!(relinked, 1, "once a tenth had changed all got further names");
}

#[test]
fn damage_to_referenced_files_damages_every_referrer() {
    let job = job();
    let first = job.newest_entry("paths");
    change(&job, [7], "changed");
    save(&job);
    fs::write(first.join("tree/0/0/8"), "tampered with").unwrap();
    job.remove("work/project/out");
    let said = restore(&job);
    assert_eq!((said.code, said.log.matches("a damaged entry was taken out").count()), (0, 1), "{said:?}");
    assert_eq!(said.outputs["cache-hit"], "false");
    assert!(job.entries("paths").is_empty() && !job.path("work/project/out").exists());
    job.sh("touch -d '1 week ago' $RUNNER_CACHE_ROOT/quarantine/*");
    job.ok(&["gc"]);
    assert_eq!((in_root(&job, "quarantine"), in_root(&job, "retired")), (0, 0));
}

#[test]
fn save_recopies_files_missing_from_the_base_entry() {
    let job = job();
    let first = job.newest_entry("paths");
    fs::remove_file(first.join("tree/0/0/8")).unwrap();
    fs::write(first.join("tree/0/0/9"), "tampered with").unwrap();
    change(&job, [7], "changed");
    job.write("work/project/out/new/file", "");
    fs::set_permissions(job.path("work/project/out/1"), fs::Permissions::from_mode(0o700)).unwrap();
    save(&job);
    assert_eq!(newest(&job), (4, 1));
    assert!(comes_back(&job));
    fs::remove_dir_all(first.join("tree/0/2")).unwrap();
    change(&job, [6], "changed");
    save(&job);
    assert_eq!(newest(&job), (ALL + 1, 0), "a third is lacking");
    assert!(comes_back(&job));
}

#[test]
fn deleted_reference_is_damage() {
    let job = job();
    let first = job.newest_entry("paths");
    change(&job, [7], "changed");
    save(&job);
    fs::remove_dir_all(&first).unwrap();
    job.remove("work/project/out");
    let said = restore(&job);
    assert_eq!((said.code, said.log.matches("a damaged entry was taken out").count()), (0, 1), "{said:?}");
    assert!(!job.path("work/project/out").exists());
}

#[test]
fn save_stores_all_files_when_the_manifest_is_at_its_link_limit() {
    let job = job();
    let entry = job.newest_entry("paths");
    fs::create_dir(job.path("names")).unwrap();
    let name = |number: u32| fs::hard_link(entry.join("manifest"), job.path(&format!("names/{number}")));
    let limit = (0..65_536).find(|&number| name(number).is_err());
    change(&job, [7], "changed");
    save(&job);
    let (files, parts) = newest(&job);
    // Not all file systems have that limit.
    assert_eq!((files, parts), if limit.is_some() { (ALL, 0) } else { (1, 1) }, "{limit:?}");
    assert!(comes_back(&job));
}
