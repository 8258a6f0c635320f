//! A job that reaches the registry.

use test_support::Job;

use crate::PROGRAM;

/// A job to which cargo is what it is to these tests.
pub(crate) fn online_job() -> Job {
    let mut job = Job::new(PROGRAM);
    job.may_download();
    job
}
