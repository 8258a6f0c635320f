//! What gets into a unit although no list of cargo's has it, or has it only by a name: files that scripts take beside what they
//! name, that the linker finds by itself, that lie in the target directory or behind links, and what cargo is told elsewhere.

use crate::repository::{
    APP, HERE, RUN, Repository, SAYS, WORKSPACE, assert_change_is_seen, assert_tool_is_seen,
};

const SAYS_ADDRESS: &str =
    "unsafe extern \"C\" { static value: u8; }\nfn main() { println!(\"{}\", &raw const value as usize) }\n";

/// A script that names `watched` and tells what `expression` is.
fn telling(watched: &str, expression: &str) -> &'static str {
    let script = format!(
        "fn main() {{\n    println!(\"cargo:rerun-if-changed={watched}\");\n    let v: String = {expression};\n    \
         println!(\"cargo:rustc-env=V={{}}\", v.split_whitespace().last().unwrap_or(\"none\"));\n}}\n"
    );
    Box::leak(script.into_boxed_str())
}

fn compiled_from(place: &str, flags: &str) -> String {
    format!(
        "String::from_utf8(std::process::Command::new(\"cc\").args({flags:?}.split(' ')).arg(\"{place}\").output().unwrap().stdout).unwrap()"
    )
}

/// The program of `files` says what a step before the restore writes into `path`, after which it does `more`.
#[track_caller]
fn assert_step_before_is_seen(files: &[(&'static str, &'static str)], path: &str, more: &str) {
    let mut repository = Repository::new(files, RUN);
    for version in ["one", "two"] {
        repository.check_out(HERE);
        repository.job.write(&format!("{HERE}/{path}"), version);
        repository.job.sh(more);
        repository.job.ok(&["restore"]);
        assert_eq!(repository.job.sh("cargo run -q --offline 1>&2"), format!("{version}\n"));
        repository.job.ok(&["save"]);
    }
}

#[test]
fn what_a_script_takes_beside_what_it_names_is_an_input() {
    let headers = telling("csrc/a.c", &compiled_from("csrc/a.c", "-E -P -Iinclude"));
    let files = [
        ("build.rs", headers),
        ("src/main.rs", SAYS),
        ("csrc/a.c", "#include \"x.h\"\n"),
        ("include/x.h", "one\n"),
    ];
    assert_change_is_seen("a header elsewhere in the package", &files, "include/x.h", "two\n");
    let counting = telling(
        "a.proto",
        "std::fs::read_dir(\".\").unwrap().filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|is| is == \"proto\")).count().to_string()",
    );
    let files = [("build.rs", counting), ("src/main.rs", SAYS), ("a.proto", "")];
    assert_change_is_seen("one more of a kind in the package's directory", &files, "b.proto", "");
}

#[test]
fn what_a_script_has_the_mere_name_of_is_an_input() {
    for (read, path) in [
        ("std::fs::read_to_string(\"VERSION\").unwrap()", "VERSION"),
        (
            "std::fs::read_to_string(std::fs::read_dir(\"templates/\").unwrap().next().unwrap().unwrap().path()).unwrap()",
            "templates/a",
        ),
        (
            "std::fs::read_to_string(std::path::Path::new(&std::env::var(\"CARGO_MANIFEST_DIR\").unwrap()).join(\"data\").join(\"x\")).unwrap()",
            "data/x",
        ),
    ] {
        let files = [("build.rs", telling("build.rs", read)), ("src/main.rs", SAYS), (path, "one")];
        assert_change_is_seen(path, &files, path, "two");
    }
}

#[test]
fn what_a_line_for_a_shell_names_is_an_input() {
    let line = |line: &str| {
        let run =
            format!("std::process::Command::new(\"sh\").args([\"-c\", {line:?}]).output().unwrap().stdout");
        telling("build.rs", &format!("String::from_utf8({run}).unwrap()"))
    };
    let mut repository =
        Repository::new(&[("build.rs", line("idlc --version | head -1")), ("src/main.rs", SAYS)], RUN);
    repository.job.path_first("bin");
    assert_tool_is_seen(&mut repository, "bin/idlc");
    let mut repository =
        Repository::new(&[("build.rs", line("echo ${APP_FLAVOR}")), ("src/main.rs", SAYS)], RUN);
    for flavor in ["one", "two"] {
        repository.job.set("APP_FLAVOR", flavor);
        assert_eq!(repository.run(HERE).0, format!("{flavor}\nok\n"));
    }
}

