//! Dependencies that are no members: beside the checkout, in git, vendored.

use crate::shape::{Edit, Package, Shape};

pub(super) const ALL: &[Shape] = &[
    Shape {
        name: "sibling",
        packages: &[Package::new("with-sibling", "[dependencies]\nsibling = { path = \"../../sibling\" }\n")],
        files: &[
            ("src/main.rs", "fn main() { println!(\"{} {}\", sibling::VALUE, @n); }\n"),
            (
                "^sibling/Cargo.toml",
                "[package]\nname = \"sibling\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n",
            ),
            ("^sibling/src/lib.rs", "pub const VALUE: u32 = include!(\"value.in\");\n"),
            ("^sibling/src/value.in", "@n\n"),
        ],
        edits: &[
            Edit::Number("^sibling/src/lib.rs"),
            Edit::Number("^sibling/src/value.in"),
            Edit::Number("src/main.rs"),
        ],
        programs: &["with-sibling"],
        before: "rm -rf \"$WORK/sibling\" && git clone -q \"file://$LAB/deps/sibling\" \"$WORK/sibling\"",
        inputs: &[("", "/../sibling/")],
        ..Shape::NOTHING
    },
    Shape {
        name: "git-sys",
        packages: &[Package::new(
            "git-sys",
            "[dependencies]\nx-sys = { git = \"file://@LAB/deps/x-sys\" }\n",
        )],
        files: &[
            (
                "build.rs",
                "fn main() {\n    let list = std::fs::read_to_string(format!(\"{}/x.pc\", std::env::var(\"DEP_X_ROOT\").unwrap())).unwrap();\n    \
                 println!(\"cargo:rustc-env=V={}\", std::fs::read_to_string(list).expect(\"the header that x.pc names\"));\n}\n",
            ),
            ("src/main.rs", "fn main() { println!(\"{} {} {}\", env!(\"V\"), x_sys::N, @n); }\n"),
            (
                "^x-sys/Cargo.toml",
                "[package]\nname = \"x-sys\"\nversion = \"0.1.0\"\nedition = \"2021\"\nlinks = \"x\"\n",
            ),
            ("^x-sys/src/lib.rs", "pub const N: u32 = @n;\n"),
            (
                "^x-sys/build.rs",
                "fn main() {\n    println!(\"cargo:rerun-if-changed=build.rs\");\n    let out = std::env::var(\"OUT_DIR\").unwrap();\n    \
                 std::fs::write(format!(\"{out}/x.h\"), \"@n\").unwrap();\n    std::fs::write(format!(\"{out}/x.pc\"), format!(\"{out}/x.h\")).unwrap();\n    \
                 println!(\"cargo:root={out}\");\n}\n",
            ),
        ],
        edits: &[
            Edit::Number("^x-sys/build.rs"),
            Edit::Number("^x-sys/src/lib.rs"),
            Edit::Number("src/main.rs"),
            Edit::Number("build.rs"),
        ],
        programs: &["git-sys"],
        inputs: &[("", "/Cargo.lock")],
        ..Shape::NOTHING
    },
    Shape {
        name: "git-writes",
        packages: &[Package::new(
            "git-writes",
            "[dependencies]\nwriter = { git = \"file://@LAB/deps/writer\" }\n",
        )],
        files: &[
            ("src/main.rs", "fn main() { println!(\"{} {}\", writer::load(), @n); }\n"),
            ("^writer/Cargo.toml", "[package]\nname = \"writer\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
            (
                "^writer/build.rs",
                "fn main() {\n    println!(\"cargo:rerun-if-changed=build.rs\");\n    let out = std::path::PathBuf::from(std::env::var(\"OUT_DIR\").unwrap());\n    \
                 std::fs::write(out.ancestors().nth(3).unwrap().join(\"writer.txt\"), \"library @n\").unwrap();\n}\n",
            ),
            (
                "^writer/src/lib.rs",
                "pub fn load() -> String {\n    std::fs::read_to_string(std::env::current_exe().unwrap().with_file_name(\"writer.txt\")).unwrap_or(\"not found\".into())\n}\n",
            ),
            // A workspace of its own that has the dependency as well.
            (
                "/git-writes-tool/Cargo.toml",
                "[package]\nname = \"git-writes-tool\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n[dependencies]\n\
                 writer = { git = \"file://@LAB/deps/writer\" }\n",
            ),
            ("/git-writes-tool/src/main.rs", "fn main() { println!(\"{} {}\", writer::load(), @n); }\n"),
        ],
        edits: &[
            Edit::Number("^writer/build.rs"),
            Edit::Number("src/main.rs"),
            Edit::Number("/git-writes-tool/src/main.rs"),
        ],
        programs: &["git-writes"],
        excluded: &["/git-writes-tool"],
        workspaces: &["git-writes-tool"],
        probe: "cargo_at git-writes-tool build && program git-writes-tool/target/debug/git-writes-tool",
        inputs: &[("", "/Cargo.lock")],
        ..Shape::NOTHING
    },
    Shape {
        name: "vendored",
        packages: &[Package::new("vendored", "[dependencies]\nnumber = \"1\"\n")],
        files: &[
            ("src/main.rs", "fn main() { println!(\"{} {}\", number::N, @n); }\n"),
            (
                "/vendor/number/Cargo.toml",
                "[package]\nname = \"number\"\nversion = \"1.0.0\"\nedition = \"2021\"\n",
            ),
            ("/vendor/number/src/lib.rs", "pub const N: u32 = @n;\n"),
            (
                "/vendor/number/.cargo-checksum.json",
                "{\"files\":{},\"package\":\"2222222222222222222222222222222222222222222222222222222222222222\"}\n",
            ),
        ],
        edits: &[Edit::Number("/vendor/number/src/lib.rs"), Edit::Number("src/main.rs")],
        programs: &["vendored"],
        excluded: &["/vendor"],
        config: "[source.crates-io]\nreplace-with = \"vendored\"\n[source.vendored]\ndirectory = \"vendor\"\n",
        inputs: &[("", "/vendor/")],
        ..Shape::NOTHING
    },
];
