//! Scripts that keep cargo's directories by rsync: what each line does, if it does nothing else.

use std::collections::BTreeMap;

use super::cargo_paths::Line;
use super::expression::variable;
use super::plan::Cargo;

/// Where these scripts keep what they copy.
const ROOT: &str = "/tmp/runner-cache";

/// Commands that only look, or that have a counterpart in runner-cache's own retention.
const OF_NO_USE: [&str; 5] = ["df", "du", "set", "cargo clean", "shopt"];

/// What a script does with the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Script {
    /// Names and makes directories.
    Prepare,
    Restore(Cargo),
    Save(Cargo),
    /// Removes what is old.
    Clean,
}

/// What the scripts of a job have said so far.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Variables whose values lead into the cache, with their values.
    places: BTreeMap<String, String>,
    /// Variables for later steps.
    pub(super) exported: Vec<String>,
}

/// A line that does something else, counted from nought, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unclear {
    pub(super) line: usize,
    pub(super) why: String,
}

/// What the lines of a script do.
#[derive(Default)]
struct Lines {
    restores: Option<Cargo>,
    saves: Option<Cargo>,
    cleans: bool,
}

impl Said {
    /// Reads the script of a step; `None` for one that has nothing to do with the cache.
    pub(super) fn read(&mut self, script: &str) -> Result<Option<Script>, Unclear> {
        if !self.is_place(script) {
            return Ok(None);
        }
        let mut lines = Lines::default();
        let mut whole = String::new();
        for (number, line) in script.lines().enumerate() {
            whole.push_str(line.trim());
            if whole.ends_with('\\') {
                whole.pop();
                continue;
            }
            let line = std::mem::take(&mut whole);
            self.line(&line, &mut lines).map_err(|why| Unclear { line: number, why })?;
        }
        Ok(Some(match lines {
            Lines { restores: Some(_), saves: Some(_), .. } => {
                let why = "the script restores and saves; hint: split it into two steps".to_owned();
                return Err(Unclear { line: 0, why });
            }
            Lines { restores: Some(cargo), .. } => Script::Restore(cargo),
            Lines { saves: Some(cargo), .. } => Script::Save(cargo),
            Lines { cleans: true, .. } => Script::Clean,
            Lines { .. } => Script::Prepare,
        }))
    }

    /// Whether the text leads into the cache.
    fn is_place(&self, text: &str) -> bool {
        text.contains(ROOT) || self.places.keys().any(|name| variable(text, name).is_some())
    }

    fn line(&mut self, line: &str, lines: &mut Lines) -> Result<(), String> {
        let line = line.strip_suffix("|| true").unwrap_or(line).trim();
        let line = line.strip_suffix("2>/dev/null").unwrap_or(line).trim();
        let is_frame = ["", "fi", "then", "else"].contains(&line) || line.starts_with('#');
        let is_test = line.starts_with("if [") && (line.ends_with("; then") || line.ends_with(']'));
        if is_frame || (is_test && !line.contains(['`', '&', '|']) && !line.contains("$(")) {
            return Ok(());
        }
        let unclear = || format!("`{line}` does something else; hint: move it to its own step");
        if let Some(text) = line.strip_prefix("echo ") {
            return self.echo(text).ok_or_else(unclear);
        }
        let assignment = line.strip_prefix("export ").unwrap_or(line);
        if let Some((name, value)) = assignment.split_once('=').filter(|(name, _)| is_name(name)) {
            if !is_one_word(value) {
                return Err(unclear());
            }
            self.set(name, value);
            return Ok(());
        }
        if line.replace("\\;", "").contains(['`', ';', '&']) || line.contains("$(") {
            return Err(unclear());
        }
        let words: Vec<_> = line.split_whitespace().map(|word| word.replace(['"', '\''], "")).collect();
        match words[0].as_str() {
            "mkdir" if words[1..].iter().all(|word| word.starts_with('-') || self.is_place(word)) => Ok(()),
            "rsync" => self.rsync(&words[1..], lines),
            "find" if self.is_place(&words[1]) && line.contains("rm -rf") => {
                lines.cleans = true;
                Ok(())
            }
            _ if OF_NO_USE
                .iter()
                .any(|command| line == *command || line.starts_with(&format!("{command} ")))
                && !line.contains(['|', '&', '>']) =>
            {
                Ok(())
            }
            _ => Err(unclear()),
        }
    }

