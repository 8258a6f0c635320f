//! Keys as people see them: short in lists, logs and summaries, whole for programs, and taken back in both forms.

use std::fs;

use test_support::{Job, Said};

use crate::PROGRAM;

/// Saves one file under `key` for the job's ref and lane.
fn save(job: &Job, key: &str) {
    job.write("work/project/out/file", key);
    job.ok(&["save", "--preset", "none", "--path", "out", "--save", "always", "--key", key]);
}

/// What stands behind `word` in the first line that begins with it, or with a layer and it as in a log.
fn behind<'t>(text: &'t str, word: &str) -> &'t str {
    let of_layer = |line: &'t str| ["target ", "paths "].iter().find_map(|layer| line.strip_prefix(layer));
    let mut lines = text.lines().filter_map(|line| {
        let line = line.trim();
        of_layer(line).unwrap_or(line).trim().strip_prefix(word)?.strip_prefix(' ')
    });
    lines.next().unwrap_or_else(|| panic!("no line begins with {word}: {text}")).trim()
}

/// A host with an entry of the target directory, what its job said, and the key.
fn host() -> (Job, Said, String) {
    let job = Job::new(PROGRAM);
    let (restored, _) = job.build(&["--layers", "target"]);
    let key = restored.outputs["cache-key"].clone();
    assert!(key.starts_with("target-linux-"), "outputs have the whole key: {key}");
    (job, restored, key)
}

fn number_of_keys(job: &Job) -> usize {
    let entries: serde_json::Value = serde_json::from_str(&job.ok(&["list", "--json"]).stdout).unwrap();
    entries["result"].as_array().unwrap().len()
}

#[test]
fn ids_of_the_log_are_taken_by_inspect_explain_and_remove() {
    let (job, restored, key) = host();
    let id = behind(&restored.log, "key");
    assert!(id.starts_with("target-") && id.len() == "target-3f9a01bc".len(), "{}", restored.log);
    assert!(!restored.log.contains(&key), "{}", restored.log);

    let inspected = job.ok(&["inspect", id]).stdout;
    assert_eq!((behind(&inspected, "key"), behind(&inspected, "id")), (&*key, id), "{inspected}");
    let list = job.ok(&["list"]).stdout;
    assert!(list.contains(id) && !list.contains(&key), "{list}");
    let explained = job.ok(&["explain", "--layers", "target", id]).stdout;
    for part in [&*format!("entries of {id}: 1"), "used: exact key", &key] {
        assert!(explained.contains(part), "{part}: {explained}");
    }
    assert!(job.ok(&["remove", "--dry-run", id]).stdout.starts_with("would remove"));
    job.ok(&["remove", id]);
    assert_eq!(number_of_keys(&job), 0);
    for command in ["inspect", "explain", "remove"] {
        let said = job.run(&[command, id]);
        assert!(said.code == 1 && said.log.contains("id") && said.log.contains("hint:"), "{said:?}");
    }
}

#[test]
fn explain_of_a_key_leaves_the_others_out() {
    let (job, restored, _) = host();
    let old = behind(&restored.log, "key");
    job.version("1.0.1");
    let (second, _) = job.build(&["--layers", "target"]);
    assert_eq!(behind(&second.log, "from").split_whitespace().next().unwrap(), old, "{}", second.log);
    let explained = job.ok(&["explain", "--layers", "target", old]).stdout;
    assert!(explained.contains("differs in\n    lock (./Cargo.lock)"), "{explained}");
    assert!(!explained.contains("used: exact key"), "that is the other one: {explained}");
}

#[test]
fn summary_shows_ids_and_folds_whole_keys() {
    let (job, restored, key) = host();
    let id = behind(&restored.log, "key");
    let saved = job.ok(&["restore", "--layers", "target"]);
    for summary in [&restored.summary, &saved.summary] {
        let (open, folded) = summary.split_once("<details>").unwrap();
        assert!(open.contains(&format!("<code>{id}</code>")) && !open.contains(&key), "{summary}");
        assert!(folded.contains(&key), "{summary}");
    }
    assert!(
        restored.summary.contains("| layer | hit | key |\n"),
        "a miss has no files: {}",
        restored.summary
    );
}

