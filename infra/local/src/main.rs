//! `expansion-local`: the whole product on this machine, with one command.

mod check;
mod cli;
mod demo;
mod document;
mod export;
mod replay;
mod report;
mod stop;

use std::iter::successors;
use std::process::ExitCode;

use clap::Parser;
use expansion_domain::Instant;
use expansion_local::{Options, Stack, refresh};
use expansion_records::Run;
use tokio::runtime::Runtime;

use crate::cli::{Cli, Command, RunArguments};
use crate::demo::Demo;
use crate::stop::StopSignals;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Some(Command::Demo(arguments)) => demo::write(&arguments).map(|()| ExitCode::SUCCESS).map_err(Into::into),
        Some(Command::Check(arguments)) => on_runtime(check::check(&arguments)),
        Some(Command::Replay(arguments)) => {
            on_runtime(async { replay::print(&arguments).await.map(|()| ExitCode::SUCCESS) })
        }
        None => on_runtime(async { run(cli.run).await.map(|()| ExitCode::SUCCESS) }),
    };
    let error = match outcome {
        Ok(code) => return code,
        Err(error) => error,
    };
    let causes = successors(Some(&*error), |error| (**error).source());
    eprintln!("error: {}", causes.map(ToString::to_string).collect::<Vec<_>>().join(": "));
    ExitCode::FAILURE
}

fn on_runtime(work: impl Future<Output = Result<ExitCode, Failure>>) -> Result<ExitCode, Failure> {
    let runtime = Runtime::new()?;
    let outcome = runtime.block_on(work);
    // A training that nobody waits for any more must not hold up the end.
    runtime.shutdown_background();
    outcome
}

async fn run(arguments: RunArguments) -> Result<(), Failure> {
    expansion_telemetry::init_console(&arguments.log)?;
    let mut stop = StopSignals::new()?;
    let own_source = arguments.source.as_deref().map(cli::absolute).transpose()?;
    let demo = Demo::of(&arguments)?;
    let source = own_source.clone().or_else(|| demo.as_ref().map(|demo| demo.folder.display().to_string()));
    let stack = Stack::start(Options {
        data_dir: arguments.data_dir.clone(),
        source,
        variables: arguments.variables(demo.is_some()),
        chaos: None,
        port: if arguments.once { None } else { Some(arguments.port) },
    })
    .await?;
    let refreshed = async {
        // Only now: the stack has locked the folder.
        demo.as_ref().map_or(Ok(()), Demo::write)?;
        let cause = refresh::cause(&stack, own_source.as_deref()).await;
        refreshed(&stack, &arguments, arguments.as_of(demo.is_some()), cause).await
    };
    let outcome = tokio::select! {
        refreshed = refreshed => refreshed,
        () = stop.next() => Err("stopped before the refresh was complete".into()),
    };
    let outcome = match outcome {
        Ok(run) if !arguments.once => serve(&stack, &run, &mut stop).await,
        other => other.map(drop),
    };
    stack.shutdown().await;
    outcome
}

/// Makes the refresh and prints what came of it.
async fn refreshed(stack: &Stack, arguments: &RunArguments, as_of: Instant, cause: String) -> Result<Run, Failure> {
    let run = refresh::refresh(stack, as_of, arguments.horizon_days, cause).await?;
    if arguments.json {
        document::print(stack, &run).await?;
    } else {
        report::print(stack, &run).await?;
    }
    if let Some(file) = &arguments.export {
        export::write(stack, &run, file).await?;
    }
    Ok(run)
}

/// Serves until the process is asked to end, and finishes what is under way then.
async fn serve(stack: &Stack, run: &Run, stop: &mut StopSignals) -> Result<(), Failure> {
    report::print_urls(stack, run).await?;
    let unfinished = refresh::resume(stack).await?;
    if unfinished > 0 {
        eprintln!("carrying on {unfinished} refresh(es) that an earlier process left unfinished");
    }
    stop.next().await;
    eprintln!("stopping; once more to leave unfinished what is under way");
    tokio::select! {
        () = stack.idle() => {}
        () = stop.next() => {}
    }
    Ok(())
}
