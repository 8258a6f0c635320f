//! The inputs are described once, in `src/cli/inputs.rs`. What repeats them is checked here, and written by
//! `RUNNER_CACHE_BLESS=1 cargo test --test docs`. So are the links of the pages, and the messages that they explain.
#![allow(clippy::disallowed_methods, reason = "tests speak to the file system by the standard library")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use clap::{Arg, CommandFactory, ValueEnum};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use runner_cache::cli::Cli;
use runner_cache::outcome::{CheckCode, Code, Hit, LayerRestore, RestoreOutcome, RestoreTimes};
use runner_cache::plan::{Access, EVENTS, built_in_presets, parse_own_presets};
use runner_cache::report::metrics::{METRICS, Metric};
use runner_cache::store::Layer;

/// Flags that are no inputs of the action.
const NO_INPUTS: [&str; 5] = ["help", "version", "no-session", "json", "github-token-file"];

/// Inputs that the action fills in by an expression of its own.
const BY_THE_RUNNER: [(&str, &str); 3] = [
    ("github-token", "${{ github.token }}"),
    ("job-status", "${{ job.status }}"),
    ("matrix", "${{ toJSON(matrix) }}"),
];

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
    let mut is_explained = false;
    for arg in inputs().iter().filter(|arg| !left_out.contains(&name(arg).as_str())) {
        let name = name(arg);
        let by_the_runner = BY_THE_RUNNER.iter().find(|(other, _)| *other == name);
        let default = default(arg).filter(|_| by_the_runner.is_none());
        let default = default.map(|default| format!(" Default: `{default}`.")).unwrap_or_default();
        let description = folded(&format!("{}.{default}", help(arg)), "      ");
        assert!(description.lines().count() <= 2, "{path}: `{name}` has more than two lines:\n{description}");
        if by_the_runner.is_some() && !std::mem::replace(&mut is_explained, true) {
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
    assert_action(
        "restore/action.yml",
        "\noutputs:\n",
        &["job-status", "save", "keep", "post", "github-token"],
    );
    assert_action(
        "save/action.yml",
        "\nruns:\n",
        &["restore-keys", "fail-on-cache-miss", "lookup-only", "post", "github-token"],
    );
}

fn report(layers: Vec<LayerRestore>) -> RestoreOutcome {
    let own_cargo_home = Some(PathBuf::new());
    let nothing = RestoreOutcome::of_nothing(Path::new(""), Duration::ZERO);
    RestoreOutcome { layers, own_cargo_home, incremental: Some(true), ..nothing }
}

fn layer(layer: Layer) -> LayerRestore {
    LayerRestore {
        layer,
        key: String::new(),
        hit: Hit::Miss,
        matched: None,
        transfer: None,
        composed: None,
        reason: None,
        directory: PathBuf::new(),
        times: RestoreTimes::default(),
    }
}

/// Names and descriptions of an action's outputs.
fn outputs(path: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(project(path)).unwrap();
    let action: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
    let of = |(name, output): (&serde_yaml::Value, &serde_yaml::Value)| {
        let name = name.as_str().unwrap().to_owned();
        assert_eq!(
            output["value"].as_str().unwrap(),
            format!("${{{{ steps.restore.outputs.{name} }}}}"),
            "{path}"
        );
        (name, output["description"].as_str().unwrap().to_owned())
    };
    action["outputs"].as_mapping().unwrap().iter().map(of).collect()
}

#[test]
fn the_actions_have_the_outputs_of_the_program() {
    let expected: Vec<_> =
        report(Vec::new()).outputs().into_iter().map(|(name, _)| name.to_owned()).collect();
    for path in ["action.yml", "restore/action.yml"] {
        let names: Vec<_> = outputs(path).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, expected, "{path}");
        assert_eq!(outputs(path), outputs("action.yml"), "{path}");
    }
}

/// Writes a table into a page, between the marks of `what`.
fn assert_table(path: &str, what: &str, table: &str) {
    let (start, end) =
        (format!("<!-- {what}: generated, see tests/docs.rs -->\n"), format!("<!-- end of {what} -->\n"));
    assert_is(path, &with_section(path, &start, &end, table));
}

#[test]
fn the_pages_have_all_inputs() {
    let mut table = String::from("| input | meaning | default |\n|---|---|---|\n");
    for arg in inputs().iter().filter(|arg| !help(arg).starts_with("Set by the action")) {
        let default = default(arg).map(|default| format!("`{default}`")).unwrap_or_default();
        let _ = writeln!(table, "| `{}` | {} | {default} |", name(arg), help(arg).replace('|', "\\|"));
    }
    assert_table("docs/inputs-and-outputs.md", "inputs", &table);
}

