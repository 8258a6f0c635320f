//! Programs that are only asked something.

use std::io::{self, Read as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use rustix::process::{Pid, Signal, kill_process_group};
use tracing::debug;

/// Bytes of an answer, at most.
const MOST: usize = 256 << 20;

/// How long to sleep between two looks whether a program has ended that says nothing any more.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What `command` puts out, if it succeeds within `patience`; else it is ended, with all that it started. It gets no input,
/// and what it complains of is nobody's.
pub fn ask(command: &mut Command, patience: Duration) -> Option<Vec<u8>> {
    let began = Instant::now();
    let answer = answer_of(command, patience);
    debug!(program = ?command.get_program(), is_answered = answer.is_some(), took = ?began.elapsed(), "asked");
    answer
}

fn answer_of(command: &mut Command, patience: Duration) -> Option<Vec<u8>> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
    let mut child = command.spawn().ok()?;
    let started = Instant::now();
    let answer =
        read_within(child.stdout.take()?, patience).filter(|_| ends_within(&mut child, patience, started));
    if answer.is_none()
        && let Some(group) = Pid::from_raw(child.id().cast_signed())
    {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let is_success = child.wait().is_ok_and(|status| status.success());
    answer.filter(|_| is_success)
}

/// Whether the program ends before `patience` is over, of which some may be spent since `started`.
fn ends_within(child: &mut Child, patience: Duration, started: Instant) -> bool {
    loop {
        match child.try_wait() {
            Ok(Some(_)) => return true,
            Ok(None) if started.elapsed() < patience => std::thread::sleep(LOOK_EVERY),
            _ => return false,
        }
    }
}

/// All that comes of `output` until it ends; `None` where that takes longer than `patience`. It needs no thread, of which
/// there may be none.
fn read_within(mut output: ChildStdout, patience: Duration) -> Option<Vec<u8>> {
    let started = Instant::now();
    let mut bytes = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        let left = Timespec::try_from(patience.checked_sub(started.elapsed())?).ok()?;
        let mut waiting = [PollFd::new(&output, PollFlags::IN)];
        if retry_on_intr(|| poll(&mut waiting, Some(&left))).ok()? == 0 {
            return None;
        }
        match output.read(&mut buffer) {
            Ok(0) => return Some(bytes),
            Ok(_) if bytes.len() > MOST => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
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
    fn what_closes_its_output_and_goes_on_is_ended_and_so_is_what_does_not_stop() {
        let started = Instant::now();
        assert_eq!(ask_shell("exec >&-; sleep 60", 1_000), None);
        assert_eq!(ask_shell("yes", 60_000), None);
        assert!(started.elapsed() < Duration::from_secs(50));
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
