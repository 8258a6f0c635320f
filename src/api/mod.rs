//! GitHub's REST API and files on the web: one HTTP client and one TLS stack under both.
//!
//! Nothing here exists before a command asks for it: no runtime, no connection, no certificates. The commands are synchronous;
//! [`wait`] is the one place where something asynchronous is waited for. A token goes to the API's own host and no other.

mod client;
mod error;
mod github;
mod jobs;
mod limit;
mod lists;
mod names;
mod open;
mod retry;
mod token;
mod url;
mod wait;

pub use client::Client;
pub use error::{Error, Failure};
pub use github::{Api, PUBLIC_API};
pub use jobs::{JobEnd, RunJob, end_of, jobs};
pub use limit::RateLimit;
pub use lists::{KnownLists, Pages, read_list};
pub use open::{branches, open_pulls};
pub use retry::with_retries;
pub use token::Token;
pub use url::{Url, is_api_of, is_loopback, parse_url, shown};
pub use wait::wait;
