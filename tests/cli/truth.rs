//! A job with the cache gives what it gives on a fresh checkout without it: one test for each kind of input that cargo does not
//! see, or sees by times alone.

use crate::repository::{APP, HERE, RUN, Repository, THERE, assert_change_is_seen};

/// A macro that gives the text of a file beside the manifest of whoever calls it.
const READER: &str = "extern crate proc_macro;\nuse proc_macro::*;\n#[proc_macro]\npub fn text(input: TokenStream) -> TokenStream {\n\
    let directory = std::env::var(\"CARGO_MANIFEST_DIR\").unwrap();\n\
    let path = std::path::Path::new(&directory).join(input.to_string().trim_matches('\"'));\n\
    TokenTree::Literal(Literal::string(std::fs::read_to_string(path).unwrap_or_default().trim())).into()\n}\n";

#[test]
fn file_read_only_by_a_macro_or_script_is_an_input() {
    const WORKSPACE: &str = "[workspace]\nresolver = \"2\"\nmembers = [\"app\", \"mac\"]\n";
    const APP: &str = "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nmac.path = \"../mac\"\n";
    const MAC: &str =
        "[package]\nname = \"mac\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[lib]\nproc-macro = true\n";
    const PAGE: &str = "fn main() { println!(\"{}\", mac::text!(\"README.md\")) }\n";
    const BESIDE: &str = "fn main() { println!(\"{}\", mac::text!(\"../shared/x\")) }\n";
    let in_workspace = |main, path| {
        [
            ("Cargo.toml", WORKSPACE),
            ("app/Cargo.toml", APP),
            ("mac/Cargo.toml", MAC),
            ("mac/src/lib.rs", READER),
            ("app/src/main.rs", main),
            (path, "one"),
        ]
    };
    let reads = "fn main() { println!(\"cargo:rustc-env=V={}\", std::fs::read_to_string(\"x/Cargo.toml\").unwrap().trim()); }\n";
    let says = "fn main() { println!(\"{}\", env!(\"V\")) }\n";
    assert_change_is_seen("a page", &in_workspace(PAGE, "app/README.md"), "app/README.md", "two");
    assert_change_is_seen("a file of no package", &in_workspace(BESIDE, "shared/x"), "shared/x", "two");
    let template = [("build.rs", reads), ("src/main.rs", says), ("x/Cargo.toml", "one")];
    assert_change_is_seen("a template with a manifest that is none", &template, "x/Cargo.toml", "two");
    let linker = [
        (".cargo/config.toml", "[build]\nrustflags = [\"-Clink-arg=@link.args\"]\n"),
        ("link.args", "-Wl,--defsym=value=42"),
        (
            "src/main.rs",
            "unsafe extern \"C\" { static value: u8; }\nfn main() { println!(\"{}\", &raw const value as usize) }\n",
        ),
    ];
    assert_change_is_seen("a list of arguments", &linker, "link.args", "-Wl,--defsym=value=43");
}

#[test]
fn absolute_paths_to_another_workspace_force_a_rebuild() {
    let mut repository = Repository::new(
        &[
            (
                "src/main.rs",
                "fn main() { println!(\"{}\", std::fs::read_to_string(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/x\")).unwrap()) }\n",
            ),
            ("src/lib.rs", "pub fn apart() {}\n"),
            ("x", "one"),
        ],
        RUN,
    );
    repository.run(HERE);
    repository.edit("x", Some("two"));
    let (said, log) = repository.run(THERE);
    assert_eq!(said, "two\nok\n", "{log}");
    assert!(log.contains("1 of 2 left out") || log.contains("they contain another path"), "{log}");
    repository.job.remove("work");
    assert_eq!(repository.assert_true(THERE), "two\nok\n");
}

