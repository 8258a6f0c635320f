//! Several workspaces in one repository.

use crate::shape::{Edit, Package, Shape};

pub(super) const ALL: &[Shape] = &[Shape {
    name: "same-name",
    packages: &[Package { name: "same-root", directory: "root", manifest: "" }],
    files: &[
        ("root/src/main.rs", "fn main() { println!(\"@n\"); }\n"),
        (
            "mac/Cargo.toml",
            "[package]\nname = \"same-mac\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[lib]\nproc-macro = true\n[workspace]\n",
        ),
        ("mac/src/lib.rs", super::macros::READ_FILE),
        ("one/Cargo.toml", "[workspace]\nmembers = [\"common\"]\nresolver = \"2\"\n"),
        (
            "one/common/Cargo.toml",
            "[package]\nname = \"common\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nsame-mac = { path = \"../../mac\" }\n",
        ),
        (
            "one/common/src/main.rs",
            "fn main() { println!(\"{} {}\", same_mac::read_file!(\"data/v.txt\"), @n); }\n",
        ),
        ("one/common/data/v.txt", "@n\n"),
        ("two/Cargo.toml", "[workspace]\nmembers = [\"common\"]\nresolver = \"2\"\n"),
        ("two/common/Cargo.toml", "[package]\nname = \"common\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
        (
            "two/common/build.rs",
            "fn main() { println!(\"cargo:rustc-env=V={}\", std::fs::read_to_string(\"data/v.txt\").unwrap().trim()); }\n",
        ),
        ("two/common/src/main.rs", "fn main() { println!(\"{} {}\", env!(\"V\"), @n); }\n"),
        ("two/common/data/v.txt", "@n\n"),
    ],
    edits: &[
        Edit::Number("one/common/data/v.txt"),
        Edit::Number("two/common/data/v.txt"),
        Edit::Number("one/common/src/main.rs"),
        Edit::Number("two/common/src/main.rs"),
    ],
    excluded: &["mac", "one", "two"],
    programs: &["same-root"],
    workspaces: &["same-name/one", "same-name/two"],
    probe: "cargo_at same-name/two build && program same-name/two/target/debug/common; \
            cargo_at same-name/one build && program same-name/one/target/debug/common",
    ..Shape::NOTHING
}];
