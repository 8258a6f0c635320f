//! What compilers, macros and scripts write beside their products. A fresh checkout has none of it before a build, and what another
//! step made of it is gone.

use crate::repository::{HERE, RUN, Repository};

const IGNORE: (&str, &str) = (".gitignore", "target\nmade*\n");
const MAIN: (&str, &str) = ("src/main.rs", "fn main() {}\n");

/// A job with more sources, of which the units know nothing, gives what it gives without the cache.
#[track_caller]
fn assert_made_again(files: &[(&'static str, &'static str)], probe: &'static str) {
    let mut repository = Repository::new(files, probe);
    let before = repository.run(HERE).0;
    assert!(before.ends_with("ok\n"), "{probe}: {before}{}", repository.job.read("errors"));
    // Any other file would be an input of what a macro made.
    repository.edit("more.rs", Some(""));
    assert_eq!(repository.assert_true(HERE), before);
}

fn script(body: &str) -> &'static str {
    let script =
        format!("fn main() {{\n    println!(\"cargo:rerun-if-changed=build.rs\");\n    {body}\n}}\n");
    Box::leak(script.into_boxed_str())
}

#[test]
fn what_the_compiler_and_the_linker_write_into_the_checkout_is_made_again() {
    let linker = "#!/bin/sh\ncc \"$@\" && echo linked > made.txt\n";
    let config = "[target.x86_64-unknown-linux-gnu]\nlinker = \"tools/linkcc\"\n";
    assert_made_again(
        &[IGNORE, MAIN, (".cargo/config.toml", config), ("tools/linkcc", linker)],
        "chmod +x tools/linkcc && cargo build -q --offline && cat made.txt",
    );
    let wrapper = "#!/bin/sh\nmkdir -p made && echo compiled > made/report && exec \"$@\"\n";
    let config = "[build]\nrustc-workspace-wrapper = \"tools/wrap\"\n";
    assert_made_again(
        &[IGNORE, MAIN, (".cargo/config.toml", config), ("tools/wrap", wrapper)],
        "chmod +x tools/wrap && cargo build -q --offline && cat made/report",
    );
    assert_made_again(
        &[IGNORE, MAIN],
        "cargo rustc -q --offline -- -Clink-arg=-Wl,-Map=made.map && test -s made.map",
    );
}

#[test]
fn what_a_macro_writes_into_the_checkout_is_made_again() {
    for place in ["client/made.rs", "web/node_modules/made.ts"] {
        let library = format!(
            "use proc_macro::TokenStream;\n#[proc_macro]\npub fn write(_: TokenStream) -> TokenStream {{\n    \
             let path = std::path::Path::new(&std::env::var(\"CARGO_MANIFEST_DIR\").unwrap()).join(\"../{place}\");\n    \
             std::fs::create_dir_all(path.parent().unwrap()).unwrap();\n    std::fs::write(path, \"made\\n\").unwrap();\n    \
             TokenStream::new()\n}}\n"
        );
        let files = [
            (".gitignore", "target\nmade*\nnode_modules\n"),
            ("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"app\", \"own-macro\"]\n"),
            ("client/readme", ""),
            ("web/readme", ""),
            (
                "app/Cargo.toml",
                "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nown-macro = { path = \"../own-macro\" }\n",
            ),
            ("app/src/main.rs", "own_macro::write!();\nfn main() {}\n"),
            (
                "own-macro/Cargo.toml",
                "[package]\nname = \"own-macro\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[lib]\nproc-macro = true\n",
            ),
            ("own-macro/src/lib.rs", &*Box::leak(library.into_boxed_str())),
        ];
        let probe = format!("cargo build -q --offline && cat {place}");
        assert_made_again(&files, Box::leak(probe.into_boxed_str()));
    }
}

#[test]
fn what_a_script_installs_beside_what_it_rewrites_is_made_again() {
    let install = script(
        "std::fs::create_dir_all(\"web/node_modules\").unwrap();\n    std::fs::write(\"web/node_modules/x\", \"x\\n\").unwrap();\n    \
         std::fs::write(\"web/lock\", \"lock\\n\").unwrap();",
    );
    assert_made_again(
        &[(".gitignore", "target\nnode_modules\n"), MAIN, ("build.rs", install), ("web/lock", "lock\n")],
        "cargo build -q --offline && cat web/node_modules/x",
    );
    let remove = script(
        "let _ = std::fs::remove_file(\"gen/old\");\n    std::fs::write(\"gen/kept\", \"kept\\n\").unwrap();",
    );
    assert_made_again(
        &[MAIN, ("build.rs", remove), ("gen/old", ""), ("gen/kept", "kept\n")],
        "cargo build -q --offline && ls gen",
    );
}

