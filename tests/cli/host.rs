//! What of the host gets into what is built, although no list of cargo's has it.

use crate::repository::{HERE, RUN, Repository, assert_change_is_seen};

const SAYS: &str = "fn main() { println!(\"{}\", env!(\"V\")) }\n";

/// A script that names itself and tells what `expression` is.
fn telling(expression: &str) -> &'static str {
    let script = format!(
        "fn main() {{\n    println!(\"cargo:rerun-if-changed=build.rs\");\n    let v: String = {expression};\n    \
         println!(\"cargo:rustc-env=V={{}}\", v.trim());\n}}\n"
    );
    Box::leak(script.into_boxed_str())
}

fn tool(repository: &Repository, says: &str) {
    repository.job.write("bin/idlc", &format!("#!/bin/sh\necho {says}\n"));
    repository.job.sh("chmod +x ../../bin/idlc");
}

#[test]
fn program_run_by_a_build_script_is_an_input() {
    let script =
        telling("String::from_utf8(std::process::Command::new(\"idlc\").output().unwrap().stdout).unwrap()");
    let mut repository = Repository::new(&[("build.rs", script), ("src/main.rs", SAYS)], RUN);
    repository.job.path_first("bin");
    repository.check_out(HERE);
    tool(&repository, "one");
    assert_eq!(repository.run(HERE).0, "one\nok\n");
    let (said, log) = repository.run(HERE);
    assert_eq!((&*said, log.contains("left out")), ("one\nok\n", false), "{log}");
    tool(&repository, "two");
    let (said, log) = repository.run(HERE);
    assert_eq!(said, "two\nok\n", "{log}");
    assert!(log.contains("programs they may run changed (`idlc`)"), "{log}");
}

#[test]
fn undeclared_environment_variable_is_an_input() {
    let script = telling("std::env::var(\"APP_VERSION\").unwrap_or_default()");
    let mac = "extern crate proc_macro;\nuse proc_macro::*;\n#[proc_macro]\npub fn var(input: TokenStream) -> TokenStream {\n\
        TokenTree::Literal(Literal::string(&std::env::var(input.to_string()).unwrap_or_default())).into()\n}\n";
    let with_macro = [
        ("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"app\", \"mac\"]\n"),
        (
            "app/Cargo.toml",
            "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nmac.path = \"../mac\"\n",
        ),
        (
            "mac/Cargo.toml",
            "[package]\nname = \"mac\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[lib]\nproc-macro = true\n",
        ),
        ("mac/src/lib.rs", mac),
        ("app/src/main.rs", "fn main() { println!(\"{}\", mac::var!(APP_VERSION)) }\n"),
    ];
    for files in [&[("build.rs", script), ("src/main.rs", SAYS)][..], &with_macro] {
        let mut repository = Repository::new(files, RUN);
        repository.job.set("APP_VERSION", "1");
        assert_eq!(repository.run(HERE).0, "1\nok\n");
        repository.job.set("APP_VERSION", "2");
        let (said, log) = repository.run(HERE);
        assert_eq!(said, "2\nok\n", "{log}");
        assert!(log.contains("variables they may read changed (`APP_VERSION`)"), "{log}");
    }
}

#[test]
fn program_run_by_a_build_script_is_found_however_it_is_linked() {
    let script =
        telling("String::from_utf8(std::process::Command::new(\"idlc\").output().unwrap().stdout).unwrap()");
    for flags in [
        // Addresses are numbers in instructions.
        "-C relocation-model=static",
        // Of tables of pointers only the places are listed.
        "-C link-arg=-Wl,-z,pack-relative-relocs",
        "-C strip=symbols",
        "-C opt-level=3 -C lto=off",
    ] {
        let config = format!("[build]\nrustflags = {:?}\n", flags.split(' ').collect::<Vec<_>>()).leak();
        let files = [(".cargo/config.toml", &*config), ("build.rs", script), ("src/main.rs", SAYS)];
        let mut repository = Repository::new(&files, RUN);
        repository.job.path_first("bin");
        repository.check_out(HERE);
        tool(&repository, "one");
        assert_eq!(repository.run(HERE).0, "one\nok\n", "{flags}");
        tool(&repository, "two");
        assert_eq!(repository.run(HERE).0, "two\nok\n", "{flags}");
    }
}

