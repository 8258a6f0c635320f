//! Programs that are only asked something.

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

/// What `command` puts out, if it succeeds within `patience`; else it is ended, with all that it started. It gets no input, and what
/// it complains of is nobody's.
pub fn ask(command: &mut Command, patience: Duration) -> Option<Vec<u8>> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
    let mut child = command.spawn().ok()?;
    let mut output = child.stdout.take()?;
    let (told, answer) = mpsc::channel();
    let reader = std::thread::Builder::new().spawn(move || {
        let mut bytes = Vec::new();
        let read = output.read_to_end(&mut bytes);
        // Nobody listens any more where it took too long.
        let _ = told.send(read.ok().map(|_| bytes));
    });
    let answer = reader.ok().and_then(|_| answer.recv_timeout(patience).ok().flatten());
    if answer.is_none()
        && let Some(group) = Pid::from_raw(child.id().cast_signed())
    {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let is_success = child.wait().is_ok_and(|status| status.success());
    answer.filter(|_| is_success)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask_shell(script: &str, milliseconds: u64) -> Option<Vec<u8>> {
        ask(Command::new("sh").args(["-c", script]), Duration::from_millis(milliseconds))
    }

    #[test]
    fn what_succeeds_in_time_is_an_answer() {
        assert_eq!(ask_shell("echo 1; echo 2 >&2", 60_000).as_deref(), Some(&b"1\n"[..]));
        assert_eq!(ask_shell("cat; echo 1", 60_000).as_deref(), Some(&b"1\n"[..]));
        assert_eq!(ask_shell("echo 1; exit 1", 60_000), None);
        assert_eq!(ask(&mut Command::new("/nothing/here"), Duration::from_secs(60)), None);
    }

    #[test]
    fn what_takes_too_long_is_ended_with_all_that_it_started() {
        let place = tempfile::tempdir().unwrap();
        let pid = place.path().join("pid");
        let script = format!("sleep 1000 & echo $! >{}; wait", pid.display());
        assert_eq!(ask_shell(&script, 2_000), None);
        let pid = std::fs::read_to_string(pid).unwrap();
        let is_gone = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
            stat.map_or(true, |stat| stat.contains(") Z "))
        };
        for _ in 0..100 {
            if is_gone() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("the sleep goes on");
    }
}
