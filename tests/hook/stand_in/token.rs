//! Tells those who asked that something is cancelled, as .NET's `CancellationToken` does: the last to ask is told first.

use std::sync::{Arc, Mutex};

type Callback = Box<dyn FnOnce() + Send>;

/// Whether something is cancelled.
#[derive(Clone, Default)]
pub(crate) struct Token(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    is_cancelled: bool,
    asked: u64,
    callbacks: Vec<(u64, Callback)>,
}

/// Somebody who asked.
pub(crate) struct Registration(u64);

impl Token {
    pub(crate) fn is_cancelled(&self) -> bool {
        self.0.lock().unwrap().is_cancelled
    }

    pub(crate) fn cancel(&self) {
        let callbacks = {
            let mut inner = self.0.lock().unwrap();
            inner.is_cancelled = true;
            std::mem::take(&mut inner.callbacks)
        };
        callbacks.into_iter().rev().for_each(|(_, callback)| callback());
    }

    /// Calls `callback` once it is cancelled: now, if it is.
    pub(crate) fn on_cancel(&self, callback: impl FnOnce() + Send + 'static) -> Registration {
        let mut inner = self.0.lock().unwrap();
        inner.asked += 1;
        let number = inner.asked;
        if inner.is_cancelled {
            drop(inner);
            callback();
        } else {
            inner.callbacks.push((number, Box::new(callback)));
        }
        Registration(number)
    }

    #[expect(clippy::needless_pass_by_value, reason = "who is forgotten is not there any more")]
    pub(crate) fn forget(&self, registration: Registration) {
        self.0.lock().unwrap().callbacks.retain(|(number, _)| *number != registration.0);
    }
}
