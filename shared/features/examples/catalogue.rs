//! Writes the page of features to standard output.

use std::error::Error;
use std::io::{self, Write};

fn main() -> Result<(), Box<dyn Error>> {
    Ok(io::stdout().lock().write_all(expansion_features::catalogue()?.as_bytes())?)
}
