//! Libraries, programs and tests without anything special, and sources in unusual places.

use crate::shape::{Edit, Package, Shape};

pub(super) const ALL: &[Shape] = &[
    Shape {
        name: "plain",
        packages: &[
            Package::new("plain", "[dependencies]\nplain-leaf = { path = \"leaf\" }\n"),
            Package { name: "plain-leaf", directory: "leaf", manifest: "" },
        ],
        files: &[
            ("leaf/src/lib.rs", "mod part;\n/// Leaf @n.\npub fn value() -> u32 { @n + part::PART }\n"),
            ("leaf/src/part.rs", "pub const PART: u32 = @n;\n"),
            (
                "src/lib.rs",
                "//! Page @n.\n/// ```\n/// assert!(plain::sum() > @n);\n/// ```\npub fn sum() -> u32 { @n + plain_leaf::value() }\n\
                 #[test]\nfn is_small() { assert!(sum() < 1500); }\n",
            ),
            ("src/main.rs", "fn main() { println!(\"{} {}\", @n, plain::sum()); }\n"),
            ("src/bin/plain-tool.rs", "fn main() { println!(\"tool {} {}\", @n, plain::sum()); }\n"),
            ("tests/even.rs", "#[test]\nfn is_even() { assert!((plain::sum() + @n) % 2 == 0); }\n"),
            ("examples/shows.rs", "fn main() { println!(\"{}\", plain::sum() + @n); }\n"),
            ("benches/idle.rs", "pub const N: u32 = @n;\n"),
            ("README.md", "Read me, @n.\n"),
        ],
        edits: &[
            Edit::Number("leaf/src/lib.rs"),
            Edit::Number("leaf/src/part.rs"),
            Edit::Number("src/lib.rs"),
            Edit::Number("src/main.rs"),
            Edit::Number("src/bin/plain-tool.rs"),
            Edit::Number("tests/even.rs"),
            Edit::Number("examples/shows.rs"),
            Edit::Number("benches/idle.rs"),
            Edit::Number("Cargo.toml"),
            Edit::Number("README.md"),
            Edit::Add("tests/new.rs", "#[test]\nfn is_new() { assert!(plain::sum() > @n); }\n"),
            Edit::Remove("tests/new.rs"),
            Edit::Rename("leaf/src/part.rs", "leaf/src/part/mod.rs"),
        ],
        programs: &["plain", "plain-tool"],
        may_be_root: true,
        ..Shape::NOTHING
    },
    Shape {
        name: "included",
        packages: &[Package::new("included", "")],
        files: &[
            (
                "src/main.rs",
                "#[path = \"../../included-shared/m.rs\"]\nmod m;\n\
                 fn main() { println!(\"{} {} {}\", include_str!(\"../../included-shared/v.txt\").trim(), m::V, @n); }\n",
            ),
            ("/included-shared/v.txt", "@n\n"),
            ("/included-shared/m.rs", "pub const V: u32 = @n;\n"),
        ],
        edits: &[
            Edit::Number("/included-shared/v.txt"),
            Edit::Number("/included-shared/m.rs"),
            Edit::Number("src/main.rs"),
        ],
        programs: &["included"],
        inputs: &[("", "/included-shared/")],
        ..Shape::NOTHING
    },
    Shape {
        name: "elsewhere",
        packages: &[
            Package::new(
                "elsewhere",
                "[dependencies]\nelsewhere-mac = { path = \"mac\" }\n[[bin]]\nname = \"elsewhere\"\npath = \"../elsewhere-sources/app.rs\"\n",
            ),
            Package::mac("elsewhere-mac"),
        ],
        files: &[
            ("mac/src/lib.rs", super::macros::READ_FILE),
            (
                "/elsewhere-sources/app.rs",
                "fn main() { println!(\"{} {}\", elsewhere_mac::read_file!(\"v.txt\"), @n); }\n",
            ),
            ("v.txt", "@n\n"),
        ],
        edits: &[Edit::Number("v.txt"), Edit::Number("/elsewhere-sources/app.rs")],
        programs: &["elsewhere"],
        inputs: &[("", "/elsewhere-sources/")],
        ..Shape::NOTHING
    },
    Shape {
        name: "features",
        packages: &[Package {
            name: "features-part",
            directory: "part",
            manifest: "[features]\nlarge = []\n",
        }],
        files: &[
            (
                "Cargo.toml",
                "[package]\nname = \"features\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[features]\nlarge = [\"features-part/large\"]\n\
                 [dependencies]\nfeatures-part = { path = \"part\" }\n",
            ),
            (
                "part/src/lib.rs",
                "pub const SIZE: u32 = if cfg!(feature = \"large\") { 1000 + @n } else { @n };\n",
            ),
            (
                "src/main.rs",
                "fn main() { println!(\"{} {} {} {}\", features_part::SIZE, cfg!(feature = \"large\"), cfg!(debug_assertions), @n); }\n",
            ),
        ],
        edits: &[
            Edit::Add(
                "Cargo.toml",
                "[package]\nname = \"features\"\nversion = \"0.1.@n\"\nedition = \"2021\"\n[features]\ndefault = [\"large\"]\n\
                 large = [\"features-part/large\"]\n[dependencies]\nfeatures-part = { path = \"part\" }\n",
            ),
            Edit::Number("Cargo.toml"),
            Edit::Number("part/src/lib.rs"),
            Edit::Number("src/main.rs"),
        ],
        programs: &["features"],
        ..Shape::NOTHING
    },
    Shape {
        name: "removed",
        packages: &[Package::new("removed", "")],
        files: &[
            ("src/bin/removed-a.rs", "fn main() { println!(\"a @n\"); }\n"),
            ("src/bin/removed-b.rs", "fn main() { println!(\"b @n\"); }\n"),
        ],
        edits: &[
            Edit::Remove("src/bin/removed-b.rs"),
            Edit::Number("src/bin/removed-b.rs"),
            Edit::Number("src/bin/removed-a.rs"),
            Edit::Rename("src/bin/removed-b.rs", "src/bin/removed-c.rs"),
            Edit::Remove("src/bin/removed-c.rs"),
        ],
        // What ships takes all programs that are there.
        probe: "(cd \"$W/target/debug\" && ls removed-?)",
        release_probe: "(cd \"$W/target/release\" && ls removed-?)",
        may_be_root: true,
        ..Shape::NOTHING
    },
];
