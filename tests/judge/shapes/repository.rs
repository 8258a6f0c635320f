//! What git tells, and what cargo's configuration names.

use crate::shape::{Edit, Package, Shape};

pub(super) const ALL: &[Shape] = &[
    Shape {
        name: "git-hash",
        packages: &[Package::new("git-hash", "")],
        files: &[
            (
                "build.rs",
                "fn main() {\n    let told = std::process::Command::new(\"git\").args([\"rev-parse\", \"HEAD\"]).output().unwrap();\n    \
                 println!(\"cargo:rustc-env=V={}\", String::from_utf8(told.stdout).unwrap().trim());\n}\n",
            ),
            ("src/main.rs", "fn main() { println!(\"{} {}\", env!(\"V\"), @n); }\n"),
            ("/git-hash-notes.txt", "@n\n"),
        ],
        edits: &[Edit::Number("/git-hash-notes.txt"), Edit::Number("src/main.rs")],
        programs: &["git-hash"],
        inputs: &[("", "/HEAD")],
        may_be_root: true,
        ..Shape::NOTHING
    },
    Shape {
        name: "git-head",
        packages: &[Package::new("git-head", "")],
        files: &[
            (
                "build.rs",
                "fn git(words: &[&str]) -> String { String::from_utf8(std::process::Command::new(\"git\").args(words).output().unwrap().stdout).unwrap() }\n\
                 fn main() {\n    let directory = git(&[\"rev-parse\", \"--absolute-git-dir\"]);\n    let directory = directory.trim();\n    \
                 println!(\"cargo:rerun-if-changed={directory}/HEAD\\ncargo:rerun-if-changed={directory}/refs/heads\");\n    \
                 println!(\"cargo:rustc-env=V={} {}\", git(&[\"rev-parse\", \"HEAD\"]).trim(), git(&[\"branch\", \"--show-current\"]).trim());\n}\n",
            ),
            ("src/main.rs", "fn main() { println!(\"{} {}\", env!(\"V\"), @n); }\n"),
            ("/git-head-notes.txt", "@n\n"),
        ],
        edits: &[Edit::Number("/git-head-notes.txt"), Edit::Number("src/main.rs")],
        programs: &["git-head"],
        inputs: &[("", "/HEAD")],
        may_be_root: true,
        ..Shape::NOTHING
    },
    Shape {
        name: "git-state",
        packages: &[Package::new("git-state", "")],
        files: &[("src/main.rs", "fn main() { println!(\"@n\"); }\n")],
        edits: &[Edit::Number("src/main.rs")],
        programs: &["git-state"],
        steps: "inside git diff-files --quiet; echo \"files: $?\"; inside git diff-index --quiet HEAD --; echo \"index: $?\"; \
                inside git describe --always --dirty --exclude='*' | grep -c dirty",
        probe: "inside git status --porcelain",
        may_be_root: true,
        ..Shape::NOTHING
    },
    Shape {
        name: "linker",
        packages: &[Package::new("linker", "")],
        files: &[
            ("/linker.args", "-Wl,--defsym=answer=@n\n"),
            (
                "src/main.rs",
                "extern \"C\" { static answer: u8; }\nfn main() { println!(\"{} {}\", unsafe { &raw const answer as usize }, @n); }\n",
            ),
        ],
        edits: &[Edit::Number("/linker.args"), Edit::Number("src/main.rs")],
        programs: &["linker"],
        config: "[build]\nrustflags = [\"-C\", \"link-arg=@linker.args\", \"-C\", \"relocation-model=static\"]\n",
        inputs: &[("", "/linker.args")],
        // Rustc reads the file where it is started, for git dependencies in their own directories.
        excludes: &["git-sys", "git-writes"],
        ..Shape::NOTHING
    },
];
