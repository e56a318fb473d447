//! `demo`: a release in an in-memory cluster, in front of the user.

use std::{future::Future, path::PathBuf, time::Duration};

use serde_json::json;
use tokio::net::TcpListener;

use super::interruption;
use crate::{
    cli::args::{DemoArgs, DemoScenario},
    clock::Clock,
    demo::{self, Demo, NAME, NAMESPACE, Scenario, pace},
    engine::{core::Stop, driver::Event},
    error::{Error, Kind, Result},
    exit_code,
    ui::Ui,
    view::{Table, change::stamped},
};

/// Time for pods on their way out to be gone from the picture.
const SETTLED: Duration = Duration::from_millis(500);

/// Time between two steps where nobody is asked.
const BETWEEN: Duration = Duration::from_secs(1);

/// Runs the command.
///
/// # Errors
/// When the cluster cannot be served, or the user takes the release back.
pub fn run(ui: &Ui, args: &DemoArgs) -> Result<u8> {
    let scenario = shown(args.scenario);
    if args.list {
        let rows = Scenario::ALL.map(|one| vec![one.name().to_owned(), one.summary().to_owned()]);
        ui.table(&Table {
            header: vec!["SCENARIO", "WHAT IT SHOWS"],
            rows: rows.to_vec(),
        })?;
        return Ok(exit_code::DONE);
    }
    if scenario == Scenario::Empty && !args.serve {
        return Err(
            Error::usage("there is nothing to show in an empty cluster, it can only be served")
                .hint("kubectl-kruise rollout demo empty --serve"),
        );
    }
    in_its_time(args.speed, show(ui, args, scenario))
}

/// Runs a command in time that runs so many times as fast.
///
/// # Errors
/// The command's own, and that it was interrupted.
pub fn in_its_time(speed: u32, command: impl Future<Output = Result<u8>>) -> Result<u8> {
    match speed {
        1 => super::block_on(command),
        speed => pace::block_on(speed, interruption::until_interrupted(Box::pin(command)))?,
    }
}

async fn show(ui: &Ui, args: &DemoArgs, scenario: Scenario) -> Result<u8> {
    let clock = Clock::wall();
    let mut demo = Demo::start(clock, scenario).await.map_err(failed)?;
    for line in scenario.introduction() {
        ui.line(&line)?;
    }
    if scenario != Scenario::Empty {
        demo.until_at_rest().await;
    }
    let image = if scenario == Scenario::Stuck {
        demo::BROKEN_IMAGE
    } else {
        demo::NEW_IMAGE
    };
    if args.serve {
        return serve(ui, args, demo, scenario, image).await;
    }
    ui.line(&format!(
        "The new version {image} is set, and held: nothing goes out by itself."
    ))?;
    demo.release(image).await.map_err(failed)?;
    // What a scenario shows is a good end; what a human decides is told by the exit code, as everywhere.
    let mut by_design = false;
    loop {
        let stop = demo.engine().next_stop(|event| tell(ui, event)).await;
        // The engine that has only looked says so as well; there is nothing to show yet.
        if stop != Some(Stop::AtRest) {
            clock.sleep(SETTLED).await;
            picture(ui, scenario, &demo)?;
        }
        match stop {
            Some(Stop::WaitingForApproval { step, total }) => {
                by_design = scenario == Scenario::Rollback;
                if by_design {
                    clock.sleep(args.auto_approve.unwrap_or(BETWEEN)).await;
                }
                if by_design || !approved(ui, args, clock, step, total).await? {
                    ui.line("Back to v1:")?;
                    demo.roll_back().await.map_err(failed)?;
                    continue;
                }
                demo.approve().await.map_err(failed)?;
            }
            Some(Stop::Completed) => {
                ui.line("Done: v2 is everywhere, and the cluster is as you would have written it.")?;
                ui.hint("'kubectl-kruise rollout demo --list' says what else there is to see, '--serve' keeps such a cluster for kubectl");
                return Ok(exit_code::DONE);
            }
            Some(Stop::RolledBack) => {
                ui.line("Rolled back: v1 is everywhere.")?;
                return Ok(if by_design {
                    exit_code::DONE
                } else {
                    exit_code::ROLLED_BACK
                });
            }
            Some(Stop::Degraded { message }) if scenario == Scenario::Stuck => {
                ui.line(&format!("Stuck: {message}."))?;
                ui.line("The users of v1 have not noticed. Back to v1:")?;
                by_design = true;
                demo.roll_back().await.map_err(failed)?;
            }
            Some(Stop::AtRest) => {}
            other => {
                return Err(Error::new(
                    Kind::General,
                    format!("the demo stopped unexpectedly: {other:?}"),
                ));
            }
        }
    }
}