#[test]
fn undeclared_file_read_by_a_build_script_is_an_input() {
    let names_a_variable = "fn main() {\n    println!(\"cargo:rerun-if-env-changed=X\");\n    \
         println!(\"cargo:rustc-env=V={}\", std::fs::read_to_string(\"x\").unwrap());\n}\n";
    let names_nothing =
        "fn main() { println!(\"cargo:rustc-env=V={}\", std::fs::read_to_string(\"../x\").unwrap()) }\n";
    let names_another = "fn main() {\n    println!(\"cargo:rerun-if-changed=c/a.c\");\n    let x = [\"x\", \"h\"].join(\".\");\n    \
         println!(\"cargo:rustc-env=V={}\", std::fs::read_to_string(format!(\"c/{x}\")).unwrap());\n}\n";
    let single =
        |script| [("build.rs", script), ("src/main.rs", SAYS), ("x", "one"), ("c/a.c", ""), ("c/x.h", "one")];
    assert_change_is_seen("a script that names variables only", &single(names_a_variable), "x", "two");
    assert_change_is_seen("a header beside what is named", &single(names_another), "c/x.h", "two");
    let beside = [
        ("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"app\"]\n"),
        ("app/Cargo.toml", "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
        ("app/build.rs", names_nothing),
        ("app/src/main.rs", SAYS),
        ("x", "one"),
    ];
    assert_change_is_seen("a path that a script tells by its texts", &beside, "x", "two");
}

#[test]
fn variable_of_compilers_is_an_input_of_scripts_and_programs() {
    let script = "use std::process::Command;\nfn main() {\n    println!(\"cargo:rerun-if-changed=build.rs\");\n    \
         let said = Command::new(\"sh\").args([\"-c\", \"echo '#include <v.h>\\nV' | cc -E -P -\"]).output().unwrap().stdout;\n    \
         println!(\"cargo:rustc-env=V={}\", String::from_utf8(said).unwrap().trim());\n}\n";
    let mut repository = Repository::new(&[("build.rs", script), ("src/main.rs", SAYS)], RUN);
    for version in ["one", "two"] {
        repository.job.write(&format!("sdk/{version}/v.h"), &format!("#define V {version}\n"));
    }
    for version in ["one", "two"] {
        let directory = repository.job.path(&format!("sdk/{version}")).display().to_string();
        repository.job.set("CPATH", directory);
        assert_eq!(repository.run(HERE).0, format!("{version}\nok\n"));
    }
}

#[test]
fn file_elsewhere_that_changed_after_the_build_makes_nothing_fresh() {
    let mut repository = Repository::new(&[], RUN);
    let outside = repository.job.path("sdk/version").display().to_string();
    let main = format!("fn main() {{ println!(\"{{}}\", include_str!(\"{outside}\")) }}\n");
    repository.edit("src/main.rs", Some(Box::leak(main.into_boxed_str())));
    repository.job.write("sdk/version", "one");
    repository.check_out(HERE);
    repository.job.ok(&["restore"]);
    repository.job.sh("cargo build -q --offline");
    repository.job.write("sdk/version", "two");
    repository.job.ok(&["save"]);
    assert_eq!(repository.run(HERE).0, "two\nok\n");
}

#[test]
fn tool_with_the_time_of_all_tools_is_known_by_its_contents() {
    let script = "fn main() {\n    println!(\"cargo:rerun-if-changed=build.rs\");\n    \
         let said = std::process::Command::new(\"idlc\").output().unwrap().stdout;\n    \
         println!(\"cargo:rustc-env=V={}\", String::from_utf8(said).unwrap().trim());\n}\n";
    let mut repository = Repository::new(&[("build.rs", script), ("src/main.rs", SAYS)], RUN);
    repository.job.path_first("bin");
    for version in ["one", "two"] {
        repository.job.write("bin/idlc", &format!("#!/bin/sh\necho {version}\n"));
        repository.check_out(HERE);
        repository.job.sh("chmod +x ../../bin/idlc; touch -d @1 ../../bin/idlc");
        assert_eq!(repository.run(HERE).0, format!("{version}\nok\n"));
    }
}

#[test]
fn new_clippy_configuration_is_an_input() {
    let files = [(
        "src/main.rs",
        "fn main() { let f = |_a: u8, _b: u8| (); f(1, 2); g(1, 2) }\nfn g(_a: u8, _b: u8) {}\n",
    )];
    let mut repository = Repository::new(&files, "cargo clippy -q --offline -- -D warnings");
    assert_eq!(repository.run(HERE).0, "ok\n");
    repository.edit("clippy.toml", Some("too-many-arguments-threshold = 1\n"));
    assert_eq!(repository.assert_true(HERE), "failed\n");
}
