//! Jobs of one `uses:` line under the stand-in, with the real program and the real action: each is saved once or knowingly
//! not, its own result stays, and nothing of it is left behind.

mod ended;
mod interrupted;
mod missing;
mod others;
mod survivors;
mod users;

use test_support::web::Web;

use crate::host::Host;
use crate::stand_in::api::{JobShape, Reply, serve};
use crate::stand_in::runner::Done;
use crate::stand_in::{Job, Runner};

/// An API whose list has the job of this runner, whose steps have come to that.
fn api(runner: &str, steps: &[(&str, &str)]) -> Web {
    let job = JobShape::new(7, "build")
        .on(runner)
        .step("Set up job", Some("success"))
        .step("Set up runner", Some("success"));
    let job = steps.iter().fold(job, |job, (name, conclusion)| job.step(name, Some(conclusion)));
    let other = JobShape::new(6, "lint").on("another").step("Set up job", Some("failure"));
    serve(vec![Reply::Jobs(vec![other, job.step("Complete runner", None)])])
}

/// The same job that may ask `web`.
fn asking(job: Job, web: &Web) -> Job {
    let mut job = job.github("api_url", &web.url(""));
    let cache = job.steps.iter_mut().find(|step| step.name == "cache").expect("it uses the action");
    *cache = cache.clone().with("github-token", "ghs_of_the_job");
    job
}

/// What the hook after the job said.
fn said(done: &Done) -> String {
    done.step("Complete runner").text()
}

/// A host with a runner.
fn host() -> (Host, Runner) {
    let host = Host::new();
    let runner = host.runner("runner-1");
    (host, runner)
}
