//! Build scripts, by where they write.

use crate::shape::{Edit, Package, Shape};

pub(super) const ALL: &[Shape] = &[
    Shape {
        name: "out-state",
        packages: &[Package::new("out-state", "")],
        files: &[
            (
                "build.rs",
                r#"fn main() {
    println!("cargo:rerun-if-changed=v.txt");
    let out = std::path::PathBuf::from(std::env::var("OUT_DIR").unwrap()).join("v.rs");
    if !out.exists() {
        let text = std::fs::read_to_string("v.txt").unwrap();
        std::fs::write(out, format!("pub const V: &str = {:?};", text.trim())).unwrap();
    }
}
"#,
            ),
            (
                "src/main.rs",
                "include!(concat!(env!(\"OUT_DIR\"), \"/v.rs\"));\nfn main() { println!(\"{} {}\", V, @n); }\n",
            ),
            ("v.txt", "@n\n"),
        ],
        edits: &[Edit::Number("v.txt"), Edit::Number("src/main.rs")],
        programs: &["out-state"],
        may_be_root: true,
        ..Shape::NOTHING
    },
    Shape {
        name: "out-empty",
        packages: &[Package::new("out-empty", "")],
        files: &[
            (
                "build.rs",
                r#"fn main() {
    println!("cargo:rerun-if-changed=v.txt");
    let out = std::path::PathBuf::from(std::env::var("OUT_DIR").unwrap());
    std::fs::create_dir(out.join("bits")).unwrap();
}
"#,
            ),
            ("src/main.rs", "fn main() { println!(\"@n\"); }\n"),
            ("v.txt", "@n\n"),
        ],
        edits: &[Edit::Number("v.txt"), Edit::Number("src/main.rs")],
        programs: &["out-empty"],
        may_be_root: true,
        ..Shape::NOTHING
    },
    Shape {
        name: "out-file",
        packages: &[Package::new("out-file", "")],
        files: &[
            (
                "build.rs",
                r#"fn main() {
    println!("cargo:rerun-if-changed=v.txt");
    let out = std::path::PathBuf::from(std::env::var("OUT_DIR").unwrap());
    std::fs::copy("v.txt", out.join("v.txt")).unwrap();
}
"#,
            ),
            (
                "src/main.rs",
                "fn main() { println!(\"{} {}\", std::fs::read_to_string(concat!(env!(\"OUT_DIR\"), \"/v.txt\")).unwrap().trim(), @n); }\n",
            ),
            ("v.txt", "@n\n"),
        ],
        edits: &[Edit::Number("v.txt"), Edit::Number("src/main.rs")],
        programs: &["out-file"],
        may_be_root: true,
        ..Shape::NOTHING
    },
    Shape {
        name: "into-src",
        packages: &[Package::new("into-src", "")],
        files: &[
            (
                "build.rs",
                r#"fn main() {
    println!("cargo:rerun-if-changed=proto");
    std::fs::create_dir_all("src/pb").unwrap();
    let text = std::fs::read_to_string("proto/a.proto").unwrap();
    std::fs::write("src/pb/mod.rs", format!("pub const V: &str = {:?};\n", text.trim())).unwrap();
}
"#,
            ),
            ("src/main.rs", "mod pb;\nfn main() { println!(\"{} {}\", pb::V, @n); }\n"),
            ("proto/a.proto", "@n\n"),
        ],
        edits: &[Edit::Number("proto/a.proto"), Edit::Number("src/main.rs"), Edit::Add("README.md", "@n\n")],
        programs: &["into-src"],
        ignored: &["/@d/src/pb"],
        may_be_root: true,
        is_made_again: true,
        ..Shape::NOTHING
    },
    Shape {
        name: "beside-packages",
        packages: &[
            Package { name: "beside-ffi", directory: "ffi", manifest: "" },
            Package {
                name: "beside-test",
                directory: "test",
                manifest: "[dependencies]\nbeside-ffi = { path = \"../ffi\" }\n",
            },
        ],
        files: &[
            (
                "ffi/build.rs",
                r#"fn main() {
    println!("cargo:rerun-if-changed=src");
    std::fs::create_dir_all("../include").unwrap();
    std::fs::write("../include/ffi.h", std::fs::read_to_string("src/lib.rs").unwrap()).unwrap();
}
"#,
            ),
            ("ffi/src/lib.rs", "pub fn one() -> u32 { @n }\n"),
            ("test/src/lib.rs", "pub const N: u32 = @n;\n"),
            (
                "test/tests/header.rs",
                "#[test]\nfn header() { assert!(std::fs::read_to_string(\"../include/ffi.h\").unwrap().contains(&format!(\"{{ {} }}\", beside_ffi::one()))); }\n",
            ),
        ],
        edits: &[
            Edit::Number("ffi/src/lib.rs"),
            Edit::Number("test/src/lib.rs"),
            Edit::Add("/NOTES.md", "@n\n"),
        ],
        ignored: &["/@d/include"],
        probe: "cat \"$W/@d/include/ffi.h\"",
        is_made_again: true,
        ..Shape::NOTHING
    },
    Shape {
        name: "beside-program",
        packages: &[Package::new("beside-program", "")],
        files: &[
            (
                "build.rs",
                r#"fn main() {
    println!("cargo:rerun-if-changed=v.txt");
    let out = std::path::PathBuf::from(std::env::var("OUT_DIR").unwrap());
    let profile = out.ancestors().nth(3).unwrap();
    std::fs::copy("v.txt", profile.join("beside-program.txt")).unwrap();
    let assets = profile.parent().unwrap().join("assets/doc");
    std::fs::create_dir_all(&assets).unwrap();
    std::fs::copy("v.txt", assets.join("beside-program.1")).unwrap();
}
"#,
            ),
            (
                "src/main.rs",
                "fn main() {\n    let beside = std::env::current_exe().unwrap().with_file_name(\"beside-program.txt\");\n    \
                 println!(\"{} {}\", std::fs::read_to_string(beside).unwrap_or(\"not found\".into()).trim(), @n);\n}\n",
            ),
            ("v.txt", "@n\n"),
        ],
        edits: &[Edit::Number("v.txt"), Edit::Number("src/main.rs")],
        programs: &["beside-program"],
        probe: "cat \"$W/target/assets/doc/beside-program.1\" || echo none",
        may_be_root: true,
        ..Shape::NOTHING
    },
];
