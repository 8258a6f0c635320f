//! Trying again, later each time.

use std::fmt::Display;
use std::time::Duration;

use super::error::Failure;

/// How long to wait before each further attempt.
const PAUSES: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

/// Attempts until one succeeds or fails for good. `say` is told why there is another one.
pub async fn with_retries<T, E: Display>(
    say: &dyn Fn(String),
    mut attempt: impl AsyncFnMut() -> Result<T, Failure<E>>,
) -> Result<T, E> {
    for pause in PAUSES {
        match attempt().await {
            Err(Failure::Passing(error)) => {
                // What to do about it is told once, at the end.
                let why = error.to_string();
                let why = why.split("; hint: ").next().unwrap_or_default();
                say(format!("{why}; trying again in {:.1} s", pause.as_secs_f64()));
                tokio::time::sleep(pause).await;
            }
            result => return result.map_err(Failure::into_error),
        }
    }
    attempt().await.map_err(Failure::into_error)
}
