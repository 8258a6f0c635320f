//! The files that runners run before and after each job: the runner takes the path of one script without arguments, and fails the
//! job where that is missing or fails (`ScriptHandler.cs` of the runner). So the script exists wherever the program goes, looks for
//! it anew each time, and ends with 0 whatever it does.

use std::path::PathBuf;

use crate::host::mark::marked;
use crate::host::request::PlainPath;

/// Around a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Moment {
    /// Before its first step.
    Started,
    /// After its last one.
    Completed,
}

/// The program that a script runs; `None` for a script that is not ours.
pub(super) fn program(script: &str) -> Option<PathBuf> {
    script.lines().find_map(|line| Some(line.strip_prefix("  exec ")?.split(' ').next()?.into()))
}

impl Moment {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Started, Self::Completed];

    /// The name of its file, which must end so for the runner to take bash.
    pub(crate) fn file(self) -> &'static str {
        match self {
            Self::Started => "job-started.sh",
            Self::Completed => "job-completed.sh",
        }
    }

    /// The variable by which a runner knows it.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::Started => "ACTIONS_RUNNER_HOOK_JOB_STARTED",
            Self::Completed => "ACTIONS_RUNNER_HOOK_JOB_COMPLETED",
        }
    }

    /// The variable that keeps a hook which was there before; ours runs it.
    pub(crate) fn next(self) -> &'static str {
        match self {
            Self::Started => "RUNNER_CACHE_NEXT_JOB_STARTED",
            Self::Completed => "RUNNER_CACHE_NEXT_JOB_COMPLETED",
        }
    }

    /// The command of the program.
    fn command(self) -> &'static str {
        match self {
            Self::Started => "job-started",
            Self::Completed => "job-completed",
        }
    }

    /// The script, which runs `program`.
    pub(super) fn script(self, program: &PlainPath) -> String {
        let (command, next) = (self.command(), self.next());
        // In bash's POSIX mode no function of the environment stands in for a special builtin, such as `set`, `unset`, `exec` and
        // `exit`. A program that cannot be run ends the subshell only.
        let text = format!(
            "POSIXLY_CORRECT=1\n\
             set +e\n\
             unset -f printf\n\
             (\n\
             \x20 unset BASH_ENV ENV CDPATH LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT\n\
             \x20 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n\
             \x20 export PATH\n\
             \x20 exec {program} {command} </dev/null\n\
             ) || printf '%s\\n' 'runner-cache: {command} failed; the job goes on'\n\
             case ${{{next}-}} in\n\
             \x20 '') exit 0 ;;\n\
             \x20 *.ps1) exec pwsh -command \". '${next}'\" ;;\n\
             \x20 *) exec bash -e \"${next}\" ;;\n\
             esac\n"
        );
        marked("#", &text)
    }
}
