//! A cancelled job: the runner sends SIGINT, then SIGTERM 7.5 s later, then SIGKILL.
//!
//! The first signal only raises a flag, which the tree engine looks at between two files, so that a restore that is
//! half-way leaves the destination as it was. A second one ends the process at once, but not while it changes what has to be
//! changed as a whole. While the user's command runs, all of them are passed on to it, and how it ends is its own affair.

use std::io;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::io::retry_on_intr;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::WithRawSiginfo;
use signal_hook::low_level;

use super::file;

/// Whether the process was asked to end.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<State>);

#[derive(Debug, Default)]
struct State {
    raised: Arc<AtomicBool>,
    receiver: Mutex<Receiver>,
}

/// What signals are about now.
#[derive(Debug, Default)]
struct Receiver {
    /// The command that gets them. Whoever holds the lock knows that its number is no other process's.
    command: Option<Pid>,
    /// How many changes are not to end half-way.
    changes: usize,
}

/// A change that a signal does not end half-way, until this is dropped.
#[derive(Debug)]
pub struct Whole(Interrupt);

impl Drop for Whole {
    fn drop(&mut self) {
        self.0.receiver().changes -= 1;
    }
}

impl Interrupt {
    /// Raises the flag on SIGINT, SIGTERM and SIGHUP from now on. Where no thread can be started that listens to them, that is
    /// all they do. A file that is too large for a limit is an error of who writes it from now on, and not the end of the
    /// process.
    pub fn on_signals() -> io::Result<Self> {
        flag::register(SIGXFSZ, Arc::default())?;
        let mut signals = vec![SIGINT, SIGTERM];
        if !is_hangup_ignored() {
            signals.push(SIGHUP);
        }
        let interrupt = Self::default();
        if interrupt.listen(&signals).is_err() {
            for signal in signals {
                flag::register(signal, Arc::clone(&interrupt.0.raised))?;
            }
        }
        Ok(interrupt)
    }

    fn listen(&self, signals: &[i32]) -> io::Result<()> {
        let mut signals = SignalsInfo::<WithRawSiginfo>::new(signals)?;
        let listening = self.clone();
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for signal in &mut signals {
                // The kernel's own come from a terminal, which sends them to the command as well.
                listening.take(signal.si_signo, signal.si_code > 0);
            }
        })?;
        Ok(())
    }

    /// Begins a change that signals do not end half-way: they raise the flag only.
    #[must_use]
    pub fn whole(&self) -> Whole {
        self.receiver().changes += 1;
        Whole(self.clone())
    }

    /// Whether the flag is up.
    pub fn is_raised(&self) -> bool {
        self.0.raised.load(Ordering::Relaxed)
    }

    /// Puts the flag up by hand.
    pub fn raise(&self) {
        self.0.raised.store(true, Ordering::Relaxed);
    }

    /// Runs the user's command to its end. `None`: the flag was up before it began.
    pub fn run(&self, command: &mut Command) -> io::Result<Option<ExitStatus>> {
        let mut child = {
            let mut receiver = self.receiver();
            if self.is_raised() {
                return Ok(None);
            }
            let child = command.spawn()?;
            receiver.command = Some(Pid::from_child(&child));
            child
        };
        let ended = wait_for_end(&child);
        // Only then is its number given back.
        self.receiver().command = None;
        ended?;
        child.wait().map(Some)
    }

    fn take(&self, signal: i32, is_from_terminal: bool) {
        let receiver = self.receiver();
        let was_raised = self.0.raised.swap(true, Ordering::Relaxed);
        match receiver.command {
            Some(command) if !is_from_terminal => {
                // It may be another user's by now, or have ended: there is nothing else to try.
                let _ = Signal::from_named_raw(signal).map(|signal| kill_process(command, signal));
            }
            // As the shell has it.
            None if was_raised && receiver.changes == 0 => low_level::exit(128 + signal),
            Some(_) | None => {}
        }
    }

    fn receiver(&self) -> MutexGuard<'_, Receiver> {
        self.0.receiver.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits without taking note of the end, so that the process's number stays its own.
fn wait_for_end(child: &Child) -> io::Result<()> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    retry_on_intr(|| waitid(WaitId::Pid(Pid::from_child(child)), options))?;
    Ok(())
}

/// Whether whoever started the process (`nohup`) wants it to outlive its terminal.
fn is_hangup_ignored() -> bool {
    let status = file::read("/proc/self/status".as_ref()).unwrap_or_default();
    let status = String::from_utf8_lossy(&status);
    let mut ignored = status.lines().filter_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.next().and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (SIGHUP - 1)) != 0)
}