#[test]
fn the_pages_have_all_outputs() {
    let mut table = String::from("| output | meaning |\n|---|---|\n");
    for (name, meaning) in outputs("action.yml") {
        let _ = writeln!(table, "| `{name}` | {} |", meaning.trim_end_matches('.'));
    }
    assert_table("docs/inputs-and-outputs.md", "outputs", &table);
}

/// What the variables mean that a restore sets for later steps.
const VARIABLES: [(&str, &str); 11] = [
    ("CARGO_HOME", "the job's own cargo home, with `isolate-cargo-home`"),
    ("CARGO_INCREMENTAL", "`1` or `0`, with `incremental: true` or `false`"),
    ("CARGO_CACHE_DIR", "directory of the entries of the `cargo` layer's key"),
    ("CARGO_CACHE_RESTORED", "`true` after an exact hit of the `cargo` layer"),
    ("CARGO_REGISTRY_RESTORED", "`true` when any file of `registry/` was restored"),
    ("CARGO_GIT_RESTORED", "`true` when any file of `git/` was restored"),
    ("TARGET_CACHE_DIR", "directory of the entries of the `target` layer's key"),
    ("TARGET_CACHE_RESTORED", "`true` after an exact hit of the `target` layer"),
    ("TARGET_RESTORED", "`true` when any file of a target directory was restored"),
    ("BUILD_CACHE_DIR", "directory of the entries of the `builds` layer's key"),
    ("BUILDS_RESTORED", "`true` when any build output was restored"),
];

#[test]
fn the_pages_have_all_variables() {
    let set =
        report([Layer::Cargo, Layer::Target, Layer::Builds, Layer::Paths, Layer::Bins].map(layer).into())
            .env();
    let set: Vec<_> = set.into_iter().map(|(name, _)| name).collect();
    assert_eq!(set, VARIABLES.map(|(name, _)| name), "the variables that a restore sets");
    let mut table = String::from("| variable | meaning |\n|---|---|\n");
    for (name, meaning) in VARIABLES {
        let _ = writeln!(table, "| `{name}` | {meaning} |");
    }
    assert_table("docs/inputs-and-outputs.md", "variables", &table);
}

#[test]
fn the_pages_have_all_presets() {
    let mut table = String::from("| preset | what is cached | where it is |\n|---|---|---|\n");
    for (name, preset) in built_in_presets() {
        let usual = preset.paths.iter().filter_map(|place| place.texts().last());
        let places: Vec<_> = usual.map(|path| format!("`{path}`")).collect();
        let _ = writeln!(table, "| `{name}` | {} | {} |", preset.about, places.join(", "));
    }
    assert_table("docs/presets.md", "presets", &table);
}

#[test]
fn the_pages_say_what_each_event_lets_a_job_do() {
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
    assert_table("docs/keys-and-scopes.md", "events", &table);
}

#[test]
fn the_pages_name_each_code_of_a_warning() {
    let mut table = String::from("| `code` | what the warning is about |\n|---|---|\n");
    for code in Code::value_variants() {
        let value = code.to_possible_value().unwrap();
        let json = serde_json::to_value(code).unwrap();
        assert_eq!(json, value.get_name(), "one name");
        let _ = writeln!(table, "| `{}` | {} |", value.get_name(), value.get_help().unwrap());
    }
    assert_table("docs/json.md", "warnings", &table);
}

#[test]
fn the_pages_name_each_check_of_a_host() {
    let mut table = String::from("| `code` | what is checked |\n|---|---|\n");
    for code in CheckCode::value_variants() {
        let value = code.to_possible_value().unwrap();
        assert_eq!(serde_json::to_value(code).unwrap(), value.get_name(), "one name");
        let _ = writeln!(table, "| `{}` | {} |", value.get_name(), value.get_help().unwrap());
    }
    assert_table("docs/hosts.md", "checks", &table);
}

#[test]
fn the_pages_have_all_metrics() {
    let mut table = String::from("| metric | labels | meaning |\n|---|---|---|\n");
    for Metric { name, help, labels, .. } in METRICS {
        let labels: Vec<_> = labels.iter().map(|label| format!("`{label}`")).collect();
        let _ = writeln!(table, "| `{name}` | {} | {} |", labels.join(", "), help.trim_end_matches('.'));
    }
    assert_table("docs/statistics.md", "metrics", &table);
}

#[test]
fn the_page_of_statistics_shows_a_screen_of_top() {
    let snapshot = project("tests/snapshots/screen__a_host_where_one_waits_for_another.snap");
    let snapshot = std::fs::read_to_string(snapshot).unwrap();
    let (_, screen) = snapshot.rsplit_once("---\n").unwrap();
    let lines = screen.lines().map(|line| line.trim_matches('"').trim_end());
    let text = lines.fold(String::new(), |text, line| text + line + "\n");
    assert_table("docs/statistics.md", "screen", &format!("```text\n{}\n```\n", text.trim_end()));
}