#[test]
fn libraries_without_a_hash_are_bound_and_have_inputs() {
    let manifest = format!("{APP}[lib]\ncrate-type = [\"cdylib\", \"rlib\"]\n");
    let files = [
        ("Cargo.toml", &*Box::leak(manifest.into_boxed_str())),
        (
            "src/lib.rs",
            "pub fn told() -> String { std::fs::read_to_string(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/x\")).unwrap() }\n",
        ),
        (
            "src/main.rs",
            "fn main() { println!(\"{}{}\", app::told(), option_env!(\"SAID\").unwrap_or_default()) }\n",
        ),
        ("x", "one"),
    ];
    let mut repository = Repository::new(&files, RUN);
    repository.run(HERE);
    repository.edit("x", Some("two"));
    assert_eq!(repository.run(THERE).0, "two\nok\n");
    repository.job.remove("work");
    assert_eq!(repository.assert_true(THERE), "two\nok\n");
    // What cargo watches of it is known.
    repository.edit(
        "src/lib.rs",
        Some("pub fn told() -> String { include_str!(\"../x\").to_owned() + option_env!(\"SAID\").unwrap_or_default() }\n"),
    );
    assert_eq!(repository.assert_true(THERE), "two\nok\n");
    repository.edit("x", Some("three"));
    assert_eq!(repository.assert_true(THERE), "three\nok\n");
}

#[test]
fn paths_anywhere_in_the_output_of_a_script_bind() {
    for path in ["fingerprint/root.rs", "gen/out/root.d"] {
        let script = format!(
            "fn main() {{\n    println!(\"cargo:rerun-if-changed=build.rs\");\n    \
             let path = std::path::Path::new(&std::env::var(\"OUT_DIR\").unwrap()).join(\"{path}\");\n    \
             std::fs::create_dir_all(path.parent().unwrap()).unwrap();\n    \
             std::fs::write(path, format!(\"pub const ROOT: &str = {{:?}};\", std::env::var(\"CARGO_MANIFEST_DIR\").unwrap())).unwrap();\n}}\n"
        );
        let main = format!(
            "include!(concat!(env!(\"OUT_DIR\"), \"/{path}\"));\n\
             fn main() {{ println!(\"{{}}\", std::fs::read_to_string(format!(\"{{ROOT}}/x\")).unwrap()) }}\n"
        );
        let files = [
            ("build.rs", &*Box::leak(script.into_boxed_str())),
            ("src/main.rs", &*Box::leak(main.into_boxed_str())),
            ("x", "one"),
        ];
        let mut repository = Repository::new(&files, RUN);
        repository.run(HERE);
        repository.job.remove("work");
        assert_eq!(repository.assert_true(THERE), "one\nok\n", "{path}");
    }
}

#[test]
fn build_script_reruns_when_it_wrote_outside_its_output_directory() {
    let script = |tell: &str| {
        format!(
            "use std::{{env, fs, path::PathBuf}};\nfn main() {{\n    println!(\"cargo:rerun-if-changed=build.rs\");\n    {tell}\n}}\n"
        )
    };
    let into_source = script(
        "fs::create_dir_all(\"src/made\").unwrap(); fs::write(\"src/made/mod.rs\", \"pub const V: u8 = 1;\").unwrap();",
    );
    let by_link = script(
        "let out = PathBuf::from(env::var(\"OUT_DIR\").unwrap()); fs::write(out.join(\"x\"), \"1\").unwrap();\n    \
         let beside = out.ancestors().find(|above| above.ends_with(\"debug\")).unwrap().join(\"x.txt\"); let _ = fs::remove_file(&beside); fs::hard_link(out.join(\"x\"), beside).unwrap();",
    );
    let unpacked = script(
        "fs::create_dir_all(\"data\").unwrap(); fs::write(\"data/x\", \"1\").unwrap();\n    \
         fs::File::options().write(true).open(\"data/x\").unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();",
    );
    let into_assets = script(
        "let out = PathBuf::from(env::var(\"OUT_DIR\").unwrap()); let assets = out.ancestors().find(|above| above.ends_with(\"target\")).unwrap().join(\"assets/doc\");\n    \
         fs::create_dir_all(&assets).unwrap(); fs::write(assets.join(\"x\"), \"1\").unwrap();",
    );
    for (script, main, probe) in [
        // Documentation does not come back, but what only has its name does.
        (
            into_assets,
            "fn main() {}\n",
            "cargo doc -q --offline; cargo build -q --offline; cat target/assets/doc/x",
        ),
        (into_source, "mod made;\nfn main() { println!(\"{}\", made::V) }\n", RUN),
        (by_link, "fn main() {}\n", "cargo build -q --offline; cat target/debug/x.txt"),
        (unpacked, "fn main() {}\n", "cargo build -q --offline; cat data/x"),
    ] {
        let script: &'static str = Box::leak(script.into_boxed_str());
        let mut repository =
            Repository::new(&[("build.rs", script), ("src/main.rs", main), ("notes", "one")], probe);
        repository.run(HERE);
        repository.edit("notes", Some("two"));
        assert!(repository.assert_true(HERE).starts_with('1'), "{script}");
    }
}

