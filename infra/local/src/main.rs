//! `expansion-local`: the whole product on this machine, with one command.

mod cli;
mod demo;
mod document;
mod export;
mod report;

use std::iter::successors;
use std::process::ExitCode;

use clap::Parser;
use expansion_local::{Options, Stack, refresh};

use crate::cli::{Cli, Command, RunArguments};

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Some(Command::Demo(arguments)) => demo::write(&arguments).map_err(Into::into),
        None => run(cli.run).await,
    };
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    let causes = successors(Some(&*error), |error| (**error).source());
    eprintln!("error: {}", causes.map(ToString::to_string).collect::<Vec<_>>().join(": "));
    ExitCode::FAILURE
}

async fn run(arguments: RunArguments) -> Result<(), Failure> {
    expansion_telemetry::init_console(&arguments.log)?;
    let demo = demo::for_run(&arguments)?;
    let as_of = arguments.as_of(demo.is_some());
    let own_source = arguments.source.as_deref().map(cli::absolute).transpose()?;
    let source = own_source.clone().or_else(|| demo.as_ref().map(|demo| demo.folder.display().to_string()));
    let stack = Stack::start(Options {
        data_dir: arguments.data_dir.clone(),
        source,
        variables: arguments.variables(),
        chaos: None,
        port: if arguments.once { None } else { Some(arguments.port) },
    })
    .await?;
    let cause = refresh::cause(&stack, own_source.as_deref()).await;
    let outcome = refresh_and_serve(&stack, &arguments, as_of, cause).await;
    stack.shutdown().await?;
    outcome
}

async fn refresh_and_serve(
    stack: &Stack,
    arguments: &RunArguments,
    as_of: expansion_domain::Instant,
    cause: String,
) -> Result<(), Failure> {
    let run = refresh::refresh(stack, as_of, arguments.horizon_days, cause).await?;
    stack.save().await?;
    if arguments.json {
        document::print(stack, &run).await?;
    } else {
        report::print(stack, &run).await?;
    }
    if let Some(file) = &arguments.export {
        export::write(stack, &run, file).await?;
    }
    if arguments.once {
        return Ok(());
    }
    report::print_urls(stack, &run).await?;
    tokio::signal::ctrl_c().await?;
    eprintln!("stopping");
    stack.idle().await;
    Ok(())
}
