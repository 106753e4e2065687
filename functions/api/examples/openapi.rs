//! Writes the OpenAPI document to standard output.

use std::error::Error;
use std::io::{self, Write};

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &expansion_api_functions::openapi()?)?;
    Ok(writeln!(out)?)
}
