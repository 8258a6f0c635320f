//! After a restore cargo compiles what has changed since the saved build, and nothing else: compared with cargo in a
//! workspace that was never moved.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, FileTimes};
use std::path::Path;
use std::time::{Duration, SystemTime};

use test_support::Job;

use crate::PROGRAM;

/// Files of a checkout, the workspace in `project` and a package beside it.
type Files = BTreeMap<String, String>;

/// Workspaces whose program prints the sum of all numbers in them.
struct Sum(Files);

impl Sum {
    fn new() -> Self {
        let package = |name: &str, more: &str| {
            format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2021\"\n{more}")
        };
        let files = [
            ("project/Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"crates/*\"]\n".to_owned()),
            ("project/notes/note.txt", "1".to_owned()),
            (
                "project/crates/app/Cargo.toml",
                package(
                    "app",
                    "[dependencies]\nmid-dle.path = \"../mid-dle\"\nwatch.path = \"../watch\"\nmac.path = \"../mac\"\n\
                     sibling.path = \"../../../sibling\"\n",
                ),
            ),
            (
                "project/crates/app/src/main.rs",
                "fn number(text: &str) -> u64 { text.trim().parse().unwrap() }\nfn main() {\n\
                 let note = number(include_str!(\"../../../notes/note.txt\"));\n\
                 println!(\"{}\", note + mid_dle::SUM + watch::SUM + mac::seven!() + sibling::VALUE);\n}\n"
                    .to_owned(),
            ),
            ("project/crates/leaf/Cargo.toml", package("leaf", "")),
            ("project/crates/leaf/src/lib.rs", "mod part;\npub const VALUE: u64 = 2 + part::VALUE;\n".to_owned()),
            ("project/crates/leaf/src/part.rs", "pub const VALUE: u64 = 3;\n".to_owned()),
            ("project/crates/mac/Cargo.toml", package("mac", "[lib]\nproc-macro = true\n")),
            (
                "project/crates/mac/src/lib.rs",
                "#[proc_macro]\npub fn seven(_: proc_macro::TokenStream) -> proc_macro::TokenStream { \"7u64\".parse().unwrap() }\n"
                    .to_owned(),
            ),
            (
                "project/crates/mid-dle/Cargo.toml",
                package("mid-dle", "[dependencies]\nleaf.path = \"../leaf\"\n"),
            ),
            // Cargo watches the whole package of a build script that names nothing.
            ("project/crates/mid-dle/build.rs", build_script("data", "")),
            (
                "project/crates/mid-dle/src/lib.rs",
                "include!(concat!(env!(\"OUT_DIR\"), \"/sum.rs\"));\npub const SUM: u64 = READ + leaf::VALUE;\n"
                    .to_owned(),
            ),
            ("project/crates/mid-dle/data/a.txt", "10".to_owned()),
            ("project/crates/mid-dle/data/b.txt", "20".to_owned()),
            ("project/crates/watch/Cargo.toml", package("watch", "")),
            ("project/crates/watch/build.rs", build_script("tables", "println!(\"cargo:rerun-if-changed=tables\");")),
            (
                "project/crates/watch/src/lib.rs",
                "include!(concat!(env!(\"OUT_DIR\"), \"/sum.rs\"));\npub const SUM: u64 = READ;\n".to_owned(),
            ),
            ("project/crates/watch/tables/a.txt", "100".to_owned()),
            ("project/crates/watch/tables/deep/b.txt", "200".to_owned()),
            ("sibling/Cargo.toml", package("sibling", "")),
            ("sibling/src/lib.rs", "pub const VALUE: u64 = 5;\n".to_owned()),
        ];
        Self(files.into_iter().map(|(path, text)| (path.to_owned(), text)).collect())
    }

    /// What the program prints when it is made from these files.
    fn expected(&self) -> u64 {
        let number = |text: &str| text.trim().parse::<u64>().unwrap();
        let all = |directory: &str| -> u64 {
            let files = self.0.iter().filter(|(path, _)| path.starts_with(directory));
            files.map(|(_, text)| number(text)).sum()
        };
        let after = |path: &str, word: &str| {
            let text = &self.0[path];
            let rest = &text[text.rfind(word).unwrap() + word.len()..];
            number(&rest.chars().take_while(char::is_ascii_digit).collect::<String>())
        };
        all("project/notes/")
            + all("project/crates/mid-dle/data/")
            + all("project/crates/watch/tables/")
            + after("project/crates/leaf/src/lib.rs", "u64 = ")
            + after("project/crates/leaf/src/part.rs", "u64 = ")
            + after("project/crates/mac/src/lib.rs", "{ \"")
            + after("sibling/src/lib.rs", "u64 = ")
    }

    /// The same project after some of what people do to files.
    fn edited(&self, random: &mut fastrand::Rng) -> Self {
        let mut files = self.0.clone();
        for _ in 0..random.usize(1..4) {
            let data: Vec<_> = files
                .keys()
                .filter(|path| path.contains("/data/") || path.contains("/tables/"))
                .cloned()
                .collect();
            match random.u8(0..5) {
                0 => {
                    let sources =
                        ["leaf/src/lib.rs", "leaf/src/part.rs"].map(|path| format!("project/crates/{path}"));
                    let path = random.choice([&*sources[0], &sources[1], "sibling/src/lib.rs"]).unwrap();
                    let (from, to) = (number_in(&files[path]), random.u64(1..90).to_string());
                    let text = files[path].replace(&format!("u64 = {from}"), &format!("u64 = {to}"));
                    files.insert(path.to_owned(), text);
                }
                1 => {
                    let note = "project/notes/note.txt".to_owned();
                    let path = random.choice([&data[..], &[note]].concat()).unwrap();
                    files.insert(path, random.u64(1..900).to_string());
                }
                2 if data.len() > 2 => {
                    files.remove(random.choice(&data).unwrap());
                }
                3 if !data.is_empty() => {
                    let path = random.choice(&data).unwrap();
                    let text = files.remove(path).unwrap();
                    files.insert(path.replace(".txt", &format!("{}.txt", random.u8(0..9))), text);
                }
                _ => {
                    let directory =
                        random.choice(["mid-dle/data", "watch/tables", "watch/tables/deep"]).unwrap();
                    let path = format!("project/crates/{directory}/new{}.txt", random.u8(..));
                    files.insert(path, random.u64(1..900).to_string());
                }
            }
        }
        Self(files)
    }

    /// Lays the files out anew, as a checkout does.
    fn check_out(&self, work: &Path) {
        for directory in ["project", "sibling"] {
            let directory = work.join(directory);
            if directory.exists() {
                fs::remove_dir_all(&directory).unwrap();
            }
            fs::create_dir(directory).unwrap();
        }
        self.apply(work, &BTreeMap::new());
    }

    /// Makes of a checkout of `before` one of this.
    fn apply(&self, work: &Path, before: &Files) {
        for path in before.keys().filter(|path| !self.0.contains_key(*path)) {
            fs::remove_file(work.join(path)).unwrap();
        }
        for (path, text) in self.0.iter().filter(|(path, text)| before.get(*path) != Some(text)) {
            let path = work.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }
}

fn number_in(text: &str) -> String {
    text[text.rfind("u64 = ").unwrap() + 6..].chars().take_while(char::is_ascii_digit).collect()
}

fn build_script(directory: &str, tell: &str) -> String {
    format!(
        "fn sum(directory: &std::path::Path) -> u64 {{ std::fs::read_dir(directory).unwrap().map(|e| e.unwrap().path()).map(|p| \
         if p.is_dir() {{ sum(&p) }} else {{ std::fs::read_to_string(p).unwrap().trim().parse::<u64>().unwrap() }}).sum() }}\n\
         fn main() {{\n{tell}\nlet sum = sum(std::path::Path::new(\"{directory}\"));\n\
         std::fs::write(std::env::var(\"OUT_DIR\").unwrap() + \"/sum.rs\", format!(\"pub const READ: u64 = {{sum}};\")).unwrap();\n}}\n"
    )
}

/// Builds, and returns what was compiled and what the program prints.
fn build(job: &Job) -> (BTreeSet<String>, u64) {
    job.sh("cargo build --offline --message-format=json > $HOME/../messages; target/debug/app > $HOME/../printed");
    let messages = job.read("messages");
    let mut compiled = BTreeSet::new();
    for line in messages.lines() {
        let message: serde_json::Value = serde_json::from_str(line).unwrap();
        if message["reason"] == "compiler-artifact" && message["fresh"] == false {
            let target = &message["target"];
            compiled.insert(format!("{} {}", target["name"].as_str().unwrap(), target["kind"]));
        }
    }
    (compiled, job.read("printed").trim().parse().unwrap())
}

/// Lets files that have changed look older than the saved build: so it is where a runner keeps its workspace.
fn backdate(work: &Path, before: &Files, after: &Files) {
    for (path, _) in after.iter().filter(|(path, text)| before.get(*path) != Some(text)) {
        set_time(&work.join(path), an_hour_ago());
    }
}

/// As a volume that is mounted at the target directory: cargo tags only what it makes itself.
#[test]
fn preexisting_target_directory_is_not_a_source() {
    let job = Job::new(PROGRAM);
    job.sh("mkdir target");
    job.build(&["--layers", "target"]);
    assert!(!job.path("work/project/target/CACHEDIR.TAG").exists(), "cargo tags such directories now");
    job.sh("rm -r target/debug");
    let said = job.ok(&["restore", "--no-session", "--layers", "target"]);
    assert!(said.log.contains("sources: 3 files unchanged"), "{}", said.log);
}

#[test]
fn recompiles_exactly_what_cargo_would_without_the_cache() {
    for seed in 0..6 {
        let mut random = fastrand::Rng::with_seed(seed);
        let job = Job::new(PROGRAM);
        let work = job.path("work");
        let (first, second) = {
            let first = Sum::new();
            let second = first.edited(&mut random);
            (first, second)
        };
        first.check_out(&work);
        job.sh("cargo generate-lockfile --offline -q");
        job.ok(&["restore"]);
        assert_eq!(build(&job).1, first.expected(), "seed {seed}");
        job.ok(&["save"]);
        let lock = job.read("work/project/Cargo.lock");

        second.apply(&work, &first.0);
        let stayed = build(&job);
        assert_eq!(stayed.1, second.expected(), "seed {seed}");

        second.check_out(&work);
        job.write("work/project/Cargo.lock", &lock);
        let is_backdated = random.bool();
        if is_backdated {
            backdate(&work, &first.0, &second.0);
        }
        let said = job.ok(&["restore"]);
        assert_eq!(said.outputs["target-hit"], "exact", "seed {seed}: {}", said.log);
        let (mut compiled, printed) = stayed;
        // Cargo does not see what is gone from a package whose build script names nothing.
        let is_gone = |path: &&String| path.contains("/mid-dle/") && !second.0.contains_key(*path);
        if first.0.keys().any(|path| is_gone(&path)) {
            let anew = ["mid_dle [\"lib\"]", "app [\"bin\"]"];
            compiled.extend(anew.map(str::to_owned));
        }
        let built = build(&job);
        assert_eq!(built, (compiled, printed), "seed {seed}, backdated: {is_backdated}, {}", said.log);
    }
}

/// A workspace with a procedural macro that sums up the numbers in a directory of whoever calls it, and with further
/// `packages`.
fn with_macro(packages: &[&str]) -> Sum {
    let manifest = |name: &str, more: &str| {
        let package =
            format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2021\"\n{more}");
        (format!("project/crates/{name}/Cargo.toml"), package)
    };
    let file = |path: &str, text: &str| (format!("project/{path}"), text.to_owned());
    let mut files = Files::from([
        file("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"crates/*\"]\n"),
        manifest("mac", "[lib]\nproc-macro = true\n"),
        file(
            "crates/mac/src/lib.rs",
            "#[proc_macro]\npub fn sum(_: proc_macro::TokenStream) -> proc_macro::TokenStream {\n\
             let directory = std::env::var(\"CARGO_MANIFEST_DIR\").unwrap() + \"/templates\";\n\
             let files = std::fs::read_dir(directory).unwrap().map(|file| std::fs::read_to_string(file.unwrap().path()));\n\
             let sum: u64 = files.map(|text| text.unwrap().trim().parse::<u64>().unwrap()).sum();\n\
             format!(\"{sum}u64\").parse().unwrap()\n}\n",
        ),
        manifest("app", "[dependencies]\nmac.path = \"../mac\"\n"),
        file("crates/app/src/lib.rs", "pub const SUM: u64 = mac::sum!();\n"),
        file("crates/app/src/main.rs", "fn main() { println!(\"{}\", app::SUM) }\n"),
        file("crates/app/templates/a", "1"),
        file("crates/app/templates/c", "10"),
        file("crates/app/README.md", "1"),
        file("crates/app/.github/x", "1"),
        file("crates/app/tests/data.txt", "1"),
        file("crates/app/tests/old.rs", ""),
    ]);
    for name in packages {
        files.extend([manifest(name, ""), file(&format!("crates/{name}/src/lib.rs"), "")]);
    }
    Sum(files)
}

/// A job that builds and saves `sum`; returns the lock file.
fn built_once(job: &Job, sum: &Sum) -> String {
    sum.check_out(&job.path("work"));
    job.sh("cargo generate-lockfile --offline -q");
    job.ok(&["restore"]);
    build(job);
    job.ok(&["save"]);
    job.read("work/project/Cargo.lock")
}

/// Lays these `files` of the workspace out besides, or without a text removes them.
fn with(sum: &Sum, files: &[(&str, Option<&str>)]) -> Sum {
    let mut edited = sum.0.clone();
    for (path, text) in files {
        let path = format!("project/crates/{path}");
        match text {
            Some(text) => edited.insert(path, (*text).to_owned()),
            None => edited.remove(&path),
        };
    }
    Sum(edited)
}

#[test]
fn recompiles_only_what_a_proc_macro_may_have_read() {
    let job = Job::new(PROGRAM);
    let (work, first) = (job.path("work"), with_macro(&["other"]));
    let lock = built_once(&job, &first);
    let app = BTreeSet::from(["app [\"lib\"]", "app [\"bin\"]"].map(str::to_owned));
    let [a, b, c] = ["a", "b", "c"].map(|name| format!("app/templates/{name}"));
    for (files, sum, told) in [
        (&[(&*a, Some("2"))][..], 12, "crates/app/templates/a"),
        (&[(&*b, Some("100"))], 111, "crates/app/templates"),
        (&[(&*c, None)], 1, "crates/app/templates"),
        (&[(&*a, Some("2")), (&*b, Some("100"))], 112, "crates/app/templates"),
    ] {
        for is_backdated in [false, true] {
            let second = with(&first, files);
            second.check_out(&work);
            job.write("work/project/Cargo.lock", &lock);
            if is_backdated {
                backdate(&work, &Files::new(), &second.0);
            }
            let said = job.ok(&["restore", "--no-session"]);
            assert_eq!(said.outputs["target-hit"], "exact", "{}", said.log);
            assert!(said.log.contains(&format!("sources changed ({told})\n")), "{}", said.log);
            assert_eq!(build(&job), (app.clone(), sum), "{told}, backdated: {is_backdated}, {}", said.log);
        }
    }
}

/// Pages, manifests' neighbours, tests that were not built: what a macro that reads files may have read.
const BESIDE_SOURCES: [&str; 6] =
    ["README.md", ".github/x", ".github/new", "tests/data.txt", "tests/old.rs", "tests/new.rs"];

/// What is compiled after a change of `path` in the package `app` of `first`.
fn compiled_after_change(job: &Job, first: &Sum, lock: &str, path: &str) -> BTreeSet<String> {
    with(first, &[(&format!("app/{path}"), Some("// 2"))]).check_out(&job.path("work"));
    job.write("work/project/Cargo.lock", lock);
    job.ok(&["restore", "--no-session"]);
    build(job).0
}

#[test]
fn proc_macro_without_file_access_forces_no_rebuild() {
    let job = Job::new(PROGRAM);
    let mut first = with_macro(&[]);
    let reads_nothing = "#[proc_macro]\npub fn sum(input: proc_macro::TokenStream) -> proc_macro::TokenStream {\n\
         let count = input.into_iter().count();\n\
         if std::env::var(\"NONE\").is_ok() { panic!(\"{count}\") }\n\
         format!(\"{}u64\", count + 11).parse().unwrap()\n}\n";
    first.0.insert("project/crates/mac/src/lib.rs".to_owned(), reads_nothing.to_owned());
    let lock = built_once(&job, &first);
    for path in BESIDE_SOURCES {
        assert_eq!(compiled_after_change(&job, &first, &lock, path), BTreeSet::new(), "{path}");
    }
}

#[test]
fn file_reading_proc_macro_depends_on_the_whole_package() {
    let job = Job::new(PROGRAM);
    let first = with_macro(&[]);
    let lock = built_once(&job, &first);
    let app = BTreeSet::from(["app [\"lib\"]", "app [\"bin\"]"].map(str::to_owned));
    for path in BESIDE_SOURCES {
        assert_eq!(compiled_after_change(&job, &first, &lock, path), app, "{path}");
    }
}

#[test]
fn fresh_checkout_on_another_runner_compiles_nothing() {
    let mut job = Job::new(PROGRAM);
    let mut sum = Sum::new();
    // Cargo knows packages outside of the workspace, and files outside of their package, by their absolute paths.
    sum.0.retain(|path, _| !path.starts_with("sibling"));
    for text in sum.0.values_mut() {
        *text = text.replace("sibling.path = \"../../../sibling\"\n", "").replace(" + sibling::VALUE", "");
        *text = text.replace("include_str!(\"../../../notes/note.txt\")", "\"1\"");
    }
    sum.check_out(&job.path("work"));
    job.sh("cargo generate-lockfile --offline -q");
    job.ok(&["restore"]);
    assert!(!build(&job).0.is_empty());
    job.ok(&["save"]);

    let lock = job.read("work/project/Cargo.lock");
    job.remove("work");
    fs::create_dir_all(job.path("work/elsewhere")).unwrap();
    sum.check_out(&job.path("work/elsewhere"));
    job.write("work/elsewhere/project/Cargo.lock", &lock);
    job.move_to("work/elsewhere/project");
    let said = job.ok(&["restore"]);
    assert_eq!(said.outputs["target-hit"], "exact");
    assert!(said.log.contains("unchanged, 0 changed\n"), "{}", said.log);
    assert!(!said.log.contains("left out"), "{}", said.log);
    assert!(said.summary.contains("unchanged, 0 changed"), "{}", said.summary);
    assert!(build(&job).0.is_empty());
}

#[test]
fn restore_dates_sources_back_except_files_a_build_script_watches() {
    let job = Job::new(PROGRAM);
    job.write("work/project/build.rs", "fn main() { println!(\"cargo:rerun-if-changed=data\"); }\n");
    let files = ["src/main.rs", "Cargo.toml", "data/same", "data/directory/same", "notes"];
    let lay = || {
        for file in files {
            let text = match file {
                "src/main.rs" => "fn main() {}\n".to_owned(),
                "Cargo.toml" => job.read("work/project/Cargo.toml"),
                _ => "1".to_owned(),
            };
            job.write(&format!("work/project/{file}"), &text);
        }
    };
    let times =
        || files.map(|file| fs::metadata(job.path("work/project").join(file)).unwrap().modified().unwrap());
    lay();
    job.build(&[]);
    let then = times();
    job.wipe();
    lay();
    let now = times();
    for freshness in [false, true] {
        let said = job.ok(&["restore", "--no-session", &format!("--freshness={freshness}")]);
        let expected = if freshness { [now[0], now[1], then[2], then[3], now[4]] } else { now };
        assert_eq!(times(), expected, "{freshness}: {}", said.log);
        assert_eq!(job.sh("cargo build --offline").contains("Compiling"), !freshness, "{}", said.log);
        job.wipe();
    }
}

#[test]
fn git_status_is_clean_after_a_restore() {
    let job = Job::new(PROGRAM);
    job.write("work/project/.gitignore", "/target\n");
    // What a script watches gets its time back.
    job.write("work/project/build.rs", "fn main() { println!(\"cargo:rerun-if-changed=src\"); }\n");
    job.sh("git init -q; git add -A; git -c user.name=n -c user.email=e commit -qm c");
    job.build(&[]);
    job.wipe();
    job.sh("rm -rf src Cargo.toml; git checkout -q -- .");
    job.ok(&["restore", "--no-session"]);
    job.sh("git diff-index --quiet HEAD");
    assert!(!job.sh("cargo build --offline").contains("Compiling"));
}

fn set_time(path: &Path, time: SystemTime) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_times(FileTimes::new().set_modified(time)).unwrap();
}

fn an_hour_ago() -> SystemTime {
    SystemTime::now() - Duration::from_secs(3600)
}

/// Writes a file that looks an hour old.
fn write_old(job: &Job, path: &str, text: &str) {
    job.write(path, text);
    set_time(&job.path(path), an_hour_ago());
}

#[test]
fn retargeted_symlink_is_a_change() {
    let job = Job::new(PROGRAM);
    let project = "work/project/src";
    job.write(&format!("{project}/main.rs"), "mod c;\nfn main() { print!(\"{}\", c::NUMBER) }\n");
    let lay = |to: &str| {
        job.write(&format!("{project}/a.rs"), "pub const NUMBER: u32 = 1;");
        job.write(&format!("{project}/b.rs"), "pub const NUMBER: u32 = 2;");
        job.sh(&format!("ln -sfn {to} src/c.rs"));
    };
    let number = || {
        job.sh("cargo build -q --offline; target/debug/small > $HOME/../number");
        job.read("number")
    };
    lay("a.rs");
    job.ok(&["restore"]);
    assert_eq!(number(), "1");
    job.ok(&["save"]);
    job.wipe();
    lay("a.rs");
    job.ok(&["restore", "--no-session"]);
    assert!(!job.sh("cargo build --offline").contains("Compiling"), "the link is as it was");
    job.wipe();
    lay("b.rs");
    job.ok(&["restore", "--no-session"]);
    assert_eq!(number(), "2");
}

#[test]
fn unknown_target_directory_is_built_as_without_the_cache() {
    let job = Job::new(PROGRAM);
    job.write("work/project/lib.rs", "pub const NUMBER: u32 = 2;");
    job.write(
        "work/project/src/main.rs",
        "#[path = \"../lib.rs\"]\nmod lib;\nfn main() { print!(\"{}\", lib::NUMBER) }\n",
    );
    job.build(&[]);
    // A workspace within, built from what the file was in the meantime, and left there.
    job.sh("mkdir -p tool/src; cp Cargo.toml Cargo.lock tool; echo '[workspace]' >> tool/Cargo.toml");
    job.write(
        "work/project/tool/src/main.rs",
        "#[path = \"../../lib.rs\"]\nmod lib;\nfn main() { print!(\"{}\", lib::NUMBER) }\n",
    );
    job.write("work/project/lib.rs", "pub const NUMBER: u32 = 1;");
    job.sh("cd tool; cargo build -q --offline");
    job.wipe();
    job.write("work/project/lib.rs", "pub const NUMBER: u32 = 2;");
    job.ok(&["restore", "--no-session"]);
    job.sh("cd tool; cargo build -q --offline; target/debug/small > $HOME/../number");
    assert_eq!(job.read("number"), "2");
}

#[test]
fn old_looking_sources_are_recompiled_without_notes_or_with_a_closed_directory() {
    let job = Job::new(PROGRAM);
    let main = "work/project/src/main.rs";
    for freshness in ["--freshness=false", "--freshness=true"] {
        job.write(main, "fn main() { print!(\"1\") }");
        job.ok(&["restore", freshness]);
        job.sh("touch src/main.rs; cargo build -q --offline");
        job.ok(&["save"]);
        job.wipe();
        write_old(&job, main, "fn main() { print!(\"2\") }");
        job.sh("mkdir -p closed; chmod 0 closed");
        job.ok(&["restore", "--no-session"]);
        job.sh("chmod 700 closed; cargo build -q --offline; target/debug/small > $HOME/../number");
        assert_eq!(job.read("number"), "2", "{freshness}");
        job.remove("root");
    }
}
