//! Entries whose files stay, for the most part, where an earlier entry has them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::job::{Job, Said};

/// Files of the folder that is kept.
const FILES: usize = 150;

const INPUTS: [&str; 6] = ["--preset", "none", "--path", "out", "--key", "k"];

fn file(number: usize) -> String {
    format!("work/project/out/{}/{number}", number / 50)
}

/// A job with an entry of all files.
fn job() -> Job {
    let job = Job::new();
    for number in 0..FILES {
        job.write(&file(number), &format!("{number} as it was"));
    }
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

/// All that is in the folder.
fn contents(job: &Job) -> BTreeMap<usize, String> {
    (0..FILES)
        .filter(|&number| job.path(&file(number)).exists())
        .map(|number| (number, job.read(&file(number))))
        .collect()
}

/// Whether a restore into nothing brings what is there now.
fn comes_back(job: &Job) -> bool {
    let before = contents(job);
    job.remove("work/project/out");
    let said = restore(job);
    assert!(!said.log.contains("::warning"), "{said:?}");
    contents(job) == before
}

/// Files that the newest entry holds itself, and entries of which it needs some.
fn newest(job: &Job) -> (usize, usize) {
    let entry = job.newest_entry("paths");
    let folders = fs::read_dir(entry.join("tree/0")).unwrap().map(|folder| folder.unwrap().path());
    let files = folders.map(|folder| fs::read_dir(folder).unwrap().count()).sum();
    (files, fs::read_dir(entry.join("parts")).map_or(0, Iterator::count))
}

fn in_root(job: &Job, folder: &str) -> usize {
    fs::read_dir(job.path("root").join(folder)).map_or(0, Iterator::count)
}

#[test]
fn what_has_not_changed_stays_where_it_is() {
    let job = job();
    change(&job, [7], "changed");
    job.write("work/project/out/new/file", "");
    let said = save(&job);
    assert!(said.log.contains("paths   saved    151 files") && said.log.contains("kept 149"), "{}", said.log);
    assert_eq!(newest(&job), (2, 1));
    assert!(comes_back(&job));
    change(&job, [8, 70], "changed, too");
    save(&job);
    assert_eq!(newest(&job), (4, 1), "few files of the second entry get further names");
    assert!(comes_back(&job));
    assert_eq!(job.ok(&["verify", "--deep"]).stdout, "3 entries sound, 0 damaged\n");
    assert_eq!(job.ok(&["verify", "--deep"]).stdout, "3 entries sound, 0 damaged\n");
}

#[test]
fn what_an_evicted_entry_had_stays_for_as_long_as_one_needs_it() {
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
fn an_entry_of_which_little_is_left_is_needed_by_nobody() {
    let job = job();
    change(&job, 0..20, "changed");
    save(&job);
    assert_eq!(newest(&job), (FILES, 0), "a fifth of the first entry would be of no use");
    job.ok(&["gc", "--keep", "paths=1"]);
    assert_eq!(in_root(&job, "retired"), 0);
    assert!(comes_back(&job));
}

#[test]
fn however_often_little_changes_the_disk_has_little_more_than_the_newest_entry() {
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
fn damage_where_files_stay_is_damage_of_all_who_need_them() {
    let job = job();
    let first = job.newest_entry("paths");
    change(&job, [7], "changed");
    save(&job);
    fs::write(first.join("tree/0/0/8"), "tampered with").unwrap();
    job.remove("work/project/out");
    let said = restore(&job);
    assert_eq!((said.code, said.log.matches("a damaged entry was taken out").count()), (0, 2), "{said:?}");
    assert_eq!(said.outputs["cache-hit"], "false");
    assert!(job.entries("paths").is_empty() && contents(&job).is_empty());
    job.sh("touch -d '1 week ago' $RUNNER_CACHE_ROOT/quarantine/*");
    job.ok(&["gc"]);
    assert_eq!((in_root(&job, "quarantine"), in_root(&job, "retired")), (0, 0));
}

#[test]
fn what_is_lacking_in_the_earlier_entry_comes_from_the_job() {
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
    assert_eq!(newest(&job), (FILES + 1, 0), "a third is lacking");
    assert!(comes_back(&job));
}

#[test]
fn a_part_that_somebody_deleted_is_damage_of_the_entry() {
    let job = job();
    let first = job.newest_entry("paths");
    change(&job, [7], "changed");
    save(&job);
    fs::remove_dir_all(&first).unwrap();
    job.remove("work/project/out");
    let said = restore(&job);
    assert_eq!((said.code, said.log.matches("a damaged entry was taken out").count()), (0, 1), "{said:?}");
    assert!(contents(&job).is_empty());
}

#[test]
fn where_a_manifest_can_have_no_further_name_files_get_theirs() {
    let job = job();
    let entry = job.newest_entry("paths");
    fs::create_dir(job.path("names")).unwrap();
    let name = |number: u32| fs::hard_link(entry.join("manifest"), job.path(&format!("names/{number}")));
    let limit = (0..65_536).find(|&number| name(number).is_err());
    change(&job, [7], "changed");
    save(&job);
    let (files, parts) = newest(&job);
    // Not all file systems have that limit.
    assert_eq!((files, parts), if limit.is_some() { (FILES, 0) } else { (1, 1) }, "{limit:?}");
    assert!(comes_back(&job));
}
