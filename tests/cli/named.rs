//! What units are made of by names that lie in the texts of the sources, or that are told in a roundabout way: files that named
//! files take in, arguments of macros, values of variables, directories elsewhere.

use crate::repository::{
    APP, HERE, RUN, Repository, SAYS, WORKSPACE, assert_change_is_seen, assert_tool_is_seen,
};

const WITH_MACRO: &str = "[workspace]\nresolver = \"2\"\nmembers = [\"app\", \"own-macro\"]\n";
const USES_MACRO: &str = "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nown-macro = { path = \"../own-macro\" }\n";
const MACRO: &str =
    "[package]\nname = \"own-macro\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[lib]\nproc-macro = true\n";
const VALUE_OF_C: &str =
    "unsafe extern \"C\" { fn value() -> i32; }\nfn main() { println!(\"{}\", unsafe { value() }) }\n";

/// A script that declares only itself and tells what `expression` is.
fn telling(expression: &str) -> &'static str {
    let script = format!(
        "fn main() {{\n    println!(\"cargo:rerun-if-changed=build.rs\");\n    let v: String = {expression};\n    \
         println!(\"cargo:rustc-env=V={{}}\", v.split_whitespace().collect::<String>());\n}}\n"
    );
    Box::leak(script.into_boxed_str())
}

/// A script that has `cc` compile `csrc/a.c` and links it.
fn compiling(arguments: &str) -> &'static str {
    let script = format!(
        "use std::process::Command;\nfn main() {{\n    println!(\"cargo:rerun-if-changed=csrc/a.c\");\n    \
         let out = std::env::var(\"OUT_DIR\").unwrap();\n    let object = format!(\"{{out}}/a.o\");\n    \
         assert!(Command::new(\"cc\").args([{arguments}]).args([\"csrc/a.c\", \"-o\", &object]).status().unwrap().success());\n    \
         assert!(Command::new(\"ar\").args([\"crs\", &format!(\"{{out}}/libvalue.a\"), &object]).status().unwrap().success());\n    \
         println!(\"cargo:rustc-link-search=native={{out}}\");\n    println!(\"cargo:rustc-link-lib=static=value\");\n}}\n"
    );
    Box::leak(script.into_boxed_str())
}

/// A program whose macro makes a text of its argument, `argument`, and of its package's directory.
fn expanding(argument: &str, expression: &str) -> Vec<(&'static str, &'static str)> {
    let library = format!(
        "use proc_macro::{{Literal, TokenStream, TokenTree}};\n#[proc_macro]\npub fn text(input: TokenStream) -> TokenStream {{\n    \
         let argument = input.to_string().trim_matches('\"').to_owned();\n    \
         let place = std::path::Path::new(&std::env::var(\"CARGO_MANIFEST_DIR\").unwrap()).join(&argument);\n    \
         let _ = (&argument, &place);\n    let text: String = {expression};\n    TokenTree::Literal(Literal::string(text.trim())).into()\n}}\n"
    );
    let main = format!("fn main() {{ println!(\"{{}}\", own_macro::text!(\"{argument}\")) }}\n");
    vec![
        ("Cargo.toml", WITH_MACRO),
        ("app/Cargo.toml", USES_MACRO),
        ("app/src/main.rs", Box::leak(main.into_boxed_str())),
        ("own-macro/Cargo.toml", MACRO),
        ("own-macro/src/lib.rs", Box::leak(library.into_boxed_str())),
    ]
}

#[test]
fn what_a_macro_is_told_to_read_is_an_input() {
    let read = "std::fs::read_to_string(place).unwrap()";
    for path in ["shared/spec.rs", "own-macro/templates/x.rs", "web/node_modules/p/x.txt"] {
        let mut files = expanding(&format!("../{path}"), read);
        files.push((path, "one"));
        assert_change_is_seen(path, &files, path, "two");
    }
    let mut files = expanding("../made/x.txt", read);
    files.extend([
        ("made/x.txt", "one"),
        ("made/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n"),
    ]);
    assert_change_is_seen("a directory with the tag of a cache", &files, "made/x.txt", "two");
}