#[test]
fn tool_that_a_declared_variable_names_is_an_input() {
    let script = "fn main() {\n    println!(\"cargo:rerun-if-env-changed=PROTOC\");\n    \
        let said = std::process::Command::new(std::env::var(\"PROTOC\").unwrap()).output().unwrap().stdout;\n    \
        println!(\"cargo:rustc-env=V={}\", String::from_utf8(said).unwrap().trim());\n}\n";
    let mut repository = Repository::new(&[("build.rs", script), ("src/main.rs", SAYS)], RUN);
    let tool = repository.job.path("sdk/protoc");
    repository.job.set("PROTOC", tool.display());
    assert_tool_is_seen(&mut repository, "sdk/protoc");
}

#[test]
fn what_the_linker_finds_by_itself_is_an_input() {
    let config = "[build]\nrustflags = [\"-Crelocation-model=static\"]\n";
    let script = "fn main() {\n    println!(\"cargo:rerun-if-changed=build.rs\");\n    \
        println!(\"cargo:rustc-link-search=native={}/ld\", std::env::var(\"CARGO_MANIFEST_DIR\").unwrap());\n    \
        println!(\"cargo:rustc-link-arg-bins=-Wl,-Tvalues.ld\");\n}\n";
    let value = |number: u8| {
        let text = format!("value = {number}; SECTIONS {{ .none : {{ }} }} INSERT AFTER .bss;\n");
        &*Box::leak(text.into_boxed_str())
    };
    let files = [
        (".cargo/config.toml", config),
        ("build.rs", script),
        ("ld/values.ld", value(5)),
        ("src/main.rs", SAYS_ADDRESS),
    ];
    assert_change_is_seen("a script in a directory that is searched", &files, "ld/values.ld", value(6));
    let named = "[build]\nrustflags = [\"-Crelocation-model=static\", \"-Clink-arg=@arguments\"]\n";
    let files =
        [(".cargo/config.toml", named), ("arguments", "-Wl,--defsym=value=5"), ("src/main.rs", SAYS_ADDRESS)];
    assert_change_is_seen("a name without a dot", &files, "arguments", "-Wl,--defsym=value=6");
}

#[test]
fn what_a_library_that_is_a_linker_script_names_is_an_input() {
    let script = "fn main() {\n    println!(\"cargo:rerun-if-changed=build.rs\");\n    \
        println!(\"cargo:rustc-link-search=native={}/ld\", std::env::var(\"CARGO_MANIFEST_DIR\").unwrap());\n    \
        println!(\"cargo:rustc-link-lib=dylib=v\");\n}\n";
    let files = [
        (".cargo/config.toml", "[build]\nrustflags = [\"-Crelocation-model=static\"]\n"),
        ("build.rs", script),
        ("ld/libv.so", "INPUT(values)\n"),
        ("ld/values", "value = 5;\n"),
        ("src/main.rs", SAYS_ADDRESS),
    ];
    assert_change_is_seen("what it takes in", &files, "ld/values", "value = 6;\n");
}

#[test]
fn library_of_rust_in_a_directory_that_is_searched_is_an_input() {
    let files = [
        (".cargo/config.toml", "[build]\nrustflags = [\"-Llib\"]\n"),
        ("src/main.rs", "extern crate own;\nfn main() { println!(\"{}\", own::VERSION) }\n"),
    ];
    let make = "echo \"pub const VERSION: &str = \\\"$(cat version)\\\";\" | \
        rustc --crate-name own --crate-type rlib --out-dir lib - && touch -d '2024-01-01 00:00:00.25' lib/* lib";
    assert_step_before_is_seen(&files, "version", make);
}

#[test]
fn what_is_linked_into_a_library_for_others_is_an_input() {
    const MANIFEST: &str = "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[lib]\ncrate-type = [\"cdylib\"]\n";
    let script = "fn main() {\n    println!(\"cargo:rerun-if-changed=build.rs\");\n    \
        println!(\"cargo:rustc-cdylib-link-arg={}/m.o\", std::env::var(\"CARGO_MANIFEST_DIR\").unwrap());\n}\n";
    let library = "unsafe extern \"C\" { static marker: u8; }\n#[unsafe(no_mangle)]\npub extern \"C\" fn f() -> u8 { unsafe { marker } }\n";
    let probe = "cc -c m.c -o m.o && cargo build -q --offline && grep -ao 'MARK-[a-z]*' target/debug/libapp.so | head -1";
    let mut repository = Repository::new(
        &[
            ("Cargo.toml", MANIFEST),
            ("build.rs", script),
            ("src/lib.rs", library),
            ("m.c", "const char marker[] = \"MARK-one\";\n"),
        ],
        probe,
    );
    assert_eq!(repository.run(HERE).0, "MARK-one\nok\n");
    repository.edit("m.c", Some("const char marker[] = \"MARK-two\";\n"));
    assert_eq!(repository.assert_true(HERE), "MARK-two\nok\n");
}

