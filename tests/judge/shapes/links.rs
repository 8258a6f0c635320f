//! Links among the sources.

use crate::shape::{Edit, Package, Shape};

pub(super) const ALL: &[Shape] = &[
    Shape {
        name: "links",
        packages: &[Package::new("links", "")],
        files: &[
            (
                "build.rs",
                "fn main() {\n    println!(\"cargo:rerun-if-changed=data\");\n    println!(\"cargo:rustc-env=V={}\", std::fs::read_to_string(\"data/v.txt\").unwrap().trim());\n}\n",
            ),
            ("src/main.rs", "mod c;\nfn main() { println!(\"{} {} {}\", c::NUMBER, env!(\"V\"), @n); }\n"),
            ("src/a.rs", "pub const NUMBER: u32 = @n;\n"),
            ("src/b.rs", "pub const NUMBER: u32 = 1000 + @n;\n"),
            ("one/v.txt", "@n\n"),
            ("two/v.txt", "100@n\n"),
        ],
        links: &[("src/c.rs", "a.rs"), ("data", "one")],
        edits: &[
            Edit::Link("src/c.rs", &["a.rs", "b.rs"]),
            Edit::Link("data", &["one", "two"]),
            Edit::Number("src/a.rs"),
            Edit::Number("src/b.rs"),
            Edit::Number("one/v.txt"),
            Edit::Number("two/v.txt"),
        ],
        programs: &["links"],
        may_be_root: true,
        ..Shape::NOTHING
    },
    Shape {
        name: "manifest-link",
        packages: &[Package::mac("manifest-link-mac")],
        files: &[
            ("mac/src/lib.rs", super::macros::READ_FILE),
            (
                "/manifest-link-manifests/app.toml",
                "[package]\nname = \"manifest-link\"\nversion = \"0.1.@n\"\nedition = \"2021\"\n[dependencies]\nmanifest-link-mac = { path = \"mac\" }\n",
            ),
            (
                "src/main.rs",
                "fn main() { println!(\"{} {}\", manifest_link_mac::read_file!(\"v.txt\"), @n); }\n",
            ),
            ("v.txt", "@n\n"),
        ],
        links: &[("Cargo.toml", "../manifest-link-manifests/app.toml")],
        edits: &[
            Edit::Number("v.txt"),
            Edit::Number("/manifest-link-manifests/app.toml"),
            Edit::Number("src/main.rs"),
        ],
        programs: &["manifest-link"],
        inputs: &[("", "/manifest-link-manifests/")],
        ..Shape::NOTHING
    },
];
