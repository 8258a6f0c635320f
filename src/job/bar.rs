//! Shows on a terminal how far a download is.

use std::cell::OnceCell;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar that is there once something comes. Where nobody looks (a log) there is none.
#[derive(Debug, Default)]
pub(crate) struct Bar(OnceCell<ProgressBar>);

impl Bar {
    /// So many bytes of so many have come.
    pub(crate) fn show(&self, come: u64, all: u64) {
        let bar = self.0.get_or_init(|| {
            let bar = ProgressBar::with_draw_target(Some(all), ProgressDrawTarget::stderr());
            match ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}") {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        bar.set_position(come);
    }

    /// It is over.
    pub(crate) fn clear(&self) {
        if let Some(bar) = self.0.get() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.clear();
    }
}