#[test]
fn output_directory_is_empty_when_a_build_script_reruns() {
    let script = "fn main() {\n    println!(\"cargo:rerun-if-changed=x\");\n    \
         std::fs::create_dir(std::env::var(\"OUT_DIR\").unwrap() + \"/made\").unwrap();\n}\n";
    let mut repository =
        Repository::new(&[("build.rs", script), ("src/main.rs", "fn main() {}\n"), ("x", "one")], RUN);
    repository.run(HERE);
    repository.edit("x", Some("two"));
    assert_eq!(repository.assert_true(HERE), "ok\n");
}

#[test]
fn restore_brings_nothing_a_clean_build_would_not_make() {
    let mut repository = Repository::new(
        &[
            ("src/main.rs", "fn main() {}\n"),
            (
                "tests/t.rs",
                "#[test]\nfn t() { std::fs::write(concat!(env!(\"CARGO_TARGET_TMPDIR\"), \"/x\"), \"\").unwrap() }\n",
            ),
        ],
        "test -e target/debug/app && echo old; ls target/report 2>/dev/null; ls target/tmp 2>/dev/null; cargo test -q --offline >/dev/null && mkdir -p target/report && touch target/report/x",
    );
    repository.run(HERE);
    assert_eq!(repository.assert_true(HERE), "ok\n");
}

#[test]
fn program_modified_after_the_build_is_rebuilt() {
    let mut repository = Repository::new(
        &[("src/main.rs", "fn main() {}\n")],
        "cargo build -q --offline; tail -c 4 target/debug/app | grep -c more",
    );
    repository.run(HERE);
    repository.probe = "cargo build -q --offline; tail -c 4 target/debug/app | grep -c more; printf more >>target/debug/app; true";
    let first = repository.run(HERE).0;
    assert_eq!(first, "0\nok\n");
    assert_eq!(repository.assert_true(HERE), "0\nok\n");
}

/// Some linkers, such as mold and wild, write over what they linked before.
#[test]
fn in_place_linker_changes_no_entry() {
    let mut repository = Repository::new(
        &[
            ("src/lib.rs", "pub fn one() -> u8 { 1 }\n"),
            ("tests/t.rs", "#[test]\nfn t() { assert_eq!(app::one(), 1) }\n"),
        ],
        "cargo test -q --offline --test t >/dev/null",
    );
    repository.run(HERE);
    repository.check_out(HERE);
    repository.job.ok(&["restore", "--no-session", "--link-mode", "hardlink"]);
    // As such a linker does it: the inode stays.
    repository.job.sh("for file in $(find target/debug/deps target/debug/build -type f -perm -100); do echo broken >\"$file\"; done");
    let (said, log) = repository.run(HERE);
    assert_eq!(said, "ok\n", "{log}");
    assert!(log.contains("target  exact"), "{log}");
}

#[test]
fn units_built_with_a_clock_ahead_are_recompiled() {
    let mut repository = Repository::new(&[("src/main.rs", "fn main() { println!(\"one\") }\n")], RUN);
    repository.check_out(HERE);
    repository.job.ok(&["restore"]);
    repository.job.sh("cargo build -q --offline; find target -exec touch -d '+1 hour' {} +");
    repository.job.ok(&["save"]);
    repository.edit("src/main.rs", Some("fn main() { println!(\"two\") }\n"));
    assert_eq!(repository.assert_true(HERE), "two\nok\n");
}

#[test]
fn source_changed_after_the_build_invalidates_its_unit() {
    let mut repository = Repository::new(&[("src/main.rs", "fn main() { println!(\"one\") }\n")], RUN);
    repository.check_out(HERE);
    repository.job.ok(&["restore"]);
    repository.job.sh("cargo build -q --offline; echo 'fn main() { println!(\"two\") }' >new; touch -d '-1 hour' new; mv new src/main.rs");
    repository.job.ok(&["save"]);
    repository.edit("src/main.rs", Some("fn main() { println!(\"two\") }\n"));
    assert_eq!(repository.assert_true(HERE), "two\nok\n");
}

