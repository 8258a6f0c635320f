//! The inputs are described once, in `src/cli/inputs.rs`. What repeats them is checked here, and written by
//! `RUNNER_CACHE_BLESS=1 cargo test --test docs`.
#![allow(clippy::disallowed_methods, reason = "tests speak to the file system by the standard library")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Arg, CommandFactory};
use runner_cache::cli::Cli;
use runner_cache::plan::{Access, EVENTS, built_in_presets, parse_own_presets};
use runner_cache::report::RestoreReport;

/// Flags that are no inputs of the action.
const NO_INPUTS: [&str; 3] = ["help", "version", "no-session"];

/// Inputs that the action fills in by an expression of its own.
const BY_THE_RUNNER: [(&str, &str); 2] =
    [("job-status", "${{ job.status }}"), ("matrix", "${{ toJSON(matrix) }}")];

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn inputs() -> Vec<Arg> {
    let cli = Cli::command();
    let restore = cli.find_subcommand("restore").unwrap();
    let is_input = |arg: &&Arg| arg.get_long().is_some_and(|long| !NO_INPUTS.contains(&long));
    restore.get_arguments().filter(is_input).cloned().collect()
}

fn name(arg: &Arg) -> String {
    arg.get_long().unwrap().to_owned()
}

fn help(arg: &Arg) -> String {
    arg.get_help().unwrap().to_string().replace('\n', " ")
}

fn default(arg: &Arg) -> Option<String> {
    if arg.is_hide_default_value_set() {
        return None;
    }
    let default: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    (!default.is_empty()).then(|| default.join(","))
}

/// Compares a file with what it should be, or makes it so.
fn assert_is(path: &str, expected: &str) {
    let path = project(path);
    let actual = std::fs::read_to_string(&path).unwrap();
    if actual != expected && std::env::var_os("RUNNER_CACHE_BLESS").is_some() {
        std::fs::write(&path, expected).unwrap();
        return;
    }
    for (number, (actual, expected)) in actual.lines().zip(expected.lines()).enumerate() {
        assert_eq!(actual, expected, "{}:{}; to write it: RUNNER_CACHE_BLESS=1", path.display(), number + 1);
    }
    assert_eq!(actual.len(), expected.len(), "{}; to write it: RUNNER_CACHE_BLESS=1", path.display());
}

/// The file at `path` with all between the lines `start` and `end` replaced.
fn with_section(path: &str, start: &str, end: &str, section: &str) -> String {
    let text = std::fs::read_to_string(project(path)).unwrap();
    let (before, rest) = text.split_once(start).unwrap_or_else(|| panic!("{path} has no line {start:?}"));
    let (_, after) =
        rest.split_once(end).unwrap_or_else(|| panic!("{path} has no line {end:?} behind {start:?}"));
    format!("{before}{start}{section}{end}{after}")
}

/// Words in lines of at most 100 characters.
fn folded(text: &str, indent: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().unwrap();
        if !line.is_empty() && indent.len() + line.len() + 1 + word.len() > 100 {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.into_iter().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "{indent}{line}");
        text
    })
}

fn assert_action(path: &str, end: &str, left_out: &[&str]) {
    let mut section = String::new();
    for arg in inputs().iter().filter(|arg| !left_out.contains(&name(arg).as_str())) {
        let name = name(arg);
        let by_the_runner = BY_THE_RUNNER.iter().find(|(other, _)| *other == name);
        let default = default(arg).filter(|_| by_the_runner.is_none());
        let default = default.map(|default| format!(" Default: `{default}`.")).unwrap_or_default();
        let description = folded(&format!("{}.{default}", help(arg)), "      ");
        if by_the_runner.is_some() {
            section.push_str("  # An input's default sees contexts that a composite action's steps do not see on every runner.\n");
        }
        let _ = write!(section, "  {name}:\n    description: >-\n{description}    required: false\n");
        if let Some((_, expression)) = by_the_runner {
            let _ = writeln!(section, "    default: {expression}");
        }
    }
    assert_is(path, &with_section(path, "\ninputs:\n", end, &section));
}

