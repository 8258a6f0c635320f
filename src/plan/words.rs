//! Reads the small languages of the inputs: lists, `keep`, `workspaces`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use super::settings::WorkspaceSpec;
use crate::store::Layer;
use crate::store::retention::Keep;

/// Why an input's value cannot be read: names the part that is wrong and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

/// The lines of `text` that are not blank, trimmed.
pub fn parse_lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// The words of `text`, separated by commas, blanks or newlines.
pub fn parse_words(text: &str) -> Vec<String> {
    text.split([',', ' ', '\t', '\n', '\r']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Reads a list of layers such as `cargo,target`.
pub fn parse_layers(text: &str) -> Result<Vec<Layer>, Unreadable> {
    let mut layers = parse_words(text).iter().map(|word| layer(word)).collect::<Result<Vec<_>, _>>()?;
    layers.sort_unstable();
    layers.dedup();
    Ok(layers)
}

/// Reads numbers of entries to keep such as `cargo=5,target=3`. Layers that are not named keep their default.
pub fn parse_keep(text: &str) -> Result<Keep, Unreadable> {
    let mut counts = BTreeMap::new();
    for word in parse_words(text) {
        let Some((name, count)) = word.split_once('=') else {
            return Err(Unreadable(format!("`{word}` is not of the form layer=number, such as target=3")));
        };
        let count = count.parse().ok().filter(|count| *count >= 1);
        let Some(count) = count else {
            return Err(Unreadable(format!(
                "`{word}`: the number must be 1 or more; to save nothing use save: never"
            )));
        };
        if counts.insert(layer(name)?, count).is_some() {
            return Err(Unreadable(format!("`{name}` is named twice")));
        }
    }
    Ok(Keep::default().with(counts))
}

fn layer(word: &str) -> Result<Layer, Unreadable> {
    let known = || Layer::ALL.into_iter();
    if let Some(layer) = known().find(|layer| layer.name() == word) {
        return Ok(layer);
    }
    let names: Vec<_> = known().map(Layer::name).collect();
    let near = names.iter().max_by(|a, b| strsim::jaro(a, word).total_cmp(&strsim::jaro(b, word)));
    let tip = match near {
        Some(near) if strsim::jaro(near, word) > 0.7 => format!("; did you mean `{near}`?"),
        _ => String::new(),
    };
    Err(Unreadable(format!("`{word}` is no layer; allowed: {}{tip}", names.join(", "))))
}

impl FromStr for WorkspaceSpec {
    type Err = Unreadable;

    /// Reads `path` or `path -> target`.
    fn from_str(line: &str) -> Result<Self, Unreadable> {
        let (path, target) = match line.split_once("->") {
            Some((path, target)) => (path.trim(), Some(target.trim())),
            None => (line.trim(), None),
        };
        if path.is_empty() || target == Some("") {
            return Err(Unreadable(format!("`{line}` is not of the form `path` or `path -> target`")));
        }
        Ok(Self { path: path.into(), target: target.map(PathBuf::from) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_layer_is_told_with_a_near_miss() {
        let error = parse_layers("cargo,tagret").unwrap_err();
        assert_eq!(
            error.to_string(),
            "`tagret` is no layer; allowed: cargo, target, builds, paths; did you mean `target`?"
        );
        assert_eq!(parse_layers("target, cargo\ncargo").unwrap(), [Layer::Cargo, Layer::Target]);
    }

    #[test]
    fn keep_takes_numbers_from_one() {
        assert_eq!(parse_keep("target=3").unwrap(), Keep::default());
        for wrong in ["target", "target=0", "target=-1", "target=1,target=2", "x=1"] {
            assert!(parse_keep(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_workspace_may_name_its_target() {
        let spec: WorkspaceSpec = "../blvm-consensus -> out".parse().unwrap();
        assert_eq!(spec, WorkspaceSpec { path: "../blvm-consensus".into(), target: Some("out".into()) });
        assert!("-> x".parse::<WorkspaceSpec>().is_err() && "x ->".parse::<WorkspaceSpec>().is_err());
    }
}
