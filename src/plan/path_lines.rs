//! The language of `path`, `builds` and `key-files`: lines of paths and patterns as in `actions/cache`, relative to the job's
//! directory, `~` for the home. `!` excludes from what the lines before it name, so that of all lines that match a file the last
//! one decides, as in `internal-globber.ts` of `@actions/glob`.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

use super::facts::Facts;
use crate::sys::file::normal;

/// What paths of lines are relative to.
#[derive(Debug, Clone, Copy)]
pub struct Bases<'f> {
    /// The job's directory, absolute.
    pub directory: &'f Path,
    /// What `~` stands for.
    pub home: Option<&'f Path>,
    /// The job's directory as the runner calls it, which can be a link to it.
    pub workspace: Option<&'f Path>,
}

impl<'f> Bases<'f> {
    /// Those of a job of which these are the facts.
    pub fn of(facts: &'f Facts) -> Self {
        Self {
            directory: &facts.directory,
            home: facts.home.as_deref(),
            workspace: facts.context.workspace.as_deref(),
        }
    }

    /// A path in the user's words: relative to the job's directory if it lies there.
    pub fn name(&self, path: &Path) -> String {
        path.strip_prefix(self.directory).unwrap_or(path).to_string_lossy().into_owned()
    }

    /// Where `own` leads from the job's directory, and that in the user's words: paths that are the same have the same words.
    pub fn place(&self, own: &Path) -> (PathBuf, String) {
        let place = self.as_it_is(normal(&self.directory.join(own)));
        let words = match place.strip_prefix(self.directory) {
            Ok(inside) => inside.to_string_lossy().into_owned(),
            Err(_) if own.is_relative() => without_detours(own),
            Err(_) => place.to_string_lossy().into_owned(),
        };
        (place, if words.is_empty() { ".".to_owned() } else { words })
    }

    /// A path by the name that the job's directory has itself.
    fn as_it_is(&self, path: PathBuf) -> PathBuf {
        match self.workspace.map(|given| path.strip_prefix(normal(given))) {
            Some(Ok(rest)) => normal(&self.directory.join(rest)),
            _ => path,
        }
    }
}

/// What a line names that excludes nothing, without what the lines behind it exclude.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// It in the user's words: lines that name the same have the same words.
    pub name: String,
    /// The path before the first part that is a pattern, absolute.
    pub path: PathBuf,
    /// The pattern, relative to the path; `None` for a line without one.
    pub include: Option<String>,
    /// Patterns of what is excluded, relative to the path.
    pub exclude: Vec<String>,
}

/// What `lines` name. What later lines exclude as a whole, or name once more, is not among it.
pub fn named(lines: &[String], bases: Bases<'_>) -> Vec<Named> {
    let lines: Vec<_> = lines.iter().map(|line| Line::read(line, bases)).collect();
    let (mut seen, mut found) = (HashSet::new(), Vec::new());
    for (index, line) in lines.iter().enumerate().rev().filter(|(_, line)| !line.excludes) {
        let exclude = below(&lines[index + 1..], &line.plain);
        if seen.insert((&line.plain, &line.pattern)) && !exclude.iter().any(|pattern| pattern == ALL) {
            found.push(line.named(exclude));
        }
    }
    found.reverse();
    found
}

/// What one line names, without what `lines` exclude wherever they stand.
pub(super) fn named_by(line: &str, lines: &[String], bases: Bases<'_>) -> Named {
    let line = Line::read(line, bases);
    let lines: Vec<_> = lines.iter().map(|line| Line::read(line, bases)).collect();
    line.named(below(&lines, &line.plain))
}

/// Matches all that is in a directory.
pub(super) const ALL: &str = "**";

/// What those of `lines` that exclude are about in `directory`.
fn below(lines: &[Line], directory: &Path) -> Vec<String> {
    let mut patterns: Vec<String> = Vec::new();
    for pattern in lines.iter().filter(|line| line.excludes).flat_map(|line| line.below(directory)) {
        if !patterns.contains(&pattern) {
            patterns.push(pattern);
        }
    }
    patterns
}

/// A line: a path, and from its first component on that is one a pattern.
#[derive(Debug)]
struct Line {
    /// Whether it begins with `!`. Each further one turns the meaning round, as in `internal-pattern.ts` of `@actions/glob`.
    excludes: bool,
    /// The path in the user's words.
    words: String,
    /// The path, absolute.
    plain: PathBuf,
    pattern: Vec<String>,
}

