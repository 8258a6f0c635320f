//! What happened in a job, in order: written by the worker, read by a test.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

/// Before each event on standard output, where there is other text as well.
pub(crate) const MARK: &str = "STAND-IN ";

/// How a step or a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Outcome {
    Succeeded,
    Failed,
    Cancelled,
    Skipped,
}

impl Outcome {
    /// The worse of two. *Runner.Common/Util/TaskResultUtil.cs: `MergeTaskResults`*.
    pub(crate) fn merge(current: Option<Self>, coming: Self) -> Self {
        match current {
            None => coming,
            Some(current) if current > Self::Failed => current,
            Some(current) => current.max(coming),
        }
    }

    /// The worker's exit code. *Runner.Common/Util/TaskResultUtil.cs: `TranslateToReturnCode`*.
    pub(crate) fn code(self) -> i32 {
        match self {
            Self::Succeeded => 100,
            Self::Failed => 102,
            Self::Cancelled => 103,
            Self::Skipped => 104,
        }
    }

    /// What an exit code means; any other is that of a crash. *TaskResultUtil.cs: `TranslateFromReturnCode`*.
    pub(crate) fn of_code(code: i32) -> Option<Self> {
        [Self::Succeeded, Self::Failed, Self::Cancelled, Self::Skipped]
            .into_iter()
            .find(|outcome| outcome.code() == code)
    }

    /// As the API and expressions name it. *TaskResultUtil.cs: `ToActionResult`*.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "success",
            Self::Failed => "failure",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        }
    }
}

/// Something that happened. Steps are known by their numbers, which begin with 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Event {
    /// The worker began; its tracking id comes to be known when the job is set up.
    Worker {
        pid: i32,
        file: PathBuf,
    },
    Tracking {
        id: String,
    },
    StepStarted {
        step: usize,
        name: String,
    },
    Process {
        step: usize,
        pid: i32,
        words: Vec<String>,
        directory: PathBuf,
    },
    Line {
        step: usize,
        text: String,
    },
    Annotation {
        step: usize,
        kind: String,
        message: String,
    },
    Signal {
        step: usize,
        signal: i32,
    },
    Exited {
        step: usize,
        code: i32,
    },
    Output {
        step: usize,
        name: String,
        value: String,
    },
    Summary {
        step: usize,
        text: String,
    },
    StepEnded {
        step: usize,
        outcome: Outcome,
    },
    TempWiped,
    OrphanKilled {
        pid: i32,
        name: String,
    },
    JobEnded {
        outcome: Outcome,
    },
}

/// Writes events down, without the values that are masked.
#[derive(Debug)]
pub(crate) struct Recorder {
    file: Mutex<File>,
    masks: Mutex<Vec<String>>,
}

impl Recorder {
    pub(crate) fn new(path: &Path) -> Self {
        let file = File::create(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { file: Mutex::new(file), masks: Mutex::default() }
    }

    pub(crate) fn mask(&self, value: &str) {
        // Longer ones first: a part of one may be another.
        let mut masks = self.masks.lock().unwrap();
        masks.push(value.to_owned());
        masks.sort_by_key(|mask| std::cmp::Reverse(mask.len()));
    }

    /// A text without masked values. *Runner.Common/HostContext.cs: `SecretMasker`*.
    pub(crate) fn masked(&self, text: &str) -> String {
        self.masks.lock().unwrap().iter().fold(text.to_owned(), |text, mask| text.replace(mask, "***"))
    }

    pub(crate) fn line(&self, step: usize, text: &str) {
        self.add(&Event::Line { step, text: self.masked(text) });
    }

    pub(crate) fn add(&self, event: &Event) {
        let line = serde_json::to_string(event).expect("events are plain data");
        let mut file = self.file.lock().unwrap();
        writeln!(file, "{line}").expect("the record can be written");
        // The listener may be gone: the record is there all the same.
        let _ = writeln!(std::io::stdout(), "{MARK}{line}");
    }
}