#[test]
fn what_a_script_writes_under_a_product_s_name_is_there() {
    let page = script("std::fs::write(\"target/debug/app.js\", \"page\\n\").unwrap();");
    assert_made_again(&[MAIN, ("build.rs", page)], "cargo build -q --offline && cat target/debug/app.js");
    let library = script("std::fs::write(\"target/debug/libapp.so\", \"so\\n\").unwrap();");
    assert_made_again(
        &[MAIN, ("build.rs", library), ("src/lib.rs", "")],
        "cargo build -q --offline && cat target/debug/libapp.so",
    );
}

#[test]
fn what_a_script_writes_where_tests_do_is_made_again() {
    let write = script(
        "std::fs::create_dir_all(\"target/tmp\").unwrap();\n    std::fs::write(\"target/tmp/x\", \"x\\n\").unwrap();",
    );
    assert_made_again(&[MAIN, ("build.rs", write)], "cargo build -q --offline && cat target/tmp/x");
}

#[test]
fn what_another_step_made_of_a_script_s_file_is_gone() {
    let write = script("std::fs::write(\"target/state\", \"0\\n\").unwrap();");
    assert_made_again(
        &[MAIN, ("build.rs", write)],
        "cargo build -q --offline && cat target/state && echo 1 >>target/state",
    );
}

#[test]
fn libraries_that_replace_each_other_are_made_again() {
    const MANIFESTS: [&str; 2] = [
        "[package]\nname = \"one\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[lib]\nname = \"plug\"\ncrate-type = [\"cdylib\"]\n",
        "[package]\nname = \"two\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[lib]\nname = \"plug\"\ncrate-type = [\"cdylib\"]\n",
    ];
    const SOURCES: [&str; 2] = [
        "#[unsafe(no_mangle)]\npub extern \"C\" fn f() -> *const u8 { b\"MARK-one\\0\".as_ptr() }\n",
        "#[unsafe(no_mangle)]\npub extern \"C\" fn f() -> *const u8 { b\"MARK-two\\0\".as_ptr() }\n",
    ];
    let files = [
        ("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"one\", \"two\"]\n"),
        ("one/Cargo.toml", MANIFESTS[0]),
        ("one/src/lib.rs", SOURCES[0]),
        ("two/Cargo.toml", MANIFESTS[1]),
        ("two/src/lib.rs", SOURCES[1]),
    ];
    let mut repository = Repository::new(
        &files,
        "for name in one two; do cargo build -q --offline -p $name && grep -ao 'MARK-[a-z]*' target/debug/libplug.so | head -1; done",
    );
    assert_eq!(repository.run(HERE).0, "MARK-one\nMARK-two\nok\n");
    repository.edit("more", Some("text"));
    assert_eq!(repository.assert_true(HERE), "MARK-one\nMARK-two\nok\n");
}

/// One comes with the entry of a job that did not build the other.
#[test]
fn library_that_another_one_replaced_after_a_restore_is_made_again() {
    let package = |name: &str| {
        let text = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[lib]\nname = \"plug\"\ncrate-type = [\"cdylib\"]\n"
        );
        &*Box::leak(text.into_boxed_str())
    };
    let source = |name: &str| {
        let text = format!(
            "#[unsafe(no_mangle)]\npub extern \"C\" fn f() -> *const u8 {{ b\"MARK-{name}\\0\".as_ptr() }}\n"
        );
        &*Box::leak(text.into_boxed_str())
    };
    let files = [
        ("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"one\", \"two\"]\n"),
        ("one/Cargo.toml", package("one")),
        ("one/src/lib.rs", source("one")),
        ("two/Cargo.toml", package("two")),
        ("two/src/lib.rs", source("two")),
        ("built", "one"),
    ];
    let mut repository = Repository::new(
        &files,
        "for name in $(cat built); do cargo build -q --offline -p $name && grep -ao 'MARK-[a-z]*' target/debug/libplug.so | head -1; done",
    );
    for built in ["one", "one two", "one"] {
        repository.edit("built", Some(built));
        let said = repository.assert_true(HERE);
        let marks: Vec<_> = said.lines().filter_map(|line| line.strip_prefix("MARK-")).collect();
        assert_eq!(marks.join(" "), built);
    }
}

#[test]
fn what_nobody_wrote_beside_compiles_nothing() {
    let mut repository = Repository::new(&[MAIN, ("build.rs", script(""))], RUN);
    repository.run(HERE);
    repository.edit("more", Some("text"));
    let (_, log) = repository.run(HERE);
    assert!(!log.contains("left out"), "{log}");
}