#[test]
fn linker_and_wrapper_that_variables_or_names_lead_to_are_inputs() {
    let linker = |number: u8| format!("#!/bin/sh\nexec cc \"$@\" -Wl,--defsym=value={number}\n");
    let by_name = "[target.x86_64-unknown-linux-gnu]\nlinker = \"linkcc\"\nrustflags = [\"-Crelocation-model=static\"]\n";
    for (config, variable) in [(by_name, None), ("", Some("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER"))] {
        let mut repository =
            Repository::new(&[(".cargo/config.toml", config), ("src/main.rs", SAYS_ADDRESS)], RUN);
        repository.job.path_first("bin");
        if let Some(variable) = variable {
            let path = repository.job.path("bin/linkcc");
            repository.job.set(variable, path.display());
            repository.job.set("RUSTFLAGS", "-Crelocation-model=static");
        }
        for number in [5, 6] {
            repository.job.write("bin/linkcc", &linker(number));
            repository.check_out(HERE);
            repository.job.sh("chmod +x ../../bin/linkcc");
            assert_eq!(repository.run(HERE).0, format!("{number}\nok\n"), "{variable:?}");
        }
    }
    let mut repository =
        Repository::new(&[("src/main.rs", "fn main() { println!(\"{}\", cfg!(flavor)) }\n")], RUN);
    let wrapper = repository.job.path("bin/wrap");
    repository.job.set("RUSTC_WRAPPER", wrapper.display());
    for (more, says) in [("", "false"), (" --cfg flavor", "true")] {
        repository.job.write("bin/wrap", &format!("#!/bin/sh\nexec \"$@\"{more}\n"));
        repository.check_out(HERE);
        repository.job.sh("chmod +x ../../bin/wrap");
        assert_eq!(repository.run(HERE).0, format!("{says}\nok\n"));
    }
}

#[test]
fn file_in_the_target_directory_is_an_input() {
    let main = "fn main() { println!(\"{}\", include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/target/made/v\")).trim()) }\n";
    assert_step_before_is_seen(&[("src/main.rs", main)], "target/made/v", "");
}

#[test]
fn what_links_in_a_watched_directory_elsewhere_lead_to_is_an_input() {
    let mut repository = Repository::new(&[("src/main.rs", SAYS)], RUN);
    let sdk = repository.job.path("sdk");
    // A path that it had by its whole name would be an input by that.
    let read = format!(
        "std::fs::read_to_string(std::fs::read_dir(\"{}\").unwrap().next().unwrap().unwrap().path().join(\"v\")).unwrap()",
        sdk.display()
    );
    repository.edit("build.rs", Some(telling(sdk.to_str().unwrap(), &read)));
    for version in ["one", "two"] {
        repository.job.write("sdk-1/v", version);
        repository.check_out(HERE);
        repository.job.sh("mkdir -p ../../sdk; ln -sfn ../sdk-1 ../../sdk/current; touch -hd '2024-01-01 00:00:00.25' ../../sdk-1/v ../../sdk-1 ../../sdk/current ../../sdk");
        assert_eq!(repository.run(HERE).0, format!("{version}\nok\n"));
    }
}

#[test]
fn packages_of_node_in_a_watched_directory_are_inputs() {
    let script = telling("web", "std::fs::read_to_string(\"web/node_modules/x/v\").unwrap()");
    let files = [("build.rs", script), ("src/main.rs", SAYS), ("web/package.json", "{}")];
    let date = "find web -exec touch -d '2024-01-01 00:00:00.25' {} +";
    assert_step_before_is_seen(&files, "web/node_modules/x/v", date);
}

#[test]
fn directory_with_the_tag_of_a_cache_in_a_watched_one_is_an_input() {
    let script = telling("web", "std::fs::read_to_string(\"web/made/v\").unwrap()");
    let files = [("build.rs", script), ("src/main.rs", SAYS), ("web/index", "")];
    let tag = "echo 'Signature: 8a477f597d28d172789f06886806bc55' > web/made/CACHEDIR.TAG; \
        find web -exec touch -d '2024-01-01 00:00:00.25' {} +";
    assert_step_before_is_seen(&files, "web/made/v", tag);
}