#[test]
fn tool_that_a_macro_runs_is_an_input() {
    let run = "String::from_utf8(std::process::Command::new(\"idlc\").output().unwrap().stdout).unwrap()";
    let mut repository = Repository::new(&expanding("x", run), RUN);
    repository.job.path_first("bin");
    assert_tool_is_seen(&mut repository, "bin/idlc");
}

#[test]
fn what_the_files_that_a_script_names_take_in_is_an_input() {
    let shell = "String::from_utf8(std::process::Command::new(\"sh\").arg(\"tools/run.sh\").output().unwrap().stdout).unwrap()";
    let files = [
        ("build.rs", telling(shell)),
        ("src/main.rs", SAYS),
        ("tools/run.sh", "cat \"$(dirname \"$0\")/../data/x.txt\"\n"),
        ("data/x.txt", "one"),
    ];
    assert_change_is_seen("a script of a shell", &files, "data/x.txt", "two");
    for (arguments, include, header) in [
        ("\"-c\"", "../../common/value.h", "common/value.h"),
        ("\"-c\"", "../own/value.h", "app/own/value.h"),
        ("\"-I../include\", \"-c\"", "value.h", "include/value.h"),
    ] {
        let source = format!("#include \"{include}\"\nint value(void) {{ return VALUE; }}\n").leak();
        let files = [
            ("Cargo.toml", WORKSPACE),
            ("app/Cargo.toml", APP),
            ("app/build.rs", compiling(arguments)),
            ("app/csrc/a.c", &*source),
            ("app/src/main.rs", VALUE_OF_C),
            (header, "#define VALUE 1\n"),
        ];
        assert_change_is_seen(include, &files, header, "#define VALUE 2\n");
    }
}

#[test]
fn what_a_shell_script_calls_and_reads_is_an_input() {
    let shell = "String::from_utf8(std::process::Command::new(\"sh\").arg(\"tools/run.sh\").output().unwrap().stdout).unwrap()";
    let script = format!(
        "fn main() {{\n    println!(\"cargo:rerun-if-changed=tools/run.sh\");\n    \
         println!(\"cargo:rustc-env=V={{}}\", {shell}.trim());\n}}\n"
    );
    let files = [
        ("build.rs", &*Box::leak(script.into_boxed_str())),
        ("src/main.rs", SAYS),
        ("tools/run.sh", "printf '%s-%s' \"$(idlc)\" \"$FLAVOUR\"\n"),
    ];
    let mut repository = Repository::new(&files, RUN);
    repository.job.path_first("bin");
    for (version, flavour) in [("one", "a"), ("two", "a"), ("two", "b")] {
        repository.job.write("bin/idlc", &format!("#!/bin/sh\necho {version}\n"));
        repository.job.set("FLAVOUR", flavour);
        repository.check_out(HERE);
        repository.job.sh("chmod +x ../../bin/idlc");
        assert_eq!(repository.run(HERE).0, format!("{version}-{flavour}\nok\n"));
    }
}

#[test]
fn what_a_macro_names_itself_outside_of_the_checkout_is_an_input() {
    let mut repository = Repository::new(&[], RUN);
    let outside = repository.job.path("sdk/definitions/x");
    let read = format!("std::fs::read_to_string(\"{}\").unwrap()", outside.display());
    for (path, text) in expanding("x", &read) {
        repository.edit(path, Some(text));
    }
    for version in ["one", "two"] {
        repository.job.write("sdk/definitions/x", version);
        assert_eq!(repository.run(HERE).0, format!("{version}\nok\n"));
    }
}

#[test]
fn what_a_step_made_in_the_target_directory_and_flags_name_is_an_input() {
    let mut repository = Repository::new(
        &[
            (
                "src/main.rs",
                "unsafe extern \"C\" { static value: u8; }\nfn main() { println!(\"{}\", &raw const value as usize) }\n",
            ),
            (".cargo/config.toml", "[build]\nrustflags = [\"-Clink-arg=target/made/value.o\"]\n"),
        ],
        "mkdir -p target/made && printf '.globl value\\n.set value, %s\\n' $(cat ../../number) | cc -x assembler -c - -o target/made/value.o && cargo run -q --offline",
    );
    for number in ["42", "43"] {
        repository.job.write("number", number);
        assert_eq!(repository.run(HERE).0, format!("{number}\nok\n"));
    }
}

