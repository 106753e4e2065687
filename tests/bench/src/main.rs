//! Measurements. Each prints its results and asserts nothing. What is to be compared from build to build is in
//! `benches`.

mod cold;
mod coverage;
mod lopsided;
mod measure;
mod portfolio;
mod read;
mod recommend;
mod simulate;
mod table;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use expansion_bench::Failure;

#[derive(Debug, Parser)]
#[command(about = "Measures expansion-propensity")]
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
    /// Starts functions' binaries cold and counts their CPU time and memory.
    Cold(cold::Arguments),
    /// Simulates portfolios with known truth and counts how often the intervals hold it.
    Coverage(coverage::Arguments),
    /// Refreshes portfolios in which one customer has most of the facts, or every customer something of their own.
    Lopsided(lopsided::Arguments),
    /// Recommends products from what was known one horizon ago, and counts how often they were bought since.
    Recommend(recommend::Arguments),
    /// Fits on a CSV file and tries the model on another.
    Table(table::Arguments),
    /// Refreshes week by week through a change of the market: what do accuracy, drift and challengers make of it?
    Simulate(simulate::Arguments),
}

async fn measure(command: Command) -> Result<String, Failure> {
    let measured = match command {
        Command::Read(arguments) => read::measure(&arguments).await,
        Command::Portfolio(arguments) => portfolio::measure(&arguments).await,
        Command::Cold(arguments) => cold::measure(&arguments).await,
        Command::Coverage(arguments) => coverage::measure(&arguments).await,
        Command::Recommend(arguments) => recommend::measure(&arguments).await,
        Command::Table(arguments) => table::measure(&arguments),
        Command::Lopsided(arguments) => return lopsided::measure(&arguments).await,
        Command::Simulate(arguments) => return simulate::measure(&arguments).await,
    };
    Ok(measured?.to_string())
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    // The local stack wants threads; whatever else is measured is measured on one core.
    let mut runtime = match command {
        Command::Cold(_) | Command::Lopsided(_) | Command::Simulate(_) => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    let result = runtime.enable_all().build().map_err(Failure::from);
    match result.and_then(|runtime| runtime.block_on(measure(command))) {
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
