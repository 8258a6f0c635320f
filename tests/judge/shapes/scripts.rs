//! Build scripts, by what they tell cargo of their inputs.

use crate::shape::{Edit, Package, Shape};

/// Prints what the script gave it.
const MAIN: &str = "fn main() { println!(\"{} {}\", env!(\"V\"), @n); }\n";

/// The sum of all numbers in `data`, as a variable of rustc.
const SUM: &str = r"fn sum(directory: &std::path::Path) -> u64 {
    std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| if path.is_dir() { sum(&path) } else { std::fs::read_to_string(path).unwrap().trim().parse::<u64>().unwrap() })
        .sum()
}
";

pub(super) const ALL: &[Shape] = &[
    Shape {
        name: "silent",
        packages: &[Package::new("silent", "")],
        files: &[
            (
                "build.rs",
                "include!(\"sum.rs\");\nfn main() { println!(\"cargo:rustc-env=V={}\", sum(std::path::Path::new(\"data\")) + @n); }\n",
            ),
            ("sum.rs", SUM),
            ("src/main.rs", MAIN),
            ("data/a.txt", "@n\n"),
            ("data/b.txt", "@n\n"),
            ("data/deep/c.txt", "@n\n"),
        ],
        edits: DATA,
        programs: &["silent"],
        may_be_root: true,
        ..Shape::NOTHING
    },
    Shape {
        name: "directory",
        packages: &[Package::new("directory", "")],
        files: &[
            (
                "build.rs",
                "include!(\"sum.rs\");\nfn main() {\n    println!(\"cargo:rerun-if-changed=data\");\n    println!(\"cargo:rustc-env=V={}\", \
                 sum(std::path::Path::new(\"data\")) + @n);\n}\n",
            ),
            ("sum.rs", SUM),
            ("src/main.rs", MAIN),
            ("data/a.txt", "@n\n"),
            ("data/b.txt", "@n\n"),
            ("data/deep/c.txt", "@n\n"),
        ],
        edits: DATA,
        programs: &["directory"],
        may_be_root: true,
        ..Shape::NOTHING
    },
    Shape {
        name: "files",
        packages: &[Package::new("files", "")],
        files: &[
            (
                "build.rs",
                "fn main() {\n    println!(\"cargo:rerun-if-changed=v.txt\");\n    println!(\"cargo:rustc-env=V={}\", \
                 std::fs::read_to_string(\"v.txt\").unwrap_or(\"none\".into()).trim());\n}\n",
            ),
            ("src/main.rs", MAIN),
            ("v.txt", "@n\n"),
        ],
        edits: &[Edit::Number("v.txt"), Edit::Remove("v.txt"), Edit::Number("src/main.rs")],
        programs: &["files"],
        may_be_root: true,
        ..Shape::NOTHING
    },
    Shape {
        name: "variable",
        packages: &[Package::new("variable", "")],
        files: &[
            (
                "build.rs",
                "fn main() {\n    println!(\"cargo:rerun-if-env-changed=JUDGE_SCRIPT\");\n    println!(\"cargo:rustc-env=V={}\", \
                 std::env::var(\"JUDGE_SCRIPT\").unwrap_or_default());\n}\n",
            ),
            (
                "src/main.rs",
                "fn main() { println!(\"{} {:?} {}\", env!(\"V\"), option_env!(\"JUDGE_SOURCE\"), @n); }\n",
            ),
            ("/variable-values/script", "@n\n"),
            ("/variable-values/source", "@n\n"),
        ],
        edits: &[
            Edit::Number("/variable-values/script"),
            Edit::Number("/variable-values/source"),
            Edit::Number("src/main.rs"),
        ],
        programs: &["variable"],
        steps: "VARIABLES+=(\"JUDGE_SCRIPT=$(cat \"$W/variable-values/script\")\" \"JUDGE_SOURCE=$(cat \"$W/variable-values/source\")\")",
        inputs: &[("", "/variable-values/")],
        ..Shape::NOTHING
    },
    // What a script asks for without telling cargo.
    Shape {
        name: "asked",
        packages: &[Package::new("asked", "")],
        files: &[
            (
                "build.rs",
                "fn main() {\n    println!(\"cargo:rerun-if-changed=build.rs\");\n    println!(\"cargo:rustc-env=V={}\", \
                 std::env::var(\"JUDGE_ASKED\").unwrap_or_default());\n}\n",
            ),
            ("src/main.rs", MAIN),
            ("/asked-values/v", "@n\n"),
        ],
        edits: &[Edit::Number("/asked-values/v"), Edit::Number("src/main.rs")],
        programs: &["asked"],
        before: "VARIABLES+=(\"JUDGE_ASKED=$(cat \"$W/asked-values/v\")\")",
        inputs: &[("", "/asked-values/")],
        ..Shape::NOTHING
    },
    Shape {
        name: "calls",
        packages: &[Package::new("calls", "")],
        files: &[
            (
                "build.rs",
                "fn main() {\n    println!(\"cargo:rerun-if-changed=build.rs\");\n    \
                 let said = std::process::Command::new(\"judge-calls-tool\").output().unwrap();\n    \
                 println!(\"cargo:rustc-env=V={}\", String::from_utf8(said.stdout).unwrap().trim());\n}\n",
            ),
            ("src/main.rs", MAIN),
            ("/calls-tools/v", "@n\n"),
        ],
        edits: &[Edit::Number("/calls-tools/v"), Edit::Number("src/main.rs")],
        programs: &["calls"],
        // The host's: it is another one when the host was upgraded.
        before: "mkdir -p \"$LAB/tools\"; printf '#!/bin/sh\\necho %s\\n' \"$(cat \"$W/calls-tools/v\")\" >\"$LAB/tools/judge-calls-tool\"; \
                 chmod +x \"$LAB/tools/judge-calls-tool\"; VARIABLES+=(\"PATH=$LAB/tools:$PATH\")",
        inputs: &[("", "/calls-tools/")],
        ..Shape::NOTHING
    },
    Shape {
        name: "with-path",
        packages: &[Package::new("with-path", "")],
        files: &[
            (
                "build.rs",
                "fn main() {\n    println!(\"cargo:rerun-if-changed=v.txt\");\n    println!(\"cargo:rustc-env=V={}\", \
                 std::fs::read_to_string(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/v.txt\")).expect(\"v.txt\").trim());\n}\n",
            ),
            ("src/main.rs", MAIN),
            ("v.txt", "@n\n"),
        ],
        edits: &[Edit::Number("v.txt"), Edit::Number("build.rs"), Edit::Number("src/main.rs")],
        programs: &["with-path"],
        may_be_root: true,
        ..Shape::NOTHING
    },
    Shape {
        name: "nested",
        packages: &[Package::new("nested", "")],
        files: &[
            (
                "build.rs",
                "fn main() { println!(\"cargo:rustc-env=V={}\", std::fs::read_to_string(\"template/src/main.rs\").unwrap().trim()); }\n",
            ),
            ("src/main.rs", MAIN),
            ("template/Cargo.toml", "[package]\nname = {{name}}\n"),
            ("template/src/main.rs", "@n\n"),
        ],
        edits: &[
            Edit::Number("template/src/main.rs"),
            Edit::Number("src/main.rs"),
            Edit::Add("template/src/lib.rs", "@n\n"),
        ],
        programs: &["nested"],
        excluded: &["template"],
        inputs: &[("", "template/")],
        may_be_root: true,
        ..Shape::NOTHING
    },
    Shape {
        name: "mode",
        packages: &[Package::new("mode", "")],
        files: &[
            (
                "build.rs",
                "use std::os::unix::fs::PermissionsExt;\nfn main() {\n    println!(\"cargo:rerun-if-changed=assets\");\n    \
                 let mode = std::fs::metadata(\"assets/run.sh\").unwrap().permissions().mode() & 0o111;\n    \
                 println!(\"cargo:rustc-env=V={mode:o}\");\n}\n",
            ),
            ("src/main.rs", MAIN),
            ("assets/run.sh", "#!/bin/sh\necho @n\n"),
        ],
        edits: &[Edit::Mode("assets/run.sh"), Edit::Number("assets/run.sh"), Edit::Number("src/main.rs")],
        programs: &["mode"],
        may_be_root: true,
        ..Shape::NOTHING
    },
];

/// What people do to a directory of data.
const DATA: &[Edit] = &[
    Edit::Number("data/a.txt"),
    Edit::Number("data/b.txt"),
    Edit::Number("data/deep/c.txt"),
    Edit::Remove("data/b.txt"),
    Edit::Rename("data/b.txt", "data/deep/b.txt"),
    Edit::Remove("data/deep/b.txt"),
    Edit::Add("data/new.txt", "@n\n"),
    Edit::Add("data/deep/new.txt", "@n\n"),
    Edit::Number("build.rs"),
    Edit::Number("src/main.rs"),
];
