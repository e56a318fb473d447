//! One verb per file: resolve, read, decide, apply, print. Rules live in the layers below.

pub mod apply;
pub mod approve;
pub mod auto;
pub mod back;
pub mod beside;
pub mod complete;
pub mod completion;
pub mod demo;
pub mod evidence;
pub mod explain;
pub mod files;
pub mod fleet;
pub mod gate;
pub mod history;
pub mod interruption;
pub mod jump;
pub mod lint;
pub mod manifests;
pub mod outage;
pub mod pause;
pub mod plan;
pub mod reading;
pub mod rehearse;
pub mod restart;
pub mod rollback;
pub mod run;
pub mod schema;
pub mod set;
pub mod status;
pub mod subject;
pub mod targets;
pub mod undo;
pub mod update;
pub mod validity;
pub mod version;
pub mod watch;
pub mod write;

use std::{ffi::OsString, future::Future, process::ExitCode};

use clap::error::ErrorKind;
use serde_json::Value;
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::{
    cli::{
        self, Cli, Global, Root, Verb,
        args::{SetVerb, WriteArgs},
        values::{ColorChoice, Output},
    },
    cluster::Body,
    error::{Error, Kind, Result},
    exit_code,
    ui::Ui,
};

/// Whom the API server notes as the author of what a user changes through this program.
pub const FIELD_MANAGER: &str = "kubectl-kruise";

/// Runs the program.
#[must_use]
pub fn main(typed: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = cli::arguments(typed);
    let cli = match cli::parse(&arguments) {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(usage(&error)),
    };
    let ui = Ui::new(cli.global.color).read_by(cli.command.reader());
    let told = |error: Error| {
        ui.error(&error);
        error.exit_code()
    };
    let code = dispatch(&ui, cli, &arguments).unwrap_or_else(told);
    let printed = ui.finish().map_or_else(told, |()| code);
    ExitCode::from(if code == exit_code::DONE { printed } else { code })
}

/// Help goes to stdout and is no error; everything else goes to stderr.
fn usage(error: &clap::Error) -> u8 {
    let ui = Ui::new(ColorChoice::Auto);
    let text = error.render().to_string();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return ui
            .text(&text)
            .map_or_else(|error| error.exit_code(), |()| exit_code::DONE);
    }
    ui.talk(text.trim_end());
    exit_code::USAGE
}

fn dispatch(ui: &Ui, cli: Cli, arguments: &[OsString]) -> Result<u8> {
    tell(cli.global.verbosity, ui.colors_talk());
    let global = &cli.global;
    match cli.command {
        Root::Version(args) | Root::Rollout(Verb::Version(args)) => version::run(ui, global, &args),
        Root::Completion(args) | Root::Rollout(Verb::Completion(args)) => completion::run(ui, &args),
        Root::Complete { words } => complete::run(ui, &words),
        Root::Foreign(words) => {
            let verb = words.first().cloned().unwrap_or_default();
            cli::foreign::hand_on(&verb, arguments.get(1..).unwrap_or_default())
        }
        Root::Rollout(Verb::Approve(args)) => block_on(approve::run(ui, global, &args)),
        Root::Rollout(Verb::Gate(args)) => block_on(gate::run(ui, global, &args)),
        Root::Rollout(Verb::Status(args)) => block_on(status::run(ui, global, &args)),
        Root::Rollout(Verb::Schema(args)) => schema::run(ui, &args),
        Root::Rollout(Verb::Manifests(args)) => manifests::run(ui, global, &args),
        Root::Rollout(Verb::Plan(args)) => block_on(plan::run(ui, global, &args)),
        Root::Rollout(Verb::Lint(args)) => block_on(lint::run(ui, global, &args)),
        Root::Rollout(Verb::Rehearse(args)) => rehearse::run(ui, global, &args),
        Root::Rollout(Verb::Demo(args)) => demo::run(ui, &args),
        Root::Rollout(Verb::Run(args)) => block_on(run::run(ui, global, &args)),
        Root::Rollout(Verb::Explain(args)) => block_on(explain::run(ui, global, &args)),
        Root::Rollout(Verb::Watch(args)) => block_on(watch::run(ui, global, &args)),
        Root::Rollout(Verb::Rollback(args)) => block_on(rollback::run(ui, global, &args)),
        Root::Rollout(Verb::Undo(args)) => block_on(undo::run(ui, global, &args)),
        Root::Rollout(Verb::Pause(args)) => block_on(pause::pause(ui, global, &args)),
        Root::Rollout(Verb::Resume(args)) => block_on(pause::resume(ui, global, &args)),
        Root::Rollout(Verb::Restart(args)) => block_on(restart::run(ui, global, &args)),
        Root::Rollout(Verb::History(args)) => block_on(history::run(ui, global, &args)),
        Root::Rollout(Verb::Set(SetVerb::Image(args))) => block_on(set::image(ui, global, &args)),
        Root::Rollout(Verb::Set(SetVerb::Env(args))) => block_on(set::env(ui, global, &args)),
        Root::Rollout(Verb::Set(SetVerb::Resources(args))) => block_on(set::resources(ui, global, &args)),
        Root::Rollout(Verb::Apply(args)) => block_on(apply::run(ui, global, &args)),
    }
}

