//! Asks GitHub's API how the job ended whose hook this is: the runner does not tell.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::api::{self, Api, Client, JobEnd, PUBLIC_API, Token, end_of, jobs, parse_url, wait};
use crate::job::{Job, chain};
use crate::plan::JobStatus;

/// How long all answers may take: other jobs wait for the end of this one.
const BOUND: Duration = Duration::from_secs(10);

/// The same where only statistics want to know.
const SHORT_BOUND: Duration = Duration::from_secs(2);

/// How long the server may take to hear of the last step.
const SETTLES: Duration = Duration::from_secs(5);

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(500);

/// How the job stands. Where that `matters` to what is saved and cannot be known, it is told once, with what would help.
pub(crate) fn ask(job: &Job, token_file: Option<&Path>, matters: bool) -> JobStatus {
    let bound = if matters { BOUND } else { SHORT_BOUND };
    let why = match asked(job, token_file, bound) {
        Ok(JobEnd::Success) => return JobStatus::Success,
        Ok(JobEnd::Failure) => return JobStatus::Failure,
        Ok(JobEnd::Cancelled) => return JobStatus::Cancelled,
        Ok(JobEnd::Skipped) => "steps were skipped, by their conditions or by a cancellation".to_owned(),
        Ok(JobEnd::Pending) => "the server has not heard of all steps yet".to_owned(),
        Ok(JobEnd::NotFound) => "the run has not one job in progress on this runner".to_owned(),
        Err(why) => why,
    };
    if matters {
        job.console.say(format!(
            "cannot tell whether the job succeeded: {why}; what only a success completes is kept as a partial entry; hint: end the \
             job with the save action"
        ));
    }
    JobStatus::Unknown
}

fn asked(job: &Job, token_file: Option<&Path>, bound: Duration) -> Result<JobEnd, String> {
    let token_file = token_file.ok_or("the restore got no `github-token`")?;
    let context = &job.context;
    let run = context.run.as_deref().and_then(|run| run.split_once('.'));
    let (Some(repository), Some((run, attempt)), Some(runner)) = (&context.repository, run, &context.runner)
    else {
        return Err("the runner does not tell repository, run and its name".to_owned());
    };
    let console = job.console;
    let say = |text: String| console.say(text);
    let answer = || -> Result<JobEnd, api::Error> {
        let base = parse_url(job.env.get("GITHUB_API_URL").unwrap_or(PUBLIC_API))?;
        let token = Token::find(Some(token_file), &job.env)?;
        let client = Client::new(&base)?;
        let started = Instant::now();
        wait(&job.interrupt, bound, async {
            let api = Api::new(&client, &base, token.as_ref())?;
            loop {
                let end = end_of(&jobs(&api, repository, run, attempt, &say).await?, runner);
                if end != JobEnd::Pending || started.elapsed() > SETTLES {
                    return Ok(end);
                }
                tokio::time::sleep(PAUSE).await;
            }
        })
    };
    answer().map_err(|error| chain(&error))
}
