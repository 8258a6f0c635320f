//! A workspace as a checkout lays it out, in a job that reaches the registry.

use std::fs;
use std::path::Path;

use crate::job::Job;

/// A job to which cargo is what it is to these tests.
pub(crate) fn online_job() -> Job {
    let mut job = Job::new();
    job.may_download();
    job
}

/// Lays the workspace at `from` out anew, as a checkout does: nothing keeps its time.
pub(crate) fn check_out(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true if entry.file_name() == "target" => {}
            true => check_out(&entry.path(), &to),
            false => fs::write(to, fs::read(entry.path()).unwrap()).unwrap(),
        }
    }
}
