//! What happens after a job: the hooks under a stand-in of GitHub's runner that follows the real one to the letter.
#![allow(clippy::disallowed_methods, reason = "tests speak to the file system by the standard library")]

mod after_job;
mod contract;
mod host;
mod stand_in;