#[test]
fn restore_drops_libraries_of_another_package_version() {
    let probe = "cargo build -q --offline; find target/debug/deps target/debug/build -name 'libapp-*.rlib' 2>/dev/null | wc -l";
    let mut repository = Repository::new(&[("src/lib.rs", "pub fn one() {}\n")], probe);
    repository.run(HERE);
    repository
        .edit("Cargo.toml", Some("[package]\nname = \"app\"\nversion = \"0.2.0\"\nedition = \"2021\"\n"));
    assert_eq!(repository.assert_true(HERE), "1\nok\n");
}

#[test]
fn restore_drops_libraries_of_other_profile_settings() {
    let probe = "cargo build -q --offline; find target/debug/deps target/debug/build -name 'libapp-*.rlib' 2>/dev/null | wc -l";
    let mut repository = Repository::new(&[("src/lib.rs", "pub fn one() {}\n")], probe);
    repository.run(HERE);
    repository.edit(
        "Cargo.toml",
        Some("[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[profile.dev]\nopt-level = 1\n"),
    );
    assert_eq!(repository.assert_true(HERE), "1\nok\n");
}

#[test]
fn file_reading_macros_stay_known_across_changes_elsewhere() {
    const WORKSPACE: &str = "[workspace]\nresolver = \"2\"\nmembers = [\"app\", \"mac\", \"other\"]\n";
    const APP: &str = "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nmac.path = \"../mac\"\n";
    const MAC: &str =
        "[package]\nname = \"mac\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[lib]\nproc-macro = true\n";
    const OTHER: &str = "[package]\nname = \"other\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";
    let mut repository = Repository::new(
        &[
            ("Cargo.toml", WORKSPACE),
            ("app/Cargo.toml", APP),
            ("app/src/main.rs", "fn main() { println!(\"{}\", mac::text!(\"README.md\")) }\n"),
            ("app/README.md", "one"),
            ("mac/Cargo.toml", MAC),
            ("mac/src/lib.rs", READER),
            ("other/Cargo.toml", OTHER),
            ("other/src/lib.rs", "pub fn one() {}\n"),
        ],
        "cargo build --offline --workspace 2>&1 | grep -c Compiling; cargo run -q --offline -p app",
    );
    assert_eq!(repository.run(HERE).0, "3\none\nok\n");
    repository.edit("other/src/lib.rs", Some("pub fn two() {}\n"));
    assert_eq!(repository.run(HERE).0, "1\none\nok\n");
    // What the job before took over is still known.
    let (said, log) = repository.run(HERE);
    assert_eq!(said, "0\none\nok\n", "{log}");
    repository.edit("app/README.md", Some("two"));
    assert_eq!(repository.run(HERE).0, "1\ntwo\nok\n");
}

#[test]
fn what_the_user_declares_is_an_input_of_every_unit() {
    let script = "fn main() {\n    println!(\"cargo:rerun-if-changed=build.rs\");\n    let name = [\"KIND\", \"OF\", \"BUILD\"].join(\"_\");\n    \
        let kind = std::env::var(name).unwrap_or_default() + std::fs::read_to_string([\"kind\", \"txt\"].join(\".\")).unwrap().trim();\n    \
        println!(\"cargo:rustc-env=V={kind}\");\n}\n";
    let files = [
        ("build.rs", script),
        ("src/main.rs", "fn main() { println!(\"{}\", env!(\"V\")) }\n"),
        ("kind.txt", "a"),
    ];
    let mut repository = Repository::new(&files, RUN);
    let mut run = |variable: &str, file: &'static str| {
        repository.edit("kind.txt", Some(file));
        repository.check_out(HERE);
        repository.job.set("KIND_OF_BUILD", variable);
        repository.job.ok(&["restore", "--key-env", "KIND_OF_BUILD", "--key-files", "kind.txt"]);
        let said = repository.job.sh(&format!("{RUN} >&2"));
        repository.job.ok(&["save"]);
        said
    };
    for (variable, file) in [("1", "a"), ("2", "a"), ("2", "b"), ("1", "a")] {
        assert!(run(variable, file).contains(&format!("{variable}{file}")), "{variable} {file}");
    }
}