#[test]
fn what_a_script_names_around_its_package_is_an_input() {
    let own = "std::path::Path::new(&std::env::var(\"CARGO_MANIFEST_DIR\").unwrap())";
    for (read, path) in [
        (format!("std::fs::read_to_string({own}.parent().unwrap().join(\"proto/x\")).unwrap()"), "proto/x"),
        (
            format!("std::fs::read_to_string({own}.parent().unwrap().join(\"proto\").join(\"x\")).unwrap()"),
            "proto/x",
        ),
    ] {
        let files = [
            ("Cargo.toml", WORKSPACE),
            ("app/Cargo.toml", APP),
            ("app/build.rs", telling(&read)),
            ("app/src/main.rs", SAYS),
            (path, "one"),
        ];
        assert_change_is_seen(&read, &files, path, "two");
    }
    let listing = "{ let mut names: Vec<_> = std::fs::read_dir(\"src\").unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect(); names.sort(); names.join(\",\") }";
    let files = [("build.rs", telling(listing)), ("src/main.rs", SAYS)];
    assert_change_is_seen("the names of modules", &files, "src/plugin.rs", "");
}

#[test]
fn what_the_value_of_a_declared_variable_leads_to_is_an_input() {
    for (value, path, read) in [
        ("conf/x", "conf/x", "std::fs::read_to_string(std::env::var(\"CONF\").unwrap()).unwrap()"),
        (
            "conf",
            "conf/x",
            "std::fs::read_to_string(std::fs::read_dir(std::env::var(\"CONF\").unwrap()).unwrap().next().unwrap().unwrap().path()).unwrap()",
        ),
        (
            "absent:conf/x",
            "conf/x",
            "std::fs::read_to_string(std::env::var(\"CONF\").unwrap().split(':').nth(1).unwrap()).unwrap()",
        ),
        (
            "assets",
            "assets/node_modules/p/x",
            "std::fs::read_to_string(std::env::var(\"CONF\").unwrap() + \"/node_modules/p/x\").unwrap()",
        ),
    ] {
        let script = format!(
            "fn main() {{\n    println!(\"cargo:rerun-if-changed=build.rs\");\n    println!(\"cargo:rerun-if-env-changed=CONF\");\n    let v = {read};\n    println!(\"cargo:rustc-env=V={{v}}\");\n}}\n"
        );
        let files =
            [("build.rs", &*Box::leak(script.into_boxed_str())), ("src/main.rs", SAYS), (path, "one")];
        let mut repository = Repository::new(&files, RUN);
        repository.job.set("CONF", value);
        assert_eq!(repository.run(HERE).0, "one\nok\n");
        repository.edit(path, Some("two"));
        assert_eq!(repository.assert_true(HERE), "two\nok\n", "{value}");
    }
}

#[test]
fn directory_elsewhere_that_a_script_names_is_an_input() {
    let mut repository = Repository::new(&[("src/main.rs", SAYS)], RUN);
    let sdk = repository.job.path("sdk/definitions");
    let read = format!(
        "std::fs::read_to_string(std::fs::read_dir(\"{}\").unwrap().next().unwrap().unwrap().path()).unwrap()",
        sdk.display()
    );
    repository.edit("build.rs", Some(telling(&read)));
    for version in ["one", "two"] {
        repository.job.write("sdk/definitions/x", version);
        assert_eq!(repository.run(HERE).0, format!("{version}\nok\n"));
    }
}

