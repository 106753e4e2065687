//! Measurements. Each prints one JSON object; none asserts anything.

mod read;

use clap::{Parser, Subcommand};

type Failure = Box<dyn std::error::Error>;

#[derive(Debug, Parser)]
#[command(about = "Measures expansion-propensity; prints JSON")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Reads usage rows from Parquet and builds every customer's features, on one core.
    Read(read::Arguments),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    match Cli::parse().command {
        Command::Read(arguments) => read::measure(&arguments).await,
    }
}
