//! The lines by which a step tells the runner something. *Runner.Worker/ActionCommandManager.cs*.

use super::context::Context;

/// Reads a step's output. *Runner.Worker/Handlers/OutputManager.cs: `OnDataReceived`*; one for both streams.
pub(crate) struct Commands<'c> {
    context: &'c Context,
    /// What resumes commands, once they are stopped.
    stopped_until: Option<String>,
}

impl<'c> Commands<'c> {
    pub(crate) fn new(context: &'c Context) -> Self {
        Self { context, stopped_until: None }
    }

    /// Reads a line: a command, or something to be logged.
    pub(crate) fn read(&mut self, line: &str) {
        if !self.is_done(line) {
            self.context.say(line);
        }
    }

    /// Does what `line` commands, if it does. `TryProcessCommand`.
    fn is_done(&mut self, line: &str) -> bool {
        let Some((name, data)) = parse(line) else { return false };
        if let Some(token) = &self.stopped_until {
            let resumes = name.eq_ignore_ascii_case(token);
            if resumes {
                self.stopped_until = None;
                self.context.say(line);
            }
            return resumes;
        }
        match name {
            "error" | "warning" | "notice" => self.context.annotate(name, &data),
            "add-mask" => {
                // What is masked is not said, a line of it neither. `AddMaskCommandExtension`.
                let lines = data.lines().map(str::trim).chain([data.as_str()]);
                lines.filter(|line| !line.is_empty()).for_each(|line| self.context.world.record.mask(line));
            }
            "stop-commands" => {
                self.context.say(line);
                self.stopped_until = Some(data);
            }
            "group" | "endgroup" => self.context.say(&format!("##[{name}]{data}")),
            // With step debugging only, which no job here has; set-output and its like are files now.
            "debug" | "echo" | "add-matcher" | "remove-matcher" => {}
            "set-env" | "add-path" => {
                self.context.annotate("error", &format!("Unable to process command '{line}' successfully."));
                self.context.fail();
            }
            _ => return false,
        }
        true
    }
}

/// The name and the data of a command. *Runner.Common/ActionCommand.cs: `TryParseV2`*.
fn parse(line: &str) -> Option<(&str, String)> {
    let (info, data) = line.trim_start().strip_prefix("::")?.split_once("::")?;
    let name = info.split(' ').next()?;
    Some((name, data.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")))
}
