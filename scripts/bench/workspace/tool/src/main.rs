//! Looks into files of several kinds.

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::{Parser, ValueEnum};
use rayon::prelude::*;

#[derive(Parser)]
struct Arguments {
    #[arg(long)]
    kind: Kind,
    paths: Vec<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Image,
    Readings,
    Repository,
    Rust,
    Wasm,
}

type Outcome = Result<String, Box<dyn Error + Send + Sync>>;

fn describe(kind: Kind, path: &Path) -> Outcome {
    Ok(match kind {
        Kind::Image => format!("{:?}", image::image_dimensions(path)?),
        Kind::Readings => format!("{:?}", model::fit(&model::parse(&std::fs::read_to_string(path)?))),
        Kind::Repository => gix::open(path)?.head_id()?.to_string(),
        Kind::Rust => format!("{} items", syn::parse_file(&std::fs::read_to_string(path)?)?.items.len()),
        Kind::Wasm => {
            let bytes = std::fs::read(path)?;
            let mut parts = 0;
            for part in wasmparser::Parser::new(0).parse_all(&bytes) {
                part?;
                parts += 1;
            }
            format!("{parts} parts")
        }
    })
}

fn main() {
    let arguments = Arguments::parse();
    let outcomes: Vec<_> = arguments.paths.par_iter().map(|path| (path, describe(arguments.kind, path))).collect();
    for (path, outcome) in outcomes {
        match outcome {
            Ok(text) => println!("{}: {text}", path.display()),
            Err(error) => eprintln!("{}: {error}", path.display()),
        }
    }
}
