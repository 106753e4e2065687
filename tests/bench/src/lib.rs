//! Sources to measure with, for the commands and the benches.

mod source;
mod usage;

pub use source::{Known, read_folder};
pub use usage::{Form, Usage};

/// Why nothing could be measured.
pub type Failure = Box<dyn std::error::Error>;
