//! The list of a run's jobs.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;
use test_support::web::Web;

use crate::stand_in::api::{JobShape, Reply, serve};

const LIST: &str = "/repos/o/r/actions/runs/1658821493/attempts/1/jobs";

/// The status, the headers and the body that are answered for `path`.
fn ask(web: &Web, path: &str) -> (String, String, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", web.port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\n\r\n", web.port).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let (status, headers) = head.split_once("\r\n").unwrap();
    (status.split(' ').nth(1).unwrap().to_owned(), headers.to_owned(), body.to_owned())
}

#[test]
fn a_list_has_pages_and_jobs_their_steps() {
    let shapes = (0..3).map(|id| {
        JobShape::new(id, "build")
            .on(&format!("runner-{id}"))
            .step("Set up job", Some("success"))
            .step("work", None)
    });
    let web = serve(vec![Reply::Jobs(shapes.collect())]);
    let (_, headers, first) = ask(&web, &format!("{LIST}?per_page=2"));
    let next = format!("<{}?per_page=2&page=2>; rel=\"next\"", web.url(LIST));
    assert!(headers.contains(&next), "{headers}");
    let first: Value = serde_json::from_str(&first).unwrap();
    assert_eq!((first["total_count"].as_u64(), first["jobs"].as_array().unwrap().len()), (Some(3), 2));
    let (_, headers, second) = ask(&web, &format!("{LIST}?per_page=2&page=2"));
    assert!(!headers.contains("Link"), "{headers}");
    let second: Value = serde_json::from_str(&second).unwrap();
    let job = &second["jobs"][0];
    assert_eq!(
        (job["runner_name"].as_str(), job["status"].as_str()),
        (Some("runner-2"), Some("in_progress"))
    );
    assert_eq!((job["conclusion"].as_str(), job["steps"][1]["conclusion"].as_str()), (None, None));
    assert_eq!(
        (job["steps"][1]["number"].as_u64(), job["steps"][0]["conclusion"].as_str()),
        (Some(2), Some("success"))
    );
}

#[test]
fn replies_come_in_order_and_the_last_again() {
    let job = JobShape::new(1, "build").on("runner-1");
    let replies = vec![
        Reply::RateLimited,
        Reply::Forbidden,
        Reply::NotFound,
        Reply::BrokenServer,
        Reply::Malformed,
        Reply::OtherShape,
        Reply::Jobs(vec![job.ended("cancelled")]),
    ];
    let web = serve(replies);
    let statuses: Vec<_> = (0..8).map(|_| ask(&web, LIST)).collect();
    let numbers: Vec<_> = statuses.iter().map(|(status, ..)| status.as_str()).collect();
    assert_eq!(numbers, ["403", "403", "404", "500", "200", "200", "200", "200"]);
    assert!(statuses[0].1.contains("x-ratelimit-remaining: 0"));
    assert!(serde_json::from_str::<Value>(&statuses[4].2).is_err());
    let last: Value = serde_json::from_str(&statuses[7].2).unwrap();
    assert_eq!(last["jobs"][0]["conclusion"].as_str(), Some("cancelled"));
    assert_eq!(ask(&web, "/repos/o/r/actions/runs/2/attempts/1/jobs").0, "404");
}

#[test]
fn a_slow_server_says_no_more_than_the_beginning() {
    let web = serve(vec![Reply::Slow]);
    let mut stream = TcpStream::connect(("127.0.0.1", web.port)).unwrap();
    write!(stream, "GET {LIST} HTTP/1.1\r\n\r\n").unwrap();
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n{") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        read.extend(byte);
    }
    stream.set_nonblocking(true).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}