#[test]
fn the_actions_have_the_inputs_of_the_program() {
    assert_action("action.yml", "\noutputs:\n", &["job-status"]);
    assert_action("restore/action.yml", "\noutputs:\n", &["job-status", "save", "keep"]);
    assert_action("save/action.yml", "\nruns:\n", &["restore-keys", "fail-on-cache-miss", "lookup-only"]);
}

#[test]
fn the_actions_have_the_outputs_of_the_program() {
    let report = RestoreReport {
        layers: Vec::new(),
        cargo_key: None,
        target_key: None,
        cache_root: PathBuf::new(),
        own_cargo_home: None,
        took: std::time::Duration::ZERO,
    };
    let expected: Vec<_> = report.outputs().into_iter().map(|(name, _)| name.to_owned()).collect();
    for path in ["action.yml", "restore/action.yml"] {
        let text = std::fs::read_to_string(project(path)).unwrap();
        let action: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
        let outputs = action["outputs"].as_mapping().unwrap();
        let names: Vec<_> = outputs.keys().map(|name| name.as_str().unwrap().to_owned()).collect();
        assert_eq!(names, expected, "{path}");
        for (name, output) in outputs {
            let name = name.as_str().unwrap();
            let value = output["value"].as_str().unwrap();
            assert_eq!(value, format!("${{{{ steps.restore.outputs.{name} }}}}"), "{path}");
        }
    }
}

#[test]
fn the_readme_has_all_presets() {
    let mut table = String::from("| preset | what is cached | where it is |\n|---|---|---|\n");
    for (name, preset) in built_in_presets() {
        let usual = preset.paths.iter().filter_map(|place| place.texts().last());
        let places: Vec<_> = usual.map(|path| format!("`{path}`")).collect();
        let _ = writeln!(table, "| `{name}` | {} | {} |", preset.about, places.join(", "));
    }
    let (start, end) = ("<!-- presets: generated, see tests/docs.rs -->\n", "<!-- end of presets -->\n");
    assert_is("README.md", &with_section("README.md", start, end, &table));
}

#[test]
fn the_readme_tells_what_each_event_lets_a_job_do() {
    let rows = [
        (Access::Ref, "its own ref, the default branch", "its own ref"),
        (
            Access::MergeRef,
            "the pull request's merge ref, the base branch, the default branch",
            "the merge ref",
        ),
        (Access::Base, "the base branch, the default branch", "nothing"),
    ];
    let mut table = String::from("| event | reads | saves to |\n|---|---|---|\n");
    for (access, reads, saves) in rows {
        let events = EVENTS.iter().filter(|(_, other)| *other == access);
        let events: Vec<_> = events.map(|(event, _)| format!("`{event}`")).collect();
        let events = if events.is_empty() {
            "all others, such as `pull_request_target`, `issue_comment` and `workflow_run`".to_owned()
        } else {
            events.join(", ")
        };
        let _ = writeln!(table, "| {events} | {reads} | {saves} |");
    }
    let (start, end) = ("<!-- events: generated, see tests/docs.rs -->\n", "<!-- end of events -->\n");
    assert_is("README.md", &with_section("README.md", start, end, &table));
}

#[test]
fn the_readmes_preset_of_a_repository_can_be_read() {
    let readme = std::fs::read_to_string(project("README.md")).unwrap();
    let (_, rest) = readme.split_once("```yaml\npresets:\n").unwrap();
    let (text, _) = rest.split_once("```").unwrap();
    assert_eq!(parse_own_presets(&format!("presets:\n{text}")).unwrap().len(), 1);
}

#[test]
fn the_readme_has_all_inputs() {
    let mut table = String::from("| input | what it means | default |\n|---|---|---|\n");
    for arg in inputs().iter().filter(|arg| !BY_THE_RUNNER.iter().any(|(other, _)| *other == name(arg))) {
        let default = default(arg).map(|default| format!("`{default}`")).unwrap_or_default();
        let _ = writeln!(table, "| `{}` | {} | {default} |", name(arg), help(arg).replace('|', "\\|"));
    }
    let (start, end) = ("<!-- inputs: generated, see tests/docs.rs -->\n", "<!-- end of inputs -->\n");
    assert_is("README.md", &with_section("README.md", start, end, &table));
}
