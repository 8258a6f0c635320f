//! Threads for work on many files.

use rayon::ThreadPoolBuilder;

/// Bytes of a thread's stack: as many as a process's own usually has.
const STACK: usize = 8 << 20;

/// Does `work` where what is done in parallel has a thread for each processor, or none but this one where the user may start no
/// more.
pub fn with_threads<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let builder = || ThreadPoolBuilder::new().stack_size(STACK);
    match builder().build().or_else(|_| builder().num_threads(1).use_current_thread().build()) {
        Ok(threads) => threads.install(work),
        // Who has no pool at all makes one when it comes to that.
        Err(_) => work(),
    }
}
