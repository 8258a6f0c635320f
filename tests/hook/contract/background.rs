//! Steps in the background.

use super::runner;
use crate::stand_in::job::Step;
use crate::stand_in::{Job, Outcome, run};

#[test]
fn what_a_background_step_wrote_comes_when_it_is_waited_for() {
    let (place, runner) = runner();
    let fifo = place.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let fifo = fifo.display();
    let background =
        run(format!("printf 'A=1\\n' >>\"$GITHUB_ENV\"; echo /added >>\"$GITHUB_PATH\"; cat {fifo}"));
    let shows = "echo \"<$A>${PATH%%:*}\"";
    let job = Job::new("o/r")
        .step(background.named("background").background())
        .step(run(format!("{shows}; echo go on >{fifo}")).named("before"))
        .step(Step::wait(&["background"]))
        .step(run(shows).named("after"));
    let done = runner.run(job);
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
    assert!(done.step("before").text().contains("\n<>"), "{done:?}");
    assert!(done.step("after").log.contains(&"<1>/added".to_owned()), "{done:?}");
}

#[test]
fn steps_that_nobody_waits_for_are_waited_for_before_the_hook() {
    let (_place, runner) = runner();
    let runner = runner.completed("true");
    let job =
        Job::new("o/r").step(run("exit 3").named("background").background()).step(run("true").named("next"));
    let done = runner.run(job);
    assert_eq!(done.outcome(), Outcome::Failed, "{done:?}");
    let ran = done.ran();
    let at = |name: &str| ran.iter().position(|step| step == name).unwrap();
    assert!(at("Wait for all background steps") < at("Complete runner"), "{done:?}");
}

#[test]
fn a_cancelled_background_step_is_no_fault_of_the_jobs() {
    let (_place, runner) = runner();
    let background = run("exec sleep 600").named("background").background();
    let done = runner.run(Job::new("o/r").hurried().step(background).step(Step::cancel(&["background"])));
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
    assert_eq!(done.step("background").outcome, Some(Outcome::Cancelled));
}

#[test]
fn a_survivor_of_a_cancel_works_on_while_the_hook_runs() {
    let (place, runner) = runner();
    let fifo = place.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let runner = runner.completed("kill -0 \"$(cat \"$HOME/pid\")\" && echo 'still there'");
    let survives = "sh -c 'trap \"\" INT TERM; echo $$ >\"$HOME/pid\"; echo ready >$1; exec sleep 600' sh";
    let background = run(format!("{survives} {}", fifo.display())).named("background").background();
    let job = Job::new("o/r")
        .hurried()
        .step(background)
        .step(run(format!("cat {}", fifo.display())))
        .step(Step::cancel(&["background"]));
    let done = runner.run(job);
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
    assert!(done.step("Complete runner").log.contains(&"still there".to_owned()), "{done:?}");
    assert!(done.left().is_empty());
}