impl Line {
    /// What the line says is a pattern; the directory that it is relative to is none, whatever it is called.
    fn read(text: &str, bases: Bases<'_>) -> Self {
        let line = text.trim_start_matches('!');
        let (excludes, line) = ((text.len() - line.len()) % 2 == 1, line.trim());
        let of_home = bases.home.and_then(|home| Some((home, line.strip_prefix('~')?)));
        let of_home = of_home.filter(|(_, rest)| rest.is_empty() || rest.starts_with('/'));
        let rest = of_home.map_or(line, |(_, rest)| rest.trim_start_matches('/'));
        let (mut own, mut pattern) = (PathBuf::new(), Vec::new());
        for component in Path::new(rest).components() {
            let name = part(component);
            match component {
                Component::ParentDir if !pattern.is_empty() => drop(pattern.pop()),
                _ if pattern.is_empty() && !is_pattern(&name) => own.push(unescaped(&name)),
                _ => pattern.push(name),
            }
        }
        // A pattern with a slash at its end matches directories only: what is in them.
        if rest.ends_with('/') && !pattern.is_empty() {
            pattern.push(ALL.to_owned());
        }
        let (plain, words) = match of_home {
            Some((home, _)) => {
                let (plain, words) = bases.place(&home.join(&own));
                let own = format!("~/{}", without_detours(&own));
                let is_inside = plain.starts_with(bases.directory);
                (plain, if is_inside { words } else { own.trim_end_matches('/').to_owned() })
            }
            None => bases.place(&own),
        };
        Self { excludes, words, plain, pattern }
    }

    fn named(&self, exclude: Vec<String>) -> Named {
        let include = (!self.pattern.is_empty()).then(|| self.pattern.join("/"));
        let name = match (&*self.words, &include) {
            (".", Some(include)) => include.clone(),
            (words, None) => words.to_owned(),
            (words, Some(include)) => format!("{}/{include}", words.trim_end_matches('/')),
        };
        Named { name, path: self.plain.clone(), include, exclude }
    }

    /// What of it is about `directory`, as patterns relative to that: all ways in which a part of it can lead to the directory.
    fn below(&self, directory: &Path) -> Vec<String> {
        if let Ok(rest) = self.plain.strip_prefix(directory) {
            let rest = rest.components().map(|component| globset::escape(&part(component)));
            let whole: Vec<_> = rest.chain(self.pattern.iter().cloned()).collect();
            // The directory itself: all that is in it.
            return vec![if whole.is_empty() { ALL.to_owned() } else { whole.join("/") }];
        }
        let Ok(rest) = directory.strip_prefix(&self.plain) else { return Vec::new() };
        led(&self.pattern, &rest.components().map(part).collect::<Vec<_>>())
    }
}

