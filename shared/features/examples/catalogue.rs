//! Writes the page of features to standard output.

use std::io::{self, Write};

fn main() -> io::Result<()> {
    io::stdout().lock().write_all(expansion_features::catalogue().as_bytes())
}