#[test]
fn what_another_script_tells_a_script_about_is_an_input() {
    let tells = "fn main() {\n    println!(\"cargo:rerun-if-changed=build.rs\");\n    \
        println!(\"cargo:root={}\", std::env::var(\"CARGO_MANIFEST_DIR\").unwrap());\n}\n";
    let reads = telling(
        "std::fs::read_to_string(format!(\"{}/include/x\", std::env::var(\"DEP_NATIVE_ROOT\").unwrap())).unwrap()",
    );
    let files = [
        ("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"app\", \"native\"]\n"),
        (
            "app/Cargo.toml",
            "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nnative = { path = \"../native\" }\n",
        ),
        ("app/build.rs", reads),
        ("app/src/main.rs", SAYS),
        (
            "native/Cargo.toml",
            "[package]\nname = \"native\"\nversion = \"0.1.0\"\nedition = \"2021\"\nlinks = \"native\"\n",
        ),
        ("native/build.rs", tells),
        ("native/src/lib.rs", ""),
        ("native/include/x", "one"),
    ];
    assert_change_is_seen("a directory in metadata", &files, "native/include/x", "two");
}

#[test]
fn configuration_where_a_build_is_started_is_an_input() {
    let script = telling("std::env::var(\"APP_LEVEL\").unwrap_or(\"none\".into())");
    let files = [
        ("build.rs", script),
        ("src/main.rs", SAYS),
        ("ci/.cargo/config.toml", "[env]\nAPP_LEVEL = \"one\"\n"),
    ];
    let run = "(cd ci && cargo build -q --offline --manifest-path ../Cargo.toml) && target/debug/app";
    let mut repository = Repository::new(&files, run);
    assert_eq!(repository.run(HERE).0, "one\nok\n");
    repository.edit("ci/.cargo/config.toml", Some("[env]\nAPP_LEVEL = \"two\"\n"));
    assert_eq!(repository.assert_true(HERE), "two\nok\n");
}

#[test]
fn what_a_manifest_inherits_from_a_workspace_beside_it_is_an_input() {
    let workspace = |license: &str| {
        let text = format!(
            "[workspace]\nresolver = \"2\"\nmembers = [\"../app\"]\n[workspace.package]\nlicense = \"{license}\"\n"
        );
        &*Box::leak(text.into_boxed_str())
    };
    let app = "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\nworkspace = \"../all\"\nlicense.workspace = true\n";
    let files = [
        ("Cargo.toml", ""),
        ("all/Cargo.toml", workspace("MIT")),
        ("app/Cargo.toml", app),
        ("app/build.rs", telling("std::env::var(\"CARGO_PKG_LICENSE\").unwrap()")),
        ("app/src/main.rs", SAYS),
    ];
    let run = "(cd all && cargo build -q --offline) && all/target/debug/app";
    let mut repository = Repository::new(&files, run);
    repository.job.set("INPUT_WORKSPACES", "all");
    for license in ["MIT", "ISC"] {
        repository.edit("all/Cargo.toml", Some(workspace(license)));
        repository.check_out(HERE);
        // Of a checkout all is a source.
        repository.job.sh("git init -q");
        repository.job.ok(&["restore"]);
        assert_eq!(repository.job.sh(&format!("({run}) 1>&2")), format!("{license}\n"));
        repository.job.ok(&["save"]);
    }
}

#[test]
fn further_tag_of_a_commit_is_seen_by_who_asks_git() {
    let asked = "String::from_utf8(std::process::Command::new(\"git\").args([\"tag\", \"--points-at\", \"HEAD\"]).output().unwrap().stdout).unwrap()";
    let files = [
        ("build.rs", telling(asked)),
        ("src/main.rs", SAYS),
        ("Cargo.lock", "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n"),
    ];
    let mut repository = Repository::new(&files, RUN);
    for (more, tags) in [("", "v1"), ("git tag nightly", "nightlyv1")] {
        repository.check_out(HERE);
        repository.job.sh(&format!(
            "git init -q; git add -A; GIT_AUTHOR_DATE=1700000000Z GIT_COMMITTER_DATE=1700000000Z \
             git -c user.name=n -c user.email=e commit -qm c; GIT_COMMITTER_DATE=1700000000Z \
             git -c user.name=n -c user.email=e tag -am m v1; {more}"
        ));
        repository.job.ok(&["restore"]);
        assert_eq!(repository.job.sh("cargo run -q --offline 1>&2"), format!("{tags}\n"));
        repository.job.ok(&["save"]);
    }
}
