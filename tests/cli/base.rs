//! Saves after a job that started from an entry, its base: what has not changed gets a further name.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use test_support::{Job, Said};

use crate::PROGRAM;

/// Regular files of the directory that is kept, with names of their own.
const FILES: usize = 150;

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

/// All that is in the directory: kinds, modes, times, numbers of names, contents.
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

fn inode(path: &Path) -> u64 {
    fs::symlink_metadata(path).unwrap().ino()
}

/// The regular files of the newest entry that have an inode of their own, not one of `base`.
fn new_files(job: &Job, base: &Path) -> Vec<PathBuf> {
    let entry = job.newest_entry("paths").join("tree/0");
    let mut new = Vec::new();
    for directory in fs::read_dir(&entry).unwrap().map(|directory| directory.unwrap().path()) {
        for file in fs::read_dir(&directory).unwrap().map(|file| file.unwrap().path()) {
            if file.is_symlink() {
                continue;
            }
            let name = file.strip_prefix(&entry).unwrap().to_owned();
            let of_base = base.join("tree/0").join(&name);
            if fs::symlink_metadata(&of_base).map_or(true, |there| there.ino() != inode(&file)) {
                new.push(name);
            }
        }
    }
    new.sort();
    new
}

#[test]
fn save_links_unchanged_files_from_the_base_entry() {
    let job = job();
    let base = job.newest_entry("paths");
    change(&job, [7], "changed");
    job.write("work/project/out/new/file", "");
    let said = save(&job);
    assert!(said.log.contains("paths   saved    154 files"), "{}", said.log);
    assert_eq!(new_files(&job, &base), ["0/7", "new/file"].map(PathBuf::from));
    assert!(comes_back(&job));
    assert_eq!(job.ok(&["verify", "--deep"]).stdout, "2 entries sound, 0 damaged\n");
}

#[test]
fn an_entry_keeps_its_files_when_its_base_is_evicted() {
    let job = job();
    job.write(&file(9), &"x".repeat(3_000_000));
    save(&job);
    change(&job, [7], "changed");
    save(&job);
    job.ok(&["gc", "--keep", "paths=1"]);
    assert_eq!(job.entries("paths").len(), 1);
    assert!(fs::read_dir(job.path("root/trash")).map_or(true, |mut names| names.next().is_none()));
    assert!(comes_back(&job));
    assert_eq!(job.ok(&["verify"]).stdout, "1 entry sound, 0 damaged\n");
}

#[test]
fn extracted_crates_are_linked_and_come_one_by_one() {
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
    let base = job.newest_entry("cargo");
    job.ok(&["save"]);
    let kept = |entry: &Path| {
        let named = job.sh(&format!("find {} -name 7.rs -path '*aaaa*' >&2", entry.display()));
        inode(Path::new(named.trim()))
    };
    assert_eq!(kept(&job.newest_entry("cargo")), kept(&base));
    job.ok(&["gc", "--keep", "cargo=1"]);
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
fn a_further_name_of_a_file_that_is_there_already_is_no_second_file() {
    let job = job();
    job.write(&file(9), &"x".repeat(3_000_000));
    save(&job);
    job.sh("cd out; ln 0/9 2/further");
    save(&job);
    assert!(comes_back(&job));
    let disk: u64 =
        job.sh("du -sb $RUNNER_CACHE_ROOT >&2").split_whitespace().next().unwrap().parse().unwrap();
    assert!(disk < 2 * 3_000_000, "{disk}");
}

#[test]
fn save_recopies_files_missing_from_the_base_entry() {
    let job = job();
    let base = job.newest_entry("paths");
    fs::remove_file(base.join("tree/0/0/8")).unwrap();
    fs::remove_dir_all(base.join("tree/0/2")).unwrap();
    change(&job, [7], "changed");
    save(&job);
    let new = new_files(&job, &base);
    assert!(
        new.contains(&"0/8".into()) && new.contains(&"2/110".into()) && !new.contains(&"1/60".into()),
        "{new:?}"
    );
    assert!(comes_back(&job));
}

#[test]
fn an_entry_of_an_older_format_is_a_miss_and_can_be_evicted() {
    let job = job();
    let manifest = job.newest_entry("paths").join("manifest");
    let text = fs::read(&manifest).unwrap();
    let older = [b"runner-cache-manifest 9".as_slice(), &text["runner-cache-manifest 10".len()..]].concat();
    fs::write(&manifest, older).unwrap();
    fs::create_dir_all(job.path("root/retired/20260102T030405.123456789Z-00000000-l")).unwrap();
    let said = restore(&job);
    assert_eq!((said.code, said.outputs["cache-hit"].as_str()), (0, "false"), "{said:?}");
    assert!(said.log.contains("has format 9; this version reads 10"), "{}", said.log);
    assert!(job.ok(&["list"]).stdout.contains("paths"), "it is listed all the same");
    job.ok(&["remove", "k"]);
    job.ok(&["gc"]);
    assert!(job.entries("paths").is_empty());
    assert_eq!(
        fs::read_dir(job.path("root/retired")).unwrap().count(),
        0,
        "what such entries shared goes, too"
    );
}