fn shown(scenario: DemoScenario) -> Scenario {
    match scenario {
        DemoScenario::Canary => Scenario::Canary,
        DemoScenario::Ab => Scenario::Ab,
        DemoScenario::Empty => Scenario::Empty,
        DemoScenario::Batches => Scenario::Batches,
        DemoScenario::BlueGreen => Scenario::BlueGreen,
        DemoScenario::Statefulset => Scenario::StatefulSet,
        DemoScenario::Rollback => Scenario::Rollback,
        DemoScenario::Stuck => Scenario::Stuck,
    }
}

fn failed(error: demo::Error) -> Error {
    Error::new(Kind::General, error.to_string())
}

/// Whether the step may go on: asked on a terminal, after a moment elsewhere.
async fn approved(ui: &Ui, args: &DemoArgs, clock: Clock, step: i32, total: i32) -> Result<bool> {
    if args.yes || args.auto_approve.is_some() {
        clock.sleep(args.auto_approve.unwrap_or(BETWEEN)).await;
        ui.line(&format!("Step {step}/{total} approved."))?;
        return Ok(true);
    }
    let question = format!("Approve step {step}/{total}? ('no' rolls back)");
    match ui.confirm(&question)? {
        Some(answer) => Ok(answer),
        None => Err(
            Error::new(Kind::Usage, "nobody is there to approve: stdin is not a terminal")
                .hint("kubectl-kruise rollout demo --yes"),
        ),
    }
}

/// Says what the engine does.
pub(super) fn tell(ui: &Ui, event: &Event) {
    match event {
        Event::Moved { at, reason, .. } => ui.talk(&stamped(*at, &reason.to_string())),
        // The engine's notes to itself in the Rollout are told as moves.
        Event::Wrote { effect, .. } if effect.target.kind != "Rollout" => {
            ui.talk(&format!(
                "    {} {}: {}",
                effect.verb.method(),
                effect.target,
                effect.purpose
            ));
        }
        _ => {}
    }
}

/// One line: ready pods per version and where the traffic goes.
fn picture(ui: &Ui, scenario: Scenario, demo: &Demo) -> Result<()> {
    let (pods, share) = demo.picture();
    let pods: Vec<String> = pods
        .iter()
        .map(|(image, ready)| format!("{} x {}", ready, image.rsplit(':').next().unwrap_or(image)))
        .collect();
    let traffic = match share {
        _ if !scenario.has_traffic() => String::new(),
        Some(share) => format!("; {share} to v2"),
        None => "; all traffic to the Service".to_owned(),
    };
    ui.line(&format!("  pods ready: {}{traffic}", pods.join(", ")))
}

async fn serve(ui: &Ui, args: &DemoArgs, mut demo: Demo, scenario: Scenario, image: &str) -> Result<u8> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let path = args
        .write_kubeconfig
        .clone()
        .unwrap_or_else(|| std::env::temp_dir().join(format!("kruise-demo-{}.kubeconfig", address.port())));
    let namespace = if scenario == Scenario::Empty {
        "default"
    } else {
        NAMESPACE
    };
    write_kubeconfig(&path, &format!("http://{address}"), namespace)?;
    let sim = demo.sim().clone();
    ui.line(&format!(
        "The cluster is at http://{address}, and an engine is at work in it. In another terminal:"
    ))?;
    ui.line(&format!("  export KUBECONFIG={}", path.display()))?;
    let change = format!("set image web web={image}");
    let commands = match scenario {
        Scenario::Empty => vec!["apply -f FILE", "status NAME", "watch -A"],
        _ => vec!["status web", &change, "watch web", "explain web", "approve web"],
    };
    for command in commands {
        let place = if scenario == Scenario::Empty {
            ""
        } else {
            " -n demo"
        };
        ui.line(&format!("  kubectl-kruise rollout {command}{place}"))?;
    }
    ui.line("Ctrl-C ends it.")?;
    let told = async {
        while let Some(event) = demo.engine().events.recv().await {
            tell(ui, &event);
        }
    };
    tokio::select! {
        served = sim.serve(listener) => served?,
        () = told => {}
    }
    Ok(exit_code::DONE)
}

pub(super) fn write_kubeconfig(path: &PathBuf, server: &str, namespace: &str) -> Result<()> {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "demo", "cluster": { "server": server } }],
        "users": [{ "name": "demo", "user": {} }],
        "contexts": [{ "name": "demo", "context": { "cluster": "demo", "user": "demo", "namespace": namespace } }],
        "current-context": "demo",
        "preferences": {},
    });
    let written = std::fs::write(path, format!("{config}\n"));
    written.map_err(|error| {
        Error::new(
            Kind::General,
            format!(
                "cannot write the kubeconfig of {NAME} to {}: {error}",
                path.display()
            ),
        )
    })
}
