//! What the program does, step by step, for whoever looks for a fault: `tracing` events on standard error, and spans by thread in
//! a file.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use tracing_chrome::{ChromeLayerBuilder, FlushGuard};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::time::uptime;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::github::command::Command;
use crate::sys::{chain, file};

/// The variable that says what is told: a level, or levels of modules, such as `runner_cache::store=trace,debug`.
const VARIABLE: &str = "RUNNER_CACHE_LOG";

/// What is to be told.
#[derive(Debug)]
pub struct Diagnosed<'a> {
    /// The value of [`VARIABLE`].
    pub wanted: Option<&'a str>,
    /// Whether the runner debugs: then all steps are told.
    pub is_debugged: bool,
    /// Whether the runner reads the log.
    pub is_actions: bool,
    /// The file for what each thread does.
    pub trace: Option<&'a Path>,
}

/// Starts to tell it, as long as the value lives. Says what is wrong with the variable, or why there is no file.
pub fn start_diagnostics(diagnosed: &Diagnosed<'_>) -> Result<Option<Trace>, String> {
    let filter = match diagnosed.wanted {
        Some(wanted) => Some(wanted.parse::<Targets>().map_err(|error| {
            format!(
                "{VARIABLE}: `{wanted}` is not a filter ({error}); allowed: a level (error, warn, info, debug, trace), or modules \
                 with levels such as `runner_cache::store=trace`"
            )
        })?),
        None => diagnosed.is_debugged.then(|| Targets::new().with_default(LevelFilter::DEBUG)),
    };
    let lines = filter.map(|filter| {
        let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_timer(uptime());
        lines.with_writer(Lines { is_actions: diagnosed.is_actions }).with_filter(filter)
    });
    let (spans, trace) = match diagnosed.trace {
        Some(path) => {
            let file = file::create(path).map_err(|error| format!("no trace: {}", chain(&error)))?;
            let (spans, guard) =
                ChromeLayerBuilder::new().writer(BufWriter::new(file)).include_args(true).build();
            let ours = Targets::new().with_target("runner_cache", LevelFilter::TRACE);
            (Some(spans.with_filter(ours)), Some(Trace { _guard: guard }))
        }
        None => (None, None),
    };
    let started = tracing_subscriber::registry().with(lines).with(spans);
    started.try_init().map_err(|error| format!("{VARIABLE}: {error}"))?;
    Ok(trace)
}

/// A trace that is being written.
pub struct Trace {
    _guard: FlushGuard,
}

/// Where the events go.
struct Lines {
    is_actions: bool,
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Line;

    fn make_writer(&'w self) -> Line {
        Line { is_actions: self.is_actions }
    }
}

/// One event, which comes as a whole.
struct Line {
    is_actions: bool,
}

impl Write for Line {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        if self.is_actions {
            let text = String::from_utf8_lossy(event);
            io::stderr().write_all(format!("{}\n", Command::Debug(text.trim_end())).as_bytes())?;
        } else {
            io::stderr().write_all(event)?;
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
