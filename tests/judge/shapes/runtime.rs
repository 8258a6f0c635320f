//! Tests that need something at run time.

use crate::shape::{Edit, Package, Shape};

pub(super) const ALL: &[Shape] = &[
    Shape {
        name: "fixtures",
        packages: &[Package::new("fixtures", "")],
        files: &[
            ("src/lib.rs", "pub const N: u32 = @n;\n"),
            ("src/main.rs", "fn main() { println!(\"@n\"); }\n"),
            (
                "tests/fixture.rs",
                "#[test]\nfn fixture_is_small() { assert!(std::fs::read_to_string(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/tests/data/x.txt\")).unwrap().trim().parse::<u32>().unwrap() < 700); }\n\
                 #[test]\nfn here_is_the_package() { assert_eq!(std::env::current_dir().unwrap().to_str().unwrap(), env!(\"CARGO_MANIFEST_DIR\")); }\n",
            ),
            (
                "tests/program.rs",
                "#[test]\nfn program_runs() { let out = std::process::Command::new(env!(\"CARGO_BIN_EXE_fixtures\")).output().unwrap(); \
                 assert!(String::from_utf8(out.stdout).unwrap().trim().parse::<u32>().unwrap() < 700); }\n",
            ),
            (
                "tests/writes.rs",
                "#[test]\nfn writes() { std::fs::write(concat!(env!(\"CARGO_TARGET_TMPDIR\"), \"/report.txt\"), \"x\").unwrap(); }\n\
                 #[test]\nfn begins_empty() { assert!(!std::path::Path::new(concat!(env!(\"CARGO_TARGET_TMPDIR\"), \"/once.txt\")).exists()); \
                 std::fs::write(concat!(env!(\"CARGO_TARGET_TMPDIR\"), \"/once.txt\"), \"x\").unwrap(); }\n",
            ),
            ("tests/data/x.txt", "@n\n"),
        ],
        edits: &[
            Edit::Number("tests/data/x.txt"),
            Edit::Remove("tests/data/x.txt"),
            Edit::Number("src/main.rs"),
            Edit::Number("src/lib.rs"),
        ],
        programs: &["fixtures"],
        may_be_root: true,
        ..Shape::NOTHING
    },
    Shape {
        name: "large",
        packages: &[Package::new("large", "")],
        files: &[
            ("src/lib.rs", "pub const N: u32 = @n;\n"),
            (
                "tests/reads.rs",
                "#[test]\nfn is_there() { assert_eq!(std::fs::metadata(\"data/model.bin\").unwrap().len() >> 20, 65); }\n",
            ),
        ],
        large: Some(("data/model.bin", 65 << 20)),
        edits: &[Edit::Number("src/lib.rs")],
        may_be_root: true,
        is_rare: true,
        ..Shape::NOTHING
    },
];