/// Runs a command until it is done or the user interrupts it.
fn block_on(command: impl Future<Output = Result<u8>>) -> Result<u8> {
    let runtime = runtime()?;
    let done = runtime.block_on(interruption::until_interrupted(Box::pin(command)));
    // A credential plugin that hangs is not waited for.
    runtime.shutdown_background();
    done
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?)
}

/// Turns `-v` into what is told on stderr: requests from 6 on, everything the libraries tell from 8 on.
fn tell(verbosity: u8, color: bool) {
    let told = match verbosity {
        0..6 => return,
        6..8 => Targets::new().with_target("kubectl_kruise", LevelFilter::DEBUG),
        _ => Targets::new().with_default(LevelFilter::DEBUG),
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(color)
        .with_target(false)
        .without_time();
    // A second subscriber in one process only means that the first goes on.
    let _ = tracing_subscriber::registry().with(told).with(lines).try_init();
}

/// Collects the outcome of several objects: the exit code is that of the first failure, else the gravest state.
#[derive(Debug, Default)]
struct Outcomes {
    failure: Option<u8>,
    state: u8,
}

impl Outcomes {
    fn add(&mut self, ui: &Ui, outcome: Result<u8>) -> Result<()> {
        match outcome {
            Ok(code) => {
                let gravity = [
                    exit_code::DONE,
                    exit_code::WAITING,
                    exit_code::ROLLED_BACK,
                    exit_code::DEGRADED,
                ];
                let rank = |code| gravity.iter().position(|c| *c == code);
                match rank(code) {
                    // A failure that was told already.
                    None => self.failure = self.failure.or(Some(code)),
                    rank_of_code if rank_of_code > rank(self.state) => self.state = code,
                    Some(_) => {}
                }
            }
            // Nobody reads any more, or the user wants to leave: the remaining objects are left alone.
            Err(error) if matches!(error.kind, Kind::BrokenPipe | Kind::Interrupted) => return Err(error),
            Err(error) => {
                ui.error(&error);
                self.failure = self.failure.or(Some(error.exit_code()));
            }
        }
        Ok(())
    }

    fn code(&self) -> u8 {
        self.failure.unwrap_or(self.state)
    }
}

/// Prints what a change came to: the success line, the object, or its name.
fn changed(ui: &Ui, how: &WriteArgs, title: &str, done: &str, object: &Value) -> Result<()> {
    told(ui, how, title, &format!("{done}{}", how.dry_run.suffix()), object)
}

/// Prints that something is so already, whether a change was to be made or only tried.
fn unchanged(ui: &Ui, how: &WriteArgs, title: &str, state: &str, object: &Value) -> Result<()> {
    told(ui, how, title, state, object)
}

fn told(ui: &Ui, how: &WriteArgs, title: &str, words: &str, object: &Value) -> Result<()> {
    match &how.shown.output {
        None | Some(Output::Table | Output::Wide) => ui.line(&format!("{title} {words}")),
        Some(Output::Name) => ui.line(title),
        Some(Output::Data(format)) => {
            ui.collect(format, object);
            Ok(())
        }
    }
}

/// Prints the request that `--dry-run=client` does not send.
fn request(ui: &Ui, verb: &str, path: &str, body: &Body) -> Result<()> {
    let (kind, value) = (body.content_type(), body.value());
    ui.aside(&format!("{verb} {path}\nContent-Type: {kind}\n{value}"))
}

/// The commands of this process talk to this server, in this namespace.
async fn connect(global: &Global) -> Result<crate::cluster::Cluster> {
    let access = global.access();
    // A credential plugin is waited for with the thread: elsewhere, so that deadlines and Ctrl-C hold meanwhile.
    let here = tokio::runtime::Handle::current();
    let connecting = tokio::task::spawn_blocking(move || here.block_on(crate::cluster::connect(&access)));
    connecting
        .await
        .map_err(|error| Error::new(Kind::General, format!("cannot connect: {error}")))?
}