/// All texts named `name` in `json`, at any depth.
fn texts_named<'j>(json: &'j serde_json::Value, name: &str) -> Vec<&'j str> {
    match json {
        serde_json::Value::Object(fields) => {
            let own = fields.get(name).and_then(serde_json::Value::as_str);
            own.into_iter().chain(fields.values().flat_map(|field| texts_named(field, name))).collect()
        }
        serde_json::Value::Array(items) => items.iter().flat_map(|item| texts_named(item, name)).collect(),
        _ => Vec::new(),
    }
}

/// Metrics in an expression of the dashboard, each with the labels that are asked of it.
fn asked(expression: &str) -> Vec<(&str, Vec<&str>)> {
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let starts = expression.match_indices("runner_cache_").map(|(start, _)| &expression[start..]);
    let metrics = starts.map(|rest| {
        let (name, rest) = rest.split_at(rest.find(|letter| !is_of_name(letter)).unwrap_or(rest.len()));
        let matchers = rest.strip_prefix('{').and_then(|rest| Some(rest.split_once('}')?.0));
        let matchers = matchers.unwrap_or_default().split(',').filter(|matcher| !matcher.is_empty());
        (name, matchers.map(|matcher| matcher.split(['=', '!']).next().unwrap()).collect())
    });
    let by = expression.split(" by (").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    let by: Vec<_> = by.flat_map(|labels| labels.split(", ")).collect();
    metrics.map(|(name, labels): (_, Vec<_>)| (name, [labels, by.clone()].concat())).collect()
}

#[test]
fn the_dashboard_asks_for_metrics_and_labels_that_are_written() {
    let text = std::fs::read_to_string(project("docs/grafana/runner-cache.json")).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&text).unwrap();
    let expressions = texts_named(&dashboard, "expr");
    let mut used = BTreeSet::new();
    for (name, labels) in expressions.iter().flat_map(|expression| asked(expression)) {
        let metric = METRICS.iter().find(|metric| metric.name == name);
        let metric = metric.unwrap_or_else(|| panic!("{name} is no metric"));
        for label in labels {
            assert!(label == "instance" || metric.labels.contains(&label), "{name} has no label {label}");
        }
        used.insert(name);
    }
    let unused: Vec<_> =
        METRICS.iter().map(|metric| metric.name).filter(|name| !used.contains(name)).collect();
    assert!(unused.is_empty(), "no panel shows {unused:?}");
    for query in texts_named(&dashboard, "definition") {
        let (name, label) =
            query.strip_prefix("label_values(").unwrap().trim_end_matches(')').split_once(", ").unwrap();
        let metric = METRICS.iter().find(|metric| metric.name == name).unwrap();
        assert!(label == "instance" || metric.labels.contains(&label), "{query}");
    }
}

#[test]
fn metrics_are_named_as_prometheus_names_them() {
    for Metric { name, kind, help, labels } in METRICS {
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name}");
        assert!(["counter", "gauge"].contains(&kind) && help.ends_with('.'), "{name}");
        let is_plain = |text: &str| text.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_');
        assert!(is_plain(name) && labels.iter().all(|label| is_plain(label)), "{name}");
        assert!(!labels.contains(&"job") && !labels.contains(&"instance"), "{name}: Prometheus' own");
        assert!(
            !["_ms", "_kb", "_mb", "_percent", "_minutes"].iter().any(|unit| name.contains(unit)),
            "{name}"
        );
    }
}

#[test]
fn the_pages_preset_of_a_repository_can_be_read() {
    let page = std::fs::read_to_string(project("docs/presets.md")).unwrap();
    let (_, rest) = page.split_once("```yaml\npresets:\n").unwrap();
    let (text, _) = rest.split_once("```").unwrap();
    assert_eq!(parse_own_presets(&format!("presets:\n{text}")).unwrap().len(), 1);
}

#[test]
fn the_readme_is_short() {
    let lines = std::fs::read_to_string(project("README.md")).unwrap().lines().count();
    assert!(lines <= 150, "README.md has {lines} lines; more than 150 belong into docs/");
}

/// Files below `directory` whose names end in `.ending`, by their paths in the project.
fn files_below(directory: &str, ending: &str) -> Vec<String> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(project(directory)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{directory}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            files.extend(files_below(&path, ending));
        } else if Path::new(&path).extension().is_some_and(|other| other == ending) {
            files.push(path);
        }
    }
    files
}

/// What others can refer to, and what refers to others.
#[derive(Default)]
struct Page {
    anchors: BTreeSet<String>,
    links: Vec<String>,
    /// The code in headings of the third level.
    messages: Vec<String>,
}

