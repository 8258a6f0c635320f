//! Looks after a host: is the cache where it should be, can jobs use it, and what costs them time or room?
//!
//! [`look`] gathers [`facts`] and touches nothing but a file of its own, by which it tries reflinks. [`checks`] judges them: pure,
//! one function a subject, each check a value. [`mend`] does what is safe, by the pieces that clean up and set up otherwise; the
//! host is looked at again afterwards.
//!
//! A further check is a code in `outcome::CheckCode`, a fact, and a function in the list of [`checks`].

mod checks;
mod facts;
mod look;
mod look_runners;
mod mend;

use crate::job::Job;
use crate::outcome::Diagnosis;
pub(crate) use facts::Asked;

/// Somebody whom what [`diagnose`] tells may name.
#[derive(Debug)]
pub(crate) enum Who {
    /// The user of a runner.
    User(String),
    /// A runner.
    Runner(String),
}

/// The runners, and their users.
pub(crate) fn people(asked: &Asked) -> Vec<Who> {
    let (runners, _) = look_runners::runners(asked);
    let of = |runner: facts::Runner| [runner.user.map(Who::User), Some(Who::Runner(runner.name))];
    runners.into_iter().flat_map(of).flatten().collect()
}

/// Looks at the host, and judges what is there. With `fix`, what is safe to mend is mended before.
pub(crate) fn diagnose(job: &Job, asked: &Asked, fix: bool) -> Diagnosis {
    let mut diagnosis = Diagnosis::default();
    let mut checks = checks::of(&look::look(job, asked));
    let fixes: Vec<_> = checks.iter().filter_map(|check| check.fix).collect();
    if fix && !fixes.is_empty() {
        for fix in fixes {
            match mend::mend(asked, fix) {
                Ok(done) => diagnosis.fixed.extend(done),
                Err(why) => diagnosis.not_fixed.push(why),
            }
        }
        checks = checks::of(&look::look(job, asked));
    }
    Diagnosis { checks, ..diagnosis }
}
