//! Waiting for something asynchronous, no longer than may be.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use super::error::Error;
use crate::sys::Interrupt;

/// How often to look whether the process was asked to end.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Waits for `work` on this thread, until it is done, `bound` is over or a signal comes.
pub fn wait<T, E: From<Error>>(
    interrupt: &Interrupt,
    bound: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::NoClient(error.to_string()))?;
    runtime.block_on(async {
        let mut work = pin!(work);
        let mut tick = tokio::time::interval(LOOK_EVERY);
        let mut end = pin!(tokio::time::sleep(bound));
        poll_fn(|context| {
            if let Poll::Ready(result) = work.as_mut().poll(context) {
                return Poll::Ready(result);
            }
            if end.as_mut().poll(context).is_ready() {
                return Poll::Ready(Err(Error::TooSlow(bound).into()));
            }
            while tick.poll_tick(context).is_ready() {
                if interrupt.is_raised() {
                    return Poll::Ready(Err(Error::Interrupted.into()));
                }
            }
            Poll::Pending
        })
        .await
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_ends_is_given_up() {
        let forever = || std::future::pending::<Result<(), Error>>();
        let interrupt = Interrupt::default();
        assert!(matches!(wait(&interrupt, Duration::from_millis(1), forever()), Err(Error::TooSlow(_))));
        interrupt.raise();
        assert!(matches!(wait(&interrupt, Duration::from_secs(60), forever()), Err(Error::Interrupted)));
    }
}
