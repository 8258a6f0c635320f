//! Reads the small languages of the inputs: lists, `keep`, `workspaces`.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Span, SpanRelativeTo};

use super::job_layer::JobLayer;
use crate::cargo::{Part, Tool};
use crate::store::retention::{Keep, MinFree};

/// Why an input's value cannot be read: names the part that is wrong and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub(super) String);

impl Unreadable {
    pub(super) fn new(what: String) -> Self {
        Self(what)
    }
}

/// The lines of `text` that are not blank, trimmed.
pub fn parse_lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// The lines of `text` that are paths or patterns, without comments, which begin with `#` as in `actions/cache`.
pub fn parse_paths(text: &str) -> Vec<String> {
    parse_lines(text).into_iter().filter(|line| !line.starts_with('#')).collect()
}

/// The words of `text`, separated by commas, blanks or newlines.
pub fn parse_words(text: &str) -> Vec<String> {
    text.split([',', ' ', '\t', '\n', '\r']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Reads a list of layers such as `cargo,target`.
pub fn parse_layers(text: &str) -> Result<Vec<JobLayer>, Unreadable> {
    let mut layers = parse_words(text).iter().map(|word| layer(word)).collect::<Result<Vec<_>, _>>()?;
    layers.sort_unstable();
    layers.dedup();
    Ok(layers)
}

/// Reads which parts of a target directory to keep, such as `incremental,doc`.
pub fn parse_parts(text: &str) -> Result<Vec<Part>, Unreadable> {
    let part = |word: String| match word.as_str() {
        "incremental" => Ok(Part::Incremental),
        "doc" => Ok(Part::Doc),
        "package" => Ok(Part::Package),
        "tmp" => Ok(Part::Tmp),
        "unused" => Ok(Part::Unused),
        _ => {
            let allowed = "`incremental`, `doc`, `package`, `tmp` and `unused`";
            Err(Unreadable(format!("`{word}` is not one of {allowed}")))
        }
    };
    parse_words(text).into_iter().map(part).collect()
}

/// Reads a list of packages such as `cargo-nextest, cargo-audit@0.21.0`, in commas or lines. Order and repetition mean
/// nothing.
pub fn parse_tools(text: &str) -> Result<Vec<Tool>, Unreadable> {
    let words: Vec<_> =
        text.split([',', '\n', '\r']).map(str::trim).filter(|word| !word.is_empty()).collect();
    if words.is_empty() && !text.trim().is_empty() {
        return Err(Unreadable(format!("`{text}` does not name a package")));
    }
    let mut tools = words.into_iter().map(tool).collect::<Result<Vec<_>, _>>()?;
    tools.sort_unstable();
    tools.dedup();
    match tools.windows(2).find(|pair| pair[0].name == pair[1].name) {
        Some([one, other]) => {
            Err(Unreadable(format!("`{one}` and `{other}` are two versions of one package")))
        }
        _ => Ok(tools),
    }
}

fn tool(word: &str) -> Result<Tool, Unreadable> {
    let (name, version) = match word.split_once('@') {
        Some((name, version)) => (name, Some(version)),
        None => (word, None),
    };
    if !is_package(name) {
        let name = name.split_whitespace().collect::<Vec<_>>().join("-");
        let near = if is_package(&name) { format!("; did you mean `{name}`?") } else { String::new() };
        let allowed = "package names separated by commas, such as cargo-nextest or cargo-audit@0.21.0";
        return Err(Unreadable(format!("`{word}` is not a package name; allowed: {allowed}{near}")));
    }
    let version = version.map(str::parse).transpose();
    let version =
        version.map_err(|_| Unreadable(format!("`{word}`: the version must be complete, such as 0.21.0")))?;
    Ok(Tool { name: name.to_owned(), version })
}

/// Whether registries and cargo allow the name.
fn is_package(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Reads names of variables. What stands behind a `=` is not told: it may be a secret.
pub fn parse_names(text: &str) -> Result<Vec<String>, Unreadable> {
    let names = parse_words(text);
    if let Some((name, _)) = names.iter().find_map(|name| name.split_once('=')) {
        let allowed = "names separated by blanks or commas; values come from the environment";
        return Err(Unreadable(format!("`{name}=` is not a variable name; allowed: {allowed}")));
    }
    Ok(names)
}

/// Reads numbers of entries to keep such as `cargo=5,target=3`. Layers that are not named keep their default.
pub fn parse_keep(text: &str) -> Result<Keep, Unreadable> {
    let mut counts = BTreeMap::new();
    for word in parse_words(text) {
        let Some((name, count)) = word.split_once('=') else {
            return Err(Unreadable(format!("`{word}` is not `layer=number`, such as `target=3`")));
        };
        let count = count.parse().ok().filter(|count| *count >= 1);
        let Some(count) = count else {
            return Err(Unreadable(format!(
                "`{word}`: the number must be at least 1; hint: `save: never` saves nothing"
            )));
        };
        if counts.insert(layer(name)?.into(), count).is_some() {
            return Err(Unreadable(format!("`{name}` is listed twice")));
        }
    }
    Ok(Keep::default().with(counts))
}

/// Digits of a size, at most: so many fit into a number, and no disk has more bytes.
const MOST_DIGITS: usize = 19;

/// Reads a number of bytes such as `20GB` (powers of 1000) or `20GiB` (powers of 1024).
pub fn parse_bytes(text: &str) -> Result<u64, Unreadable> {
    let has_unit = text.ends_with(|last: char| last.is_ascii_alphabetic());
    // The parser counts without looking whether the number still fits.
    let is_short = text.bytes().filter(u8::is_ascii_digit).count() <= MOST_DIGITS;
    let size = if has_unit && is_short { parse_size::parse_size(text).ok() } else { None };
    let size = size.filter(|&size| i64::try_from(size).is_ok());
    size.ok_or_else(|| {
        Unreadable(format!("`{text}` is not a size; allowed: a number and a unit, such as 20GB or 500MiB"))
    })
}

/// Reads what is to be left free: a number of bytes, or a percentage such as `5%`.
pub fn parse_min_free(text: &str) -> Result<MinFree, Unreadable> {
    let Some(number) = text.strip_suffix('%') else {
        let wrong = || format!("`{text}` is not a size; allowed: such as 20GB, 500MiB or 5%");
        return parse_bytes(text).map(MinFree::Bytes).map_err(|_| Unreadable(wrong()));
    };
    let percent = number.trim().parse().ok().filter(|percent| (0.0..=90.0).contains(percent));
    percent
        .map(MinFree::Percent)
        .ok_or_else(|| Unreadable(format!("`{text}`: the percentage must be between 0% and 90%")))
}

/// Reads a span of time such as `12h`, `30d` or `2w`.
pub fn parse_age(text: &str) -> Result<SignedDuration, Unreadable> {
    let span: Option<Span> = text.parse().ok();
    // Weeks and days of 24 hours; months and years have no fixed length.
    let age = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    let age = age.filter(SignedDuration::is_positive);
    age.ok_or_else(|| {
        Unreadable(format!(
            "`{text}` is not a duration; allowed: a number and a unit, such as 12h, 30d or 2w"
        ))
    })
}

fn layer(word: &str) -> Result<JobLayer, Unreadable> {
    let known = || JobLayer::ALL.into_iter();
    if let Some(layer) = known().find(|layer| layer.name() == word) {
        return Ok(layer);
    }
    let names: Vec<_> = known().map(JobLayer::name).collect();
    let near = near_miss(word, names.iter().copied());
    Err(Unreadable(format!("`{word}` is not a layer; allowed: {}{near}", names.join(", "))))
}

/// A question whether one of `names` was meant by `word`; nothing where none is alike.
pub(super) fn near_miss<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> String {
    let likeness = |name: &str| strsim::jaro(name, word);
    match names.max_by(|a, b| likeness(a).total_cmp(&likeness(b))) {
        Some(near) if likeness(near) > 0.7 => format!("; did you mean `{near}`?"),
        _ => String::new(),
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
            "`tagret` is not a layer; allowed: cargo, target, builds, paths, bins; did you mean `target`?"
        );
        assert_eq!(parse_layers("target, cargo\ncargo").unwrap(), [JobLayer::Cargo, JobLayer::Target]);
    }

    #[test]
    fn tools_are_a_set_of_packages_some_in_a_version() {
        let tools = |text: &str| {
            parse_tools(text).map(|tools| tools.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(tools("").unwrap(), [""; 0]);
        assert_eq!(tools("b@0.1.0-rc.1+x,\n a,b@0.1.0-rc.1+x\n").unwrap(), ["a", "b@0.1.0-rc.1+x"]);
        let wrong = [
            ("cargo nextest", "did you mean `cargo-nextest`?"),
            ("../x", "`../x` is not a package name"),
            (" ,", "does not name a package"),
            ("@1.0.0", "`@1.0.0` is not a package name"),
            ("a@", "`a@`: the version"),
            ("a@1.0", "`a@1.0`: the version must be complete"),
            ("a@v1.0.0", "`a@v1.0.0`: the version"),
            ("a@1.0.0,b,a", "`a` and `a@1.0.0` are two versions of one package"),
            ("--all", "`--all` is not a package name"),
        ];
        for (text, why) in wrong {
            let error = parse_tools(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn keep_takes_numbers_from_one() {
        assert_eq!(parse_keep("target=3").unwrap(), Keep::default());
        for wrong in ["target", "target=0", "target=-1", "target=1,target=2", "x=1"] {
            assert!(parse_keep(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_and_times_have_units() {
        assert_eq!(parse_bytes("20GB").unwrap(), 20_000_000_000);
        assert_eq!(parse_bytes("1 GiB").unwrap(), 1 << 30);
        assert_eq!(parse_min_free("5%").unwrap(), MinFree::Percent(5.0));
        assert_eq!(parse_min_free("500MB").unwrap(), MinFree::Bytes(500_000_000));
        assert_eq!(parse_age("30d").unwrap(), SignedDuration::from_hours(30 * 24));
        assert_eq!(parse_age("2w").unwrap(), SignedDuration::from_hours(14 * 24));
        for wrong in ["", "5", "GB", "-5GB", "5%%", "100%", "NaN%", "1TBx", "184467440737095516158GB"] {
            assert!(parse_min_free(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "5", "d", "-3d", "0d", "1y", "3 moons"] {
            assert!(parse_age(wrong).is_err(), "{wrong}");
        }
    }
}