    /// `echo`, for people or for later steps. `None` for a file of another kind.
    fn echo(&mut self, text: &str) -> Option<()> {
        let Some((text, file)) = text.split_once(">>") else {
            return (!text.contains(['>', '|', ';', '&']) || is_one_word(text)).then_some(());
        };
        let file = file.trim().replace(['"', '{', '}'], "");
        let text = text.trim().trim_matches(['"', '\'']);
        let (name, value) = text.split_once('=').filter(|(name, _)| is_name(&name.replace('-', "_")))?;
        match file.as_str() {
            "$GITHUB_ENV" => {
                self.set(name, value);
                self.exported.push(name.to_owned());
                Some(())
            }
            "$GITHUB_OUTPUT" => Some(()),
            _ => None,
        }
    }

    fn set(&mut self, name: &str, value: &str) {
        if self.is_place(value) {
            let of_others = self.places.iter().filter(|(other, _)| variable(value, other).is_some());
            let value = of_others.fold(value.to_owned(), |value, (_, other)| format!("{value} {other}"));
            self.places.insert(name.to_owned(), value);
        }
    }

    fn rsync(&self, words: &[String], lines: &mut Lines) -> Result<(), String> {
        let sides: Vec<_> = words.iter().filter(|word| !word.starts_with('-')).collect();
        if let Some(side) = sides.iter().find(|side| side.contains(':') && !side.contains(":-")) {
            return Err(format!("`{side}` is on another host; hint: cache local directories only"));
        }
        let &[from, to] = &sides[..] else {
            return Err(
                "`rsync` needs one source and one destination; hint: copy one directory per line".to_owned()
            );
        };
        let (is_restore, place, own) = match (self.is_place(from), self.is_place(to)) {
            (true, false) => (true, from, to),
            (false, true) => (false, to, from),
            _ => {
                return Err(
                    "`rsync` copies within the cache, or outside of it; hint: remove the line".to_owned()
                );
            }
        };
        let is_by_commit = |text: &str| text.contains("github.sha") || text.contains("GITHUB_SHA");
        let of_commit = self.places.iter().filter(|(name, _)| variable(place, name).is_some());
        if is_by_commit(place) || of_commit.map(|(_, value)| value).any(|value| is_by_commit(value)) {
            return Err(format!("`{own}` is kept by commit; hint: list what is built in `builds`"));
        }
        let cargo = cargo(own).ok_or_else(|| {
            format!("`{own}` is not cargo's; hint: cache it by `path` or a preset in its own step")
        })?;
        let direction = if is_restore { &mut lines.restores } else { &mut lines.saves };
        direction.get_or_insert_default().join(&cargo);
        Ok(())
    }
}

