//! Shows how far a long transfer is: a bar on a terminal, a line every few seconds in a log, and the record of this process.

use std::io::IsTerminal;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::job::Job;
use crate::report::{bytes, count};
use crate::store::{Layer, MovedSoFar};
use crate::tree::Progress;

/// How often a log is told.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// How often a bar moves.
const BAR_EVERY: Duration = Duration::from_millis(100);

/// How often the record of this process is written.
const RECORD_EVERY: Duration = Duration::from_millis(500);

/// Does `work`, which counts in the [`Progress`] that it is given, and shows how far it is. `files` is what there is to
/// do in all.
pub(crate) fn shown<T>(job: &Job, layer: Layer, files: u64, work: impl FnOnce(&Progress) -> T) -> T {
    let progress = Progress::default();
    record(job, layer, files, &progress);
    let (done, is_done) = channel::<()>();
    std::thread::scope(|scope| {
        let progress = &progress;
        // Where no thread can be had nothing is shown.
        let _ = std::thread::Builder::new().spawn_scoped(scope, move || {
            if std::io::stderr().is_terminal() {
                show_bar(job, layer, files, progress, &is_done);
            } else {
                show_lines(job, layer, files, progress, &is_done);
            }
        });
        let result = work(progress);
        drop(done);
        result
    })
}

/// Tells in the record of this process how far it is.
fn record(job: &Job, layer: Layer, of_files: u64, progress: &Progress) {
    let (files, bytes) = progress.so_far();
    job.work.at_files(layer, MovedSoFar { files, of_files, bytes });
}

fn show_bar(job: &Job, layer: Layer, files: u64, progress: &Progress, is_done: &Receiver<()>) {
    let style = ProgressStyle::with_template("{prefix:7} {bar:40} {human_pos} of {human_len} files, {msg}");
    let bar = ProgressBar::new(files).with_prefix(layer.name());
    let bar = match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    };
    let mut recorded = Instant::now();
    while is_done.recv_timeout(BAR_EVERY) == Err(RecvTimeoutError::Timeout) {
        let (done, size) = progress.so_far();
        bar.set_message(bytes(size));
        bar.set_position(done);
        if recorded.elapsed() >= RECORD_EVERY {
            record(job, layer, files, progress);
            recorded = Instant::now();
        }
    }
    bar.finish_and_clear();
}

fn show_lines(job: &Job, layer: Layer, files: u64, progress: &Progress, is_done: &Receiver<()>) {
    let mut told = Instant::now();
    while is_done.recv_timeout(RECORD_EVERY) == Err(RecvTimeoutError::Timeout) {
        record(job, layer, files, progress);
        if told.elapsed() >= LINE_EVERY {
            let (done, size) = progress.so_far();
            job.console.say(format!("{layer}: {} of {} files, {}", count(done), count(files), bytes(size)));
            told = Instant::now();
        }
    }
}
