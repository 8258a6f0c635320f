//! A registry on the host: its index and crates are files, which a small server hands out or cargo reads by itself.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use test_support::Job;

/// A registry in a directory of the host: `index`, and `crates` beside it.
pub(crate) struct Registry {
    directory: String,
}

impl Registry {
    /// An empty registry in `directory`, which is at `url` for those who download.
    pub(crate) fn new(job: &Job, directory: &str, url: &str) -> Self {
        let config = format!("{{\"dl\": \"{url}/crates/{{crate}}-{{version}}.crate\"}}");
        job.write(&format!("{directory}/index/config.json"), &config);
        fs::create_dir_all(job.path(directory).join("crates")).unwrap();
        Self { directory: directory.to_owned() }
    }

    /// Publishes a crate that knows one number. Its name has four letters or more.
    pub(crate) fn publish(&self, job: &Job, name: &str, version: &str, number: u32) {
        let package = format!("{}/packages/{name}-{version}", self.directory);
        job.write(
            &format!("{package}/Cargo.toml"),
            &format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n"),
        );
        job.write(&format!("{package}/src/lib.rs"), &format!("pub const NUMBER: u32 = {number};\n"));
        let package = job.path(&package);
        job.sh(&format!(
            "cd {}; cargo package -q --offline --no-verify --target-dir target",
            package.display()
        ));
        let file = format!("{name}-{version}.crate");
        let packed = fs::read(package.join("target/package").join(&file)).unwrap();
        fs::write(job.path(&self.directory).join("crates").join(file), &packed).unwrap();
        let digest = runner_cache::sys::sha256_hex(&packed);
        let line = format!(
            "{{\"name\":\"{name}\",\"vers\":\"{version}\",\"deps\":[],\"cksum\":\"{digest}\",\"features\":{{}},\"yanked\":false}}\n"
        );
        let index = format!("{}/index/{}/{}/{name}", self.directory, &name[..2], &name[2..4]);
        let before = if job.path(&index).is_file() { job.read(&index) } else { String::new() };
        job.write(&index, &(before + &line));
    }

    /// Makes a git repository of the index, and returns its URL.
    pub(crate) fn as_git(&self, job: &Job) -> String {
        let index = job.path(&self.directory).join("index");
        commit(job, &index);
        format!("file://{}", index.display())
    }
}

/// Makes a git repository of `directory`, or another commit in it.
pub(crate) fn commit(job: &Job, directory: &Path) {
    let commit = "git -c user.name=n -c user.email=e commit -qm c";
    job.sh(&format!("cd {}; git init -q; git add -A; {commit}", directory.display()));
}

/// Hands out files until it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Hands out the files of `directory`.
    pub(crate) fn of(directory: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&is_over);
        let thread = thread::spawn(move || {
            for stream in listener.incoming().map(Result::unwrap) {
                if ends.load(Ordering::Relaxed) {
                    break;
                }
                let directory = directory.clone();
                // A client that goes away is nobody's problem.
                thread::spawn(move || drop(answer(&stream, &directory)));
            }
        });
        Self { address, is_over, thread: Some(thread) }
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        TcpStream::connect(self.address).unwrap();
        self.thread.take().unwrap().join().unwrap();
    }
}

fn answer(mut stream: &TcpStream, directory: &Path) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let path = first.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
    let (status, body) = match fs::read(directory.join(path)) {
        Ok(body) => ("200 OK", body),
        Err(_) => ("404 Not Found", Vec::new()),
    };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(&body)
}