#[test]
fn short_keys_stay_in_the_users_words() {
    let job = Job::new(PROGRAM);
    let inputs = ["--preset", "none", "--path", "out", "--key", "npm-1"];
    save(&job, "npm-1");
    let said = job.ok(&[&["restore", "--no-session"], &inputs[..]].concat());
    assert_eq!(behind(&said.log, "key").split_whitespace().next(), Some("npm-1"));
    assert!(said.summary.contains("<code>npm-1</code>") && !said.summary.contains("<details>"), "{said:?}");
    assert!(job.ok(&["list"]).stdout.contains("  npm-1  "));
    let inspected = job.ok(&["inspect", "npm-1"]).stdout;
    job.ok(&["remove", behind(&inspected, "id")]);
    assert_eq!(number_of_keys(&job), 0, "it has an id all the same");
}

#[test]
fn unclear_id_removes_nothing_and_names_all_keys() {
    let job = Job::new(PROGRAM);
    // The SHA-256 of the first two begin alike.
    for key in ["k-3850", "k-5605", "other"] {
        save(&job, key);
    }
    let id = "paths-191b8c00";
    for args in [&["remove", id][..], &["remove", "--dry-run", id], &["remove", "other", id]] {
        let said = job.run(args);
        assert_eq!((said.code, &*said.stdout), (1, ""), "{args:?}: {said:?}");
        for part in ["k-3850", "k-5605", "hint:"] {
            assert!(said.log.contains(part), "{part}: {}", said.log);
        }
    }
    assert_eq!(number_of_keys(&job), 3);
    let inspected = job.ok(&["inspect", id]).stdout;
    assert!(inspected.contains("k-3850") && inspected.contains("k-5605"), "{inspected}");
    let explain = ["explain", "--preset", "none", "--path", "out", "--key", "x", id];
    assert_eq!(job.run(&explain).code, 1);
    job.ok(&["remove", "k-3850"]);
    job.ok(&["remove", id]);
    assert_eq!(number_of_keys(&job), 1, "now it is clear");
}

#[test]
fn list_fits_80_columns_whatever_keys_refs_and_lanes() {
    let mut job = Job::new(PROGRAM);
    let long = "feature/".to_owned() + &"much-longer-than-a-line/".repeat(6);
    let repositories = ["o/r".to_owned(), "owner/".to_owned() + &"r".repeat(100)];
    for (repository, reference) in
        repositories.iter().zip(["refs/heads/main", &*format!("refs/heads/{long}end")])
    {
        job.set("GITHUB_REPOSITORY", repository);
        job.event(reference, r#"{"repository": {"default_branch": "main"}}"#);
        for (job_id, key) in
            [("build", "npm-1".to_owned()), (&*"漢字".repeat(40), "npm-".to_owned() + &"x".repeat(300))]
        {
            job.set("GITHUB_JOB", job_id);
            save(&job, &key);
        }
    }
    let list = job.ok(&["list"]).stdout;
    let width =
        |line: &str| line.chars().map(|letter| if letter.is_ascii() || letter == '…' { 1 } else { 2 }).sum();
    let widths: Vec<usize> = list.lines().map(width).collect();
    assert!(widths.iter().all(|width| *width <= 80) && widths.contains(&80), "{widths:?}\n{list}");
    let lines: Vec<_> = list.lines().collect();
    assert!(lines[0].trim_start().starts_with("KEY ") && lines[2] == "o/r: paths", "{list}");
    assert!(lines[6].starts_with("owner/rrr") && lines[6].ends_with("rrr: paths"), "{list}");
    assert!(lines[3].contains("heads/main") && lines[8].contains("heads/featu"), "{list}");

    let wide = job.ok(&["list", "--wide"]).stdout;
    for whole in [&*repositories[1], &*format!("refs/heads/{long}end"), &"漢字".repeat(40), &"x".repeat(300)]
    {
        assert!(wide.contains(whole), "{whole}: {wide}");
    }
    assert_eq!(wide.lines().count(), 5, "a line each: {wide}");
    assert_eq!(fs::read_dir(job.path("root/paths")).unwrap().count(), 2);
}