impl Page {
    fn read(path: &str) -> Self {
        let text = std::fs::read_to_string(project(path)).unwrap();
        let (mut page, mut heading) = (Self::default(), None);
        for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Heading { level, .. }) => heading = Some((level, String::new())),
                Event::End(TagEnd::Heading(_)) => page.add_anchor(&heading.take().unwrap().1),
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(dest_url.into_string());
                }
                Event::Text(text) => {
                    if let Some((_, heading)) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                Event::Code(text) => {
                    if let Some((level, heading)) = &mut heading {
                        heading.push_str(&text);
                        if *level == HeadingLevel::H3 {
                            page.messages.push(text.into_string());
                        }
                    }
                }
                _ => {}
            }
        }
        page
    }

    /// As GitHub makes them: letters and digits in lower case, `-` for blanks; repeated ones are numbered.
    fn add_anchor(&mut self, heading: &str) {
        let is_kept = |letter: &char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | ' ');
        let anchor = heading.to_lowercase().chars().filter(is_kept).collect::<String>().replace(' ', "-");
        let numbered = (1..).map(|number| format!("{anchor}-{number}"));
        let mut names = std::iter::once(anchor.clone()).chain(numbered);
        let free = names.find(|name| !self.anchors.contains(name)).unwrap();
        self.anchors.insert(free);
    }
}

/// All pages by their paths.
fn pages() -> BTreeMap<String, Page> {
    let above = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(str::to_owned);
    let paths = above.into_iter().chain(files_below("docs", "md"));
    paths.map(|path| (path.clone(), Page::read(&path))).collect()
}

/// `link` in the page at `path`: a path in the project and an anchor. `None`: it leads elsewhere.
fn resolved(path: &str, link: &str) -> Option<(String, Option<String>)> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = match link.split_once('#') {
        Some((file, anchor)) => (file, Some(anchor.to_owned())),
        None => (link, None),
    };
    if file.is_empty() {
        return Some((path.to_owned(), anchor));
    }
    let mut parts = Vec::new();
    for part in Path::new(path).parent().unwrap().join(file).components() {
        match part {
            Component::ParentDir => drop(parts.pop()),
            Component::Normal(name) => parts.push(name.to_str().unwrap().to_owned()),
            _ => {}
        }
    }
    Some((parts.join("/"), anchor))
}

#[test]
fn each_link_leads_somewhere_and_each_page_is_linked() {
    let pages = pages();
    let (mut wrong, mut reached) = (Vec::new(), BTreeSet::from(["README.md".to_owned()]));
    let mut todo = vec!["README.md".to_owned()];
    while let Some(path) = todo.pop() {
        for link in &pages[&path].links {
            let Some((file, anchor)) = resolved(&path, link) else { continue };
            let page = pages.get(&file);
            let has_anchor =
                anchor.is_none_or(|anchor| page.is_some_and(|page| page.anchors.contains(&anchor)));
            if !project(&file).exists() || !has_anchor {
                wrong.push(format!("{path}: {link} leads nowhere"));
            } else if page.is_some() && reached.insert(file.clone()) {
                todo.push(file);
            }
        }
    }
    let unlinked = pages.keys().filter(|path| !reached.contains(*path));
    wrong.extend(unlinked.map(|path| format!("{path}: no link leads there from README.md")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The code of a source without tests and comments, which begin with `comment`; each string literal in one line.
fn code(path: &str, comment: &str) -> String {
    let text = std::fs::read_to_string(project(path)).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines: Vec<_> = text.lines().filter(|line| !line.trim_start().starts_with(comment)).collect();
    // A literal goes on behind a backslash, without the blanks of its next line.
    lines.join("\n").split("\\\n").enumerate().fold(String::new(), |joined, (index, part)| {
        joined + if index == 0 { part } else { part.trim_start() }
    })
}

#[test]
fn each_message_in_the_pages_is_one_that_the_program_prints() {
    let of = |directory, ending, comment| {
        files_below(directory, ending).into_iter().map(move |path| code(&path, comment))
    };
    let sources: Vec<_> = of("src", "rs", "//").chain(of("scripts", "sh", "#")).collect();
    let messages = Page::read("docs/troubleshooting.md").messages;
    assert!(messages.len() > 40, "the messages are no longer headings of the third level: {messages:?}");
    let is_printed = |message: &&String| {
        let fixed: Vec<_> = message.split('…').filter(|fixed| !fixed.trim().is_empty()).collect();
        let has_words = fixed.iter().any(|fixed| fixed.len() >= 10);
        has_words && sources.iter().any(|source| fixed.iter().all(|fixed| source.contains(fixed)))
    };
    let unknown: Vec<_> = messages.iter().filter(|message| !is_printed(message)).collect();
    assert!(
        unknown.is_empty(),
        "docs/troubleshooting.md explains what no single source prints; `…` stands for what varies:\n{unknown:#?}"
    );
}
