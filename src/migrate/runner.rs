//! On what a job runs, as far as its text tells.

use super::expression::literals;
use super::yaml::Node;

/// What runs a job.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Runner {
    /// The user's own, on Linux as far as is known.
    Own,
    /// A provider's, on Linux, by this label.
    Hosted(String),
    /// One of the two.
    Either(String),
    /// Not always on Linux.
    Foreign(String),
    /// What an expression says.
    Unknown,
}

/// Reads `runs-on` of a `job`.
pub(super) fn runner(job: &Node) -> Runner {
    let Some(runs_on) = job.get("runs-on") else { return Runner::Unknown };
    // A list has all its labels, an expression one of its values.
    if runs_on.text().is_none() {
        let labels = runs_on.get("labels").unwrap_or(runs_on);
        let labels = labels.text().into_iter().chain(labels.items().iter().filter_map(Node::text));
        let labels: Vec<_> = labels.map(str::to_owned).collect();
        return match labels.iter().find(|label| label.contains("${{")) {
            Some(label) => of_values(&values(label, job)),
            None => of_labels(&labels),
        };
    }
    let text = runs_on.text().unwrap_or_default();
    if text.contains("${{") { of_values(&values(text, job)) } else { of_labels(&words(text)) }
}

/// Labels in one text, as some write them.
fn words(text: &str) -> Vec<String> {
    text.split(',').map(|word| word.trim().to_owned()).collect()
}

fn of_labels(labels: &[String]) -> Runner {
    let is_own = labels.iter().any(|label| label == "self-hosted");
    let foreign =
        labels.iter().find(|label| ["windows", "macos"].iter().any(|system| has_word(label, system)));
    match (foreign, labels.iter().find(|label| is_hosted(label))) {
        (Some(label), _) => Runner::Foreign(label.clone()),
        (None, Some(label)) if !is_own => Runner::Hosted(label.clone()),
        _ => Runner::Own,
    }
}

/// What runs a job that has one of `values` as its label or labels.
fn of_values(values: &[String]) -> Runner {
    let runners = values.iter().map(|value| of_labels(&words(value)));
    let both = |one: Runner, other: Runner| match (one, other) {
        (Runner::Foreign(label), _) | (_, Runner::Foreign(label)) => Runner::Foreign(label),
        (Runner::Own, Runner::Own) => Runner::Own,
        (Runner::Hosted(label), Runner::Hosted(_)) => Runner::Hosted(label),
        (Runner::Hosted(label) | Runner::Either(label), _)
        | (_, Runner::Hosted(label) | Runner::Either(label)) => Runner::Either(label),
        (Runner::Unknown, _) | (_, Runner::Unknown) => Runner::Unknown,
    };
    runners.reduce(both).unwrap_or(Runner::Unknown)
}

/// The values that the expression in `text` may have: those of the matrix that it names, or else the texts in it.
fn values(text: &str, job: &Node) -> Vec<String> {
    let inner = text.trim().strip_prefix("${{").and_then(|text| text.strip_suffix("}}")).map(str::trim);
    let Some(name) = inner.and_then(|inner| inner.strip_prefix("matrix.")) else {
        // Of `format` and the like a text is a part only.
        let texts = literals(text).into_iter();
        return texts.filter(|text| text == "self-hosted" || text.contains(',') || is_hosted(text)).collect();
    };
    let Some(matrix) = job.get("strategy").and_then(|strategy| strategy.get("matrix")) else {
        return Vec::new();
    };
    let path: Vec<&str> = name.split('.').collect();
    let listed = matrix.get(path[0]).map_or(&[][..], Node::items).iter();
    let listed = listed.filter_map(|value| at(value, &path[1..]));
    let included = matrix.get("include").map_or(&[][..], Node::items).iter();
    let included = included.filter_map(|entry| at(entry, &path));
    listed.chain(included).map(label).collect()
}

/// The value at a `path` of names below `node`.
fn at<'n>(node: &'n Node, path: &[&str]) -> Option<&'n Node> {
    path.iter().try_fold(node, |node, name| node.get(name))
}

/// A value of a matrix: one label, or a list of some in one text.
fn label(value: &Node) -> String {
    let texts: Vec<_> = value.items().iter().filter_map(Node::text).collect();
    value.text().map_or_else(|| texts.join(","), str::to_owned)
}

/// Whether GitHub or another provider has runners of this name, such as `ubuntu-latest` or `depot-ubuntu-24.04-16`.
/// <https://docs.github.com/en/actions/reference/runners/github-hosted-runners>
fn is_hosted(label: &str) -> bool {
    let label = label.to_lowercase();
    let versions = ["ubuntu-", "windows-", "macos-"].iter().filter_map(|system| label.split_once(system));
    let is_version = |version: &str| {
        version.starts_with(|first: char| first.is_ascii_digit())
            || version.starts_with("latest")
            || version.starts_with("slim")
    };
    versions
        .into_iter()
        .any(|(before, version)| (before.is_empty() || before.ends_with('-')) && is_version(version))
}

/// Whether `word` is one of the words of a label.
fn has_word(label: &str, word: &str) -> bool {
    label.to_lowercase().split(['-', '_', '.']).any(|other| other == word)
}

#[cfg(test)]
mod tests {
    use super::super::yaml::parse;
    use super::*;

    #[test]
    fn labels_tell_whose_a_runner_is() {
        let hosted = |label: &str| Runner::Hosted(label.to_owned());
        let (foreign, either) =
            (|label: &str| Runner::Foreign(label.to_owned()), |label: &str| Runner::Either(label.to_owned()));
        let cases = [
            ("runs-on: ubuntu-latest", hosted("ubuntu-latest")),
            ("runs-on: [ubuntu-24.04-arm]", hosted("ubuntu-24.04-arm")),
            ("runs-on: macos-15-xlarge", foreign("macos-15-xlarge")),
            ("runs-on: depot-ubuntu-latest-16", hosted("depot-ubuntu-latest-16")),
            ("runs-on: [self-hosted, ubuntu-22.04]", Runner::Own),
            ("runs-on: self-hosted,linux,x64,rust", Runner::Own),
            ("runs-on: my-builder", Runner::Own),
            ("runs-on: {group: big, labels: [linux]}", Runner::Own),
            ("runs-on: [self-hosted, Windows]", foreign("Windows")),
            ("runs-on: ${{ inputs.runner }}", Runner::Unknown),
            ("runs-on: ${{ inputs.kani && 'self-hosted,kani' || 'self-hosted,linux' }}", Runner::Own),
            ("runs-on: ${{ inputs.own && 'self-hosted' || 'ubuntu-latest' }}", either("ubuntu-latest")),
            (
                "runs-on: ${{ matrix.os }}\nstrategy: {matrix: {os: [ubuntu-latest, windows-2025]}}",
                foreign("windows-2025"),
            ),
            (
                "runs-on: ${{ matrix.t.os }}\nstrategy: {matrix: {t: [{os: ubuntu-latest}, {os: mine}]}}",
                either("ubuntu-latest"),
            ),
            (
                "runs-on: ${{ matrix.os }}\nstrategy: {matrix: {include: [{os: [self-hosted, linux]}]}}",
                Runner::Own,
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(runner(&parse(text).unwrap()[0]), expected, "{text}");
        }
    }
}