/// What is left of `pattern` behind each way in which it can match all of `names`.
fn led(pattern: &[String], names: &[String]) -> Vec<String> {
    let (mut found, mut seen, mut pending) = (Vec::new(), HashSet::new(), vec![(0, 0)]);
    // Parts of the pattern that are behind, and names.
    while let Some((parts, matched)) = pending.pop() {
        if !seen.insert((parts, matched)) {
            continue;
        }
        match (pattern.get(parts), names.get(matched)) {
            (None, _) => found.push(ALL.to_owned()),
            (Some(_), None) => found.push(pattern[parts..].join("/")),
            (Some(any), Some(_)) if any == ALL => {
                pending.extend([(parts + 1, matched), (parts, matched + 1)]);
            }
            (Some(one), Some(name)) => {
                if globset::Glob::new(one).is_ok_and(|glob| glob.compile_matcher().is_match(name)) {
                    pending.push((parts + 1, matched + 1));
                }
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

fn part(component: Component<'_>) -> String {
    component.as_os_str().to_string_lossy().into_owned()
}

/// A relative path without `.`, and without what `..` leads back from.
fn without_detours(path: &Path) -> String {
    let mut parts: Vec<String> = Vec::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if parts.last().is_some_and(|last| last != "..") => drop(parts.pop()),
            component => parts.push(part(component)),
        }
    }
    parts.join("/")
}

/// The name that a component stands for which is no pattern: `\!x` is `!x`.
fn unescaped(part: &str) -> String {
    let mut characters = part.chars();
    let mut name = String::new();
    while let Some(character) = characters.next() {
        name.push(if character == '\\' { characters.next().unwrap_or(character) } else { character });
    }
    name
}

fn is_pattern(part: &str) -> bool {
    part.contains(['*', '?', '[', '{'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(lines: &[&str], directory: &str) -> Vec<Named> {
        let lines: Vec<_> = lines.iter().map(|line| (*line).to_owned()).collect();
        let workspace = Some(Path::new("/link/w"));
        named(&lines, Bases { directory: Path::new(directory), home: Some(Path::new("/home/me")), workspace })
    }

    fn one(lines: &[&str]) -> Named {
        let mut all = all(lines, "/w");
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    #[test]
    fn an_exclusion_is_about_each_path_that_it_can_lead_to() {
        for (path, excluded, left_out) in [
            ("node_modules", "**/node_modules/.cache", &["**/node_modules/.cache", ".cache"][..]),
            ("packages/a/node_modules", "packages/*/node_modules/.cache", &[".cache"]),
            ("target", "target/debug", &["debug"]),
            ("target", "**/target/debug", &["**/target/debug", "debug"]),
            ("target/*", "target", &["**"][..0]),
            ("apps/web/.next/cache", "apps/*/.next/cache/webpack", &["webpack"]),
            ("apps", "apps/*/dist", &["*/dist"]),
            ("a/x/b", "a/**/b/*.log", &["**/b/*.log", "*.log"]),
            ("a", "/w/a/*.log", &["*.log"]),
            ("a", "/link/w/a/*.log", &["*.log"]),
            ("a", "b/*.log", &[]),
            ("a/b", "a/c*/d", &[]),
            ("~/.npm", "~/.npm/_logs", &["_logs"]),
            ("~/.npm", "**/_logs", &[]),
            ("../sibling/a", "../sibling/a/b", &["b"]),
            ("a", "!a/b", &[]),
            ("a", "!!a/b", &["b"]),
        ] {
            let excluded = format!("!{excluded}");
            let found = all(&[path, &excluded], "/w");
            let Some(found) = found.into_iter().find(|found| found.name != "a/b") else {
                assert!(left_out.is_empty(), "{path}, {excluded}");
                continue;
            };
            assert_eq!(found.exclude, left_out, "{path}, {excluded}");
        }
    }

    #[test]
    fn what_is_excluded_as_a_whole_is_not_named() {
        for (path, excluded) in [
            ("target", "target"),
            ("target", "**"),
            ("target/debug", "target"),
            ("secrets.json", "**/secrets.json"),
            ("~/.m2/settings.xml", "~/.m2/settings.xml"),
        ] {
            let excluded = format!("!{excluded}");
            assert_eq!(all(&[path, &excluded], "/w"), [], "{path}, {excluded}");
            assert_eq!(one(&[path, &excluded, path]).exclude, [""; 0], "the last line decides");
        }
    }

    #[test]
    fn many_ways_to_match_are_found_soon() {
        let pattern: Vec<_> = std::iter::repeat_n(["**", "a"], 12).flatten().map(str::to_owned).collect();
        let names = vec!["a".to_owned(); 40];
        assert!(!led(&pattern, &names).is_empty());
    }

    #[test]
    fn lines_that_name_the_same_are_one() {
        for same in [
            &["d", "d", "./d", "d/", "a/../d", "a//../d/.", "/w/d", "/link/w/d"][..],
            &["d/*.txt", "./d/*.txt", "d//*.txt", "/w/d/*.txt", "a/../d/*.txt"],
            &["../s/d", "../s/./d", "../x/../s/d", "a/../../s/d"],
            &["~/d", "~//d/", "~/a/../d"],
            &[".", "./", "/w", "a/.."],
        ] {
            let found = one(same);
            assert!(same.iter().all(|line| one(&[line]) == found), "{same:?}");
            assert_eq!(found.name, same[0]);
        }
        assert_eq!(one(&["/"]).name, "/");
        assert_eq!(one(&["/opt/*/x"]).name, "/opt/*/x");
        assert_eq!(one(&["d/*/"]).include.as_deref(), Some("*/**"));
    }

    #[test]
    fn only_the_line_itself_is_a_pattern() {
        let found = all(&["out/**/*.bin", "!out/[ab]"], "/w/{x}/[y]").remove(0);
        assert_eq!(found.path, Path::new("/w/{x}/[y]/out"));
        assert_eq!((found.include.as_deref(), found.exclude), (Some("**/*.bin"), vec!["[ab]".to_owned()]));
        let around = all(&["..", "!a"], "/w/[y]").remove(0);
        assert_eq!(around.exclude, ["[[]y[]]/a"]);
    }
}