#[test]
fn file_outside_of_the_checkout_that_a_script_names_is_an_input() {
    let mut repository = Repository::new(&[("src/main.rs", SAYS)], RUN);
    let file = repository.job.path("sdk/version");
    let read = format!("std::fs::read_to_string(\"{}\").unwrap()", file.display());
    repository.edit("build.rs", Some(telling("build.rs", &read)));
    for version in ["one", "two"] {
        repository.job.write("sdk/version", version);
        assert_eq!(repository.run(HERE).0, format!("{version}\nok\n"));
    }
}

/// As archives and package managers leave files.
#[test]
fn equal_size_and_time_prove_nothing_where_the_time_was_given() {
    let main = "fn main() { println!(\"{}\", include_str!(\"../made\").trim()) }\n";
    assert_step_before_is_seen(&[("src/main.rs", main)], "made", "touch -d '2024-01-01 00:00:00.25' made");
}

#[test]
fn variables_that_cargo_is_told_to_set_are_inputs() {
    let script = telling("build.rs", "std::env::var(\"APP_MODE\").unwrap_or(\"none\".into())");
    let (one, two) = ("[env]\nAPP_MODE = \"one\"\n", "[env]\nAPP_MODE = \"two\"\n");
    let files = [("build.rs", script), ("src/main.rs", SAYS)];
    assert_change_is_seen("a configuration that was not there", &files, ".cargo/config.toml", two);
    let mut repository = Repository::new(&files, RUN);
    repository.job.write("home/.cargo/config.toml", one);
    assert_eq!(repository.run(HERE).0, "one\nok\n");
    repository.job.write("home/.cargo/config.toml", two);
    assert_eq!(repository.assert_true(HERE), "two\nok\n");
    let member = [
        ("Cargo.toml", WORKSPACE),
        ("app/Cargo.toml", APP),
        ("app/build.rs", script),
        ("app/src/main.rs", SAYS),
        ("app/.cargo/config.toml", one),
    ];
    let mut repository = Repository::new(&member, "(cd app; cargo run -q --offline)");
    assert_eq!(repository.run(HERE).0, "one\nok\n");
    repository.edit("app/.cargo/config.toml", Some(two));
    assert_eq!(repository.assert_true(HERE), "two\nok\n");
}

#[test]
fn what_a_manifest_inherits_is_an_input() {
    let workspace = |license: &str| {
        let text = format!("{WORKSPACE}[workspace.package]\nlicense = \"{license}\"\n");
        &*Box::leak(text.into_boxed_str())
    };
    let app = format!("{APP}license.workspace = true\n").leak();
    let files = [
        ("Cargo.toml", workspace("MIT")),
        ("app/Cargo.toml", &*app),
        ("app/build.rs", telling("build.rs", "std::env::var(\"CARGO_PKG_LICENSE\").unwrap()")),
        ("app/src/main.rs", SAYS),
    ];
    assert_change_is_seen("a licence", &files, "Cargo.toml", workspace("ISC"));
}

#[test]
fn what_a_script_asks_git_for_is_an_input() {
    for asked in [
        "std::process::Command::new(\"git\").args([\"rev-parse\", \"--abbrev-ref\", \"HEAD\"]).output().unwrap().stdout",
        "std::fs::read(\".git/HEAD\").unwrap()",
    ] {
        let script = telling("build.rs", &format!("String::from_utf8({asked}).unwrap()"));
        let mut repository =
            Repository::new(&[("build.rs", script), ("src/main.rs", SAYS), ("Cargo.lock", LOCK)], RUN);
        let mut said = Vec::new();
        for branch in ["main", "trunk"] {
            repository.check_out(HERE);
            repository.job.sh(&format!(
                "git init -q -b {branch}; git add -A; GIT_AUTHOR_DATE=1700000000Z GIT_COMMITTER_DATE=1700000000Z \
                 git -c user.name=n -c user.email=e commit -qm c"
            ));
            repository.job.ok(&["restore"]);
            said.push(repository.job.sh("cargo run -q --offline 1>&2"));
            repository.job.ok(&["save"]);
        }
        assert!(said[0].contains("main") && said[1].contains("trunk"), "{asked}: {said:?}");
    }
}

const LOCK: &str = "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n";
