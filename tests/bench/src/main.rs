//! Measurements. Each prints one JSON object; none asserts anything. What is to be compared from build to build is in
//! `benches`.

mod coverage;
mod measure;
mod portfolio;
mod read;
mod recommend;
mod table;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use expansion_bench::Failure;

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
    /// Fits on a source's earlier cutoffs and tries the model on the newest.
    Portfolio(portfolio::Arguments),
    /// Simulates portfolios with known truth and counts how often the intervals hold it.
    Coverage(coverage::Arguments),
    /// Recommends products from what was known one horizon ago, and counts how often they were bought since.
    Recommend(recommend::Arguments),
    /// Fits on a CSV file and tries the model on another.
    Table(table::Arguments),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Read(arguments) => read::measure(&arguments).await,
        Command::Portfolio(arguments) => portfolio::measure(&arguments).await,
        Command::Coverage(arguments) => coverage::measure(&arguments).await,
        Command::Recommend(arguments) => recommend::measure(&arguments).await,
        Command::Table(arguments) => table::measure(&arguments),
    };
    match result {
        Ok(result) => {
            println!("{result}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
