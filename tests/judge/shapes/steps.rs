//! What a job does besides cargo: generates files, builds C, makes directories in the target directory, ships programs.

use crate::shape::{Commands, Edit, Package, Shape};

pub(super) const ALL: &[Shape] = &[
    Shape {
        name: "generated",
        packages: &[Package::new("generated", "")],
        files: &[
            (
                "build.rs",
                "fn main() { println!(\"cargo:rustc-env=V={}\", std::fs::read_to_string(\"made/v.txt\").unwrap().trim()); }\n",
            ),
            ("src/main.rs", "fn main() { println!(\"{} {}\", env!(\"V\"), @n); }\n"),
            ("/generated-from/v.txt", "@n\n"),
        ],
        edits: &[Edit::Number("/generated-from/v.txt"), Edit::Number("src/main.rs")],
        programs: &["generated"],
        ignored: &["/@d/made"],
        before: "mkdir -p \"$W/@d/made\" && cp \"$W/generated-from/v.txt\" \"$W/@d/made/v.txt\"",
        inputs: &[("", "/generated-from/")],
        may_be_root: true,
        ..Shape::NOTHING
    },
    Shape {
        name: "unpacked",
        packages: &[Package::new("unpacked", "")],
        files: &[
            (
                "src/main.rs",
                "fn main() { println!(\"{} {}\", include_str!(\"../dist/app.js\").trim(), @n); }\n",
            ),
            ("/unpacked-from/app.js", "@n\n"),
        ],
        edits: &[Edit::Number("/unpacked-from/app.js"), Edit::Number("src/main.rs")],
        programs: &["unpacked"],
        ignored: &["/@d/dist"],
        // As tar and rsync do: with a time of long ago.
        steps: "mkdir -p \"$W/@d/dist\"; cp \"$W/unpacked-from/app.js\" \"$W/@d/dist/app.js\"; touch -d '2 hours ago' \"$W/@d/dist/app.js\"",
        inputs: &[("", "/unpacked-from/")],
        may_be_root: true,
        is_made_again: true,
        ..Shape::NOTHING
    },
    Shape {
        name: "c-library",
        packages: &[Package::new("c-library", "")],
        files: &[
            (
                "build.rs",
                "fn main() { println!(\"cargo:rerun-if-changed=build.rs\\ncargo:rustc-link-search=native={}/../c-library-source\\ncargo:rustc-link-lib=static=vv\", \
                 std::env::var(\"CARGO_MANIFEST_DIR\").unwrap()); }\n",
            ),
            (
                "src/main.rs",
                "extern \"C\" { fn vv() -> i32; }\nfn main() { println!(\"{} {}\", unsafe { vv() }, @n); }\n",
            ),
            ("/c-library-source/vv.c", "int vv(void) { return @n; }\n"),
        ],
        edits: &[Edit::Number("/c-library-source/vv.c"), Edit::Number("src/main.rs")],
        programs: &["c-library"],
        ignored: &["*.o", "*.a"],
        steps: "(cd \"$W/c-library-source\" && cc -c vv.c -o vv.o && ar rcsD libvv.a vv.o)",
        inputs: &[("", "/c-library-source/")],
        is_made_again: true,
        ..Shape::NOTHING
    },
    Shape {
        name: "made-before",
        packages: &[Package::new("made-before", "")],
        files: &[
            ("src/main.rs", "fn main() { println!(\"@n\"); }\n"),
            ("locales/en", "@n\n"),
            ("locales/de", "@n\n"),
        ],
        edits: &[
            Edit::Number("src/main.rs"),
            Edit::Number("locales/en"),
            Edit::Remove("locales/de"),
            Edit::Number("locales/de"),
        ],
        programs: &["made-before"],
        steps: "mkdir -p \"$W/target/locales\"; cp \"$W/@d/locales\"/* \"$W/target/locales\"",
        probe: "tail -n +1 \"$W/target/locales\"/*",
        may_be_root: true,
        ..Shape::NOTHING
    },
    Shape {
        name: "makefile",
        packages: &[Package::new("makefile", "")],
        files: &[
            ("src/main.rs", "fn main() { println!(\"@n\"); }\n"),
            (
                "Makefile",
                "all: $(W)/target/release/makefile\n\n$(W)/target/release/makefile:\n\tcargo build -q --release -p makefile\n",
            ),
        ],
        edits: &[Edit::Number("src/main.rs")],
        // As many do: what is there is not made.
        probe: "inside make -s -C \"$W/@d\" \"W=$W\"; program target/release/makefile",
        may_be_root: true,
        ..Shape::NOTHING
    },
    Shape {
        name: "objcopy",
        packages: &[Package::new("objcopy", "")],
        files: &[("src/main.rs", "fn main() { println!(\"@n\"); }\n"), ("sbom", "@n\n")],
        edits: &[Edit::Number("src/main.rs"), Edit::Number("sbom")],
        release_probe: "objcopy --add-section \".sbom=$W/@d/sbom\" \"$W/target/release/objcopy\"; echo \"objcopy: exit $?\"; \
                        objdump -h \"$W/target/release/objcopy\" | grep -c sbom; program target/release/objcopy",
        may_be_root: true,
        ..Shape::NOTHING
    },
    Shape {
        name: "stays",
        packages: &[Package::new("stays", "")],
        files: &[("src/main.rs", "fn main() { println!(\"@n\"); }\n")],
        edits: &[Edit::Number("src/main.rs")],
        programs: &["stays"],
        // A target directory that nobody named, and that stays where the checkout goes.
        probe: "inside cargo build -q -p stays --target-dir \"$WORK/stays\"; echo \"stays: exit $?\"; inside \"$WORK/stays/debug/stays\"",
        ..Shape::NOTHING
    },
    Shape {
        name: "book",
        packages: &[Package::new("book", "")],
        files: &[
            ("src/lib.rs", "pub fn one() -> u32 { @n }\n"),
            ("page.md", "# Page\n\n```rust\nextern crate book;\nassert!(book::one() < 700);\n```\n"),
        ],
        edits: &[Edit::Number("Cargo.toml"), Edit::Number("src/lib.rs")],
        // Rustdoc looks for the library by its name.
        probe: "inside rustdoc --test \"$W/@d/page.md\" -L target/debug/deps --edition 2021 >/dev/null; echo \"book: exit $?\"",
        commands: Commands::BuildsOnly,
        may_be_root: true,
        ..Shape::NOTHING
    },
    Shape {
        name: "coverage",
        packages: &[Package::new("coverage", "")],
        files: &[
            ("src/lib.rs", "pub fn a() -> u32 { @n }\n#[test]\nfn is_small() { assert!(a() < 1000); }\n"),
            ("tests/also.rs", "#[test]\nfn is_small_too() { assert!(coverage::a() < 1000); }\n"),
        ],
        edits: &[Edit::Number("src/lib.rs"), Edit::Remove("tests/also.rs"), Edit::Number("tests/also.rs")],
        probe: "inside env RUSTFLAGS=-Cinstrument-coverage \"LLVM_PROFILE_FILE=$W/target/coverage/%p-%m.profraw\" cargo test -q -p coverage --no-fail-fast --lib --tests >/dev/null; \
                echo \"coverage: exit $?\"; find \"$W/target/coverage\" -name '*.profraw' | wc -l",
        may_be_root: true,
        ..Shape::NOTHING
    },
];
