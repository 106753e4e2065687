//! Writes the OpenAPI document to standard output.

use std::io::{self, Write};

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &expansion_api::openapi())?;
    writeln!(out)
}
