//! The files by which a step tells the runner something. *Runner.Worker/FileCommandManager.cs*.

use std::fs::File;
use std::io::ErrorKind;
use std::path::PathBuf;

use super::context::{Context, path};
use super::record::Event;

/// Bytes of a summary. `CreateStepSummaryCommand`.
const LARGEST_SUMMARY: u64 = 1 << 20;

/// The files of a step, by what the `github` context calls them.
const FILES: [(&str, &str); 5] = [
    ("path", "add_path_"),
    ("env", "set_env_"),
    ("step_summary", "step_summary_"),
    ("state", "save_state_"),
    ("output", "set_output_"),
];

/// The files of a step that is run.
pub(crate) struct FileCommands {
    files: Vec<(&'static str, PathBuf)>,
}

impl FileCommands {
    /// Makes the files, empty, and names them in the `github` context. `InitializeFiles`.
    pub(crate) fn new(context: &Context, unique: &str) -> std::io::Result<Self> {
        let directory = context.world.places.temp.join("_runner_file_commands");
        std::fs::create_dir_all(&directory)?;
        let mut files = Vec::new();
        for (name, prefix) in FILES {
            let file = directory.join(format!("{prefix}{unique}"));
            File::create(&file)?;
            context.set_github(name, path(&file));
            files.push((name, file));
        }
        Ok(Self { files })
    }

    /// Does what the files say, whether the step failed or not. What cannot be read fails the step. `ProcessFiles`.
    pub(crate) fn process(&self, context: &Context, step_id: &str) {
        for (name, file) in &self.files {
            let text = match std::fs::read(file) {
                Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => panic!("{}: {error}", file.display()),
            };
            let done = match *name {
                "path" => {
                    add_path(context, &text);
                    Ok(())
                }
                "env" => pairs(&text).map(|pairs| set_env(context, pairs)),
                "output" => pairs(&text).map(|pairs| set_outputs(context, step_id, pairs)),
                "state" => pairs(&text).map(|_| ()),
                _ => {
                    summarise(context, &text);
                    Ok(())
                }
            };
            if let Err(why) = done {
                context.annotate("error", &format!("Unable to process file command '{name}' successfully."));
                context.annotate("error", &why);
                context.fail();
            }
        }
    }
}

/// `AddPathFileCommand`: what is named again becomes the newest.
fn add_path(context: &Context, text: &str) {
    let add = |known: &mut Vec<String>| {
        for line in text.lines().filter(|line| !line.is_empty()) {
            known.retain(|other| other != line);
            known.push(line.to_owned());
        }
    };
    match &context.deferred {
        Some(deferred) => add(&mut deferred.lock().unwrap().path),
        None => add(&mut context.world.state().path),
    }
}

/// `SetEnvFileCommand`.
fn set_env(context: &Context, pairs: Vec<(String, String)>) {
    for (name, value) in pairs {
        if name.eq_ignore_ascii_case("NODE_OPTIONS") {
            context
                .annotate("error", "Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command.");
            continue;
        }
        match &context.deferred {
            Some(deferred) => deferred.lock().unwrap().env.insert(name, value),
            None => context.world.state().env.insert(name, value),
        };
    }
}

/// `SetOutputFileCommand`.
fn set_outputs(context: &Context, step_id: &str, pairs: Vec<(String, String)>) {
    for (name, value) in pairs.clone() {
        context.world.record.add(&Event::Output { step: context.step, name, value });
    }
    match &context.deferred {
        Some(deferred) => deferred.lock().unwrap().outputs.extend(pairs),
        None => context.world.state().outputs.entry(step_id.to_owned()).or_default().extend(pairs),
    }
}

/// `CreateStepSummaryCommand`: one that is too large is left out, and the step goes on as it was.
fn summarise(context: &Context, text: &str) {
    let bytes = text.len() as u64;
    if bytes > LARGEST_SUMMARY {
        let (most, is) = (LARGEST_SUMMARY >> 10, bytes >> 10);
        context.annotate(
            "error",
            &format!(
                "$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of {most}k, got {is}k."
            ),
        );
    } else if bytes > 0 {
        let text = context.world.record.masked(text);
        context.world.record.add(&Event::Summary { step: context.step, text });
    }
}

/// `EnvFileKeyValuePairs`.
fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    let mut rest = text;
    while let Some((line, _)) = next_line(&mut rest) {
        if line.is_empty() {
            continue;
        }
        match (line.split_once('='), line.split_once("<<")) {
            (Some((name, value)), here) if here.is_none_or(|(before, _)| name.len() < before.len()) => {
                pairs.push((name.to_owned(), value.to_owned()));
            }
            (_, Some((name, delimiter))) => {
                if name.is_empty() || delimiter.is_empty() {
                    return Err(format!(
                        "Invalid format '{line}'. Name must not be empty and delimiter must not be empty"
                    ));
                }
                let mut lines = Vec::new();
                loop {
                    match next_line(&mut rest) {
                        Some((line, _)) if line == delimiter => break,
                        Some((line, true)) => lines.push(line),
                        Some((_, false)) => {
                            return Err("Invalid value. EOF marker missing new line.".to_owned());
                        }
                        None => {
                            return Err(format!("Invalid value. Matching delimiter not found '{delimiter}'"));
                        }
                    }
                }
                pairs.push((name.to_owned(), lines.join("\n")));
            }
            _ => return Err(format!("Invalid format '{line}'")),
        }
    }
    Ok(pairs)
}

/// The next line of `rest`, and whether it has its end.
fn next_line<'t>(rest: &mut &'t str) -> Option<(&'t str, bool)> {
    if rest.is_empty() {
        return None;
    }
    let (line, after, has_end) = match rest.split_once('\n') {
        Some((line, after)) => (line, after, true),
        None => (*rest, "", false),
    };
    *rest = after;
    Some((line, has_end))
}
