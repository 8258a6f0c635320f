//! Procedural macros that read files, of which cargo knows nothing.

use crate::shape::{Edit, Package, Shape};

/// `read_file!("PATH")`: the text of a file, and `sum!("PATH")`: of all numbers in a directory; relative to the manifest.
pub(super) const READ_FILE: &str = r#"use proc_macro::{Literal, TokenStream, TokenTree};

fn path(input: TokenStream) -> std::path::PathBuf {
    std::path::Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join(input.to_string().trim().trim_matches('"'))
}

#[proc_macro]
pub fn read_file(input: TokenStream) -> TokenStream {
    TokenTree::Literal(Literal::string(std::fs::read_to_string(path(input)).unwrap_or_default().trim())).into()
}

#[proc_macro]
pub fn sum(input: TokenStream) -> TokenStream {
    let files = std::fs::read_dir(path(input)).unwrap().map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    TokenTree::Literal(Literal::u64_unsuffixed(files.map(|text| text.trim().parse::<u64>().unwrap()).sum())).into()
}
"#;

pub(super) const ALL: &[Shape] = &[
    Shape {
        name: "reads",
        packages: &[
            Package::new("reads", "[dependencies]\nreads-mac = { path = \"mac\" }\n"),
            Package::mac("reads-mac"),
        ],
        files: &[
            ("mac/src/lib.rs", READ_FILE),
            ("src/lib.rs", "pub const SUM: u64 = reads_mac::sum!(\"templates\") + @n;\n"),
            ("src/main.rs", "fn main() { println!(\"{}\", reads::SUM); }\n"),
            ("templates/a", "@n\n"),
            ("templates/b", "@n\n"),
        ],
        edits: &[
            Edit::Number("templates/a"),
            Edit::Number("templates/b"),
            Edit::Remove("templates/b"),
            Edit::Add("templates/c", "@n\n"),
            Edit::Rename("templates/c", "templates/d"),
            Edit::Number("src/lib.rs"),
        ],
        programs: &["reads"],
        ..Shape::NOTHING
    },
    Shape {
        name: "pages",
        packages: &[Package::mac("pages-mac")],
        files: &[
            ("mac/src/lib.rs", READ_FILE),
            (
                "Cargo.toml",
                "[package]\nname = \"pages\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[package.metadata.i18n]\ndefault = \"@n\"\n\
                 [dependencies]\npages-mac = { path = \"mac\" }\n",
            ),
            (
                "src/main.rs",
                "fn main() {\n    let manifest = pages_mac::read_file!(\"Cargo.toml\");\n    let default = manifest.split(\"default = \").nth(1).unwrap().lines().next();\n    \
                 println!(\"{:?} {} {} {}\", default, pages_mac::read_file!(\"GUIDE.md\"), pages_mac::read_file!(\"examples/x.txt\"), @n);\n}\n",
            ),
            ("GUIDE.md", "@n\n"),
            ("examples/x.txt", "@n\n"),
        ],
        edits: &[
            Edit::Number("Cargo.toml"),
            Edit::Number("GUIDE.md"),
            Edit::Number("examples/x.txt"),
            Edit::Number("src/main.rs"),
        ],
        programs: &["pages"],
        ..Shape::NOTHING
    },
    Shape {
        name: "watched",
        packages: &[
            Package::new("watched", "[dependencies]\nwatched-mac = { path = \"mac\" }\n"),
            Package::mac("watched-mac"),
        ],
        files: &[
            ("mac/src/lib.rs", READ_FILE),
            ("src/lib.rs", "pub const V: &str = watched_mac::read_file!(\"schema.txt\");\n"),
            (
                "src/main.rs",
                "fn main() { println!(\"{} {} {}\", watched::V, include_str!(\"../schema.txt\").trim(), @n); }\n",
            ),
            (
                "tests/same.rs",
                "#[test]\nfn same() { assert_eq!(watched::V, include_str!(\"../schema.txt\").trim()); }\n",
            ),
            ("schema.txt", "@n\n"),
        ],
        edits: &[Edit::Number("schema.txt"), Edit::Number("src/main.rs")],
        programs: &["watched"],
        ..Shape::NOTHING
    },
];