/// What of cargo's is at a path in a script.
fn cargo(path: &str) -> Option<Cargo> {
    let homes =
        ["${CARGO_HOME:-$HOME/.cargo}", "$CARGO_HOME", "${CARGO_HOME}", "$HOME/.cargo", "${HOME}/.cargo"];
    let below = homes.iter().find_map(|home| path.strip_prefix(home));
    let path = below.map_or_else(|| path.to_owned(), |below| format!("~/.cargo{below}"));
    match Line::read(&path) {
        Line::Downloads => Some(Cargo { has_downloads: true, targets: Vec::new() }),
        Line::Target(directory) => Some(Cargo { has_downloads: false, targets: vec![directory] }),
        _ => None,
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

/// Whether a shell takes `text` for one word: blanks and signs stand in quotes or in `$( )`.
fn is_one_word(text: &str) -> bool {
    let (mut depth, mut quote) = (0_usize, None);
    let mut letters = text.trim().chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('\\', None | Some('"')) => drop(letters.next()),
            ('"' | '\'', None) => quote = Some(letter),
            (_, Some(open)) if letter == open => quote = None,
            ('(', None) => depth += 1,
            (')', None) => depth = depth.saturating_sub(1),
            (' ' | '\t' | ';' | '|' | '&' | '<' | '>', None) if depth == 0 => return false,
            _ => {}
        }
    }
    depth == 0 && quote.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cargo(has_downloads: bool, targets: &[&str]) -> Cargo {
        Cargo { has_downloads, targets: targets.iter().map(ToString::to_string).collect() }
    }

    fn prepared() -> Said {
        let mut said = Said::default();
        let script = "CACHE_ROOT=\"/tmp/runner-cache\"\nKEY=$(sha256sum Cargo.lock | cut -d' ' -f1)\n\
                      echo \"CARGO_CACHE_DIR=$CACHE_ROOT/cargo/$KEY\" >> $GITHUB_ENV\necho \"key=$KEY\" >> \"$GITHUB_OUTPUT\"\n\
                      BUILDS=\"$CACHE_ROOT/${{ github.sha }}\"\nmkdir -p \"$CACHE_ROOT/cargo/$KEY\" \\\n  \"$BUILDS\"";
        assert_eq!(said.read(script), Ok(Some(Script::Prepare)));
        assert_eq!(said.exported, ["CARGO_CACHE_DIR"]);
        said
    }

    #[test]
    fn a_script_is_what_its_lines_do() {
        let restore = "if [ -d \"$CARGO_CACHE_DIR/registry\" ]; then\n  \
                       rsync -a --delete \"$CARGO_CACHE_DIR/registry/\" \"$HOME/.cargo/registry/\" || true\n  \
                       echo \"X=true\" >> $GITHUB_ENV\nfi";
        assert_eq!(prepared().read(restore), Ok(Some(Script::Restore(cargo(true, &[])))));
        let save = "rsync -a ./target/ \"$CARGO_CACHE_DIR/t/\"\nrsync -a fuzz/target $CARGO_CACHE_DIR/f";
        assert_eq!(prepared().read(save), Ok(Some(Script::Save(cargo(false, &[".", "fuzz"])))));
        let clean = "find /tmp/runner-cache/cargo -maxdepth 1 -mtime +1 | head -n -5 | xargs rm -rf 2>/dev/null || true";
        assert_eq!(Said::default().read(clean), Ok(Some(Script::Clean)));
        assert_eq!(prepared().read("cargo build"), Ok(None));
    }

    #[test]
    fn a_line_that_does_something_else_is_told() {
        let why = |script: &str| prepared().read(script).unwrap_err().why;
        let cases = [
            ("rsync -a $CARGO_CACHE_DIR/n/ ./node_modules/", "is not cargo's"),
            ("rsync -a target/ \"$BUILDS/\"", "by commit"),
            ("echo $CARGO_CACHE_DIR\nnpm ci", "`npm ci` does something else"),
            ("A=1 rm -rf $CARGO_CACHE_DIR", "does something else"),
            ("rsync -a host:$CARGO_CACHE_DIR/t target/", "is on another host"),
            ("find /tmp/runner-cache -delete; rm -rf x", "does something else"),
            ("mkdir -p $CARGO_CACHE_DIR out", "does something else"),
            ("echo $CARGO_CACHE_DIR > file", "does something else"),
            (
                "rsync -a $CARGO_CACHE_DIR/t/ target/\nrsync -a target/ $CARGO_CACHE_DIR/t/",
                "restores and saves",
            ),
        ];
        for (script, expected) in cases {
            assert!(why(script).contains(expected), "{script}: {}", why(script));
        }
        assert_eq!(prepared().read("echo $CARGO_CACHE_DIR\n\nnpm ci").unwrap_err().line, 2);
    }
}
