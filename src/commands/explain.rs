//! `explain`: why a release does not go on, who acts next, and what to type.

use futures::future::join_all;

use super::{Outcomes, connect, interruption, reading, targets};
use crate::{
    cli::{Global, args::ExplainArgs, values::Output},
    cluster::{Found, Resource},
    error::Result,
    ui::Ui,
    view::Explanation,
};

/// Runs the command; it exits as `status` does.
///
/// # Errors
/// When nothing can be read, or the time is up.
pub async fn run(ui: &Ui, global: &Global, args: &ExplainArgs) -> Result<u8> {
    let targets = targets::read(ui, &args.targets, global)?;
    interruption::within(args.limit.timeout, async {
        let cluster = connect(global).await?;
        let found = reading::find_all(&cluster, &targets).await?;
        let judged = join_all(
            found
                .into_iter()
                .map(async |found: Result<Found>| reading::explained(&cluster, &found?).await),
        );
        let mut outcomes = Outcomes::default();
        let mut explanations = Vec::new();
        for status in judged.await {
            match status {
                Ok(status) => {
                    outcomes.add(ui, Ok(status.verdict.exit_code()))?;
                    explanations.push(Explanation(status));
                }
                Err(error) => outcomes.add(ui, Err(error))?,
            }
        }
        let now = cluster.clock.now();
        match &args.shown.output {
            _ if explanations.is_empty() => {}
            Some(Output::Name) => {
                for explanation in &explanations {
                    ui.line(&Resource::Rollouts(Default::default()).object(&explanation.0.name))?;
                }
            }
            Some(Output::Data(format)) => {
                let documents: Vec<_> = explanations.iter().map(|e| e.document(now)).collect();
                ui.documents(format, &documents)?;
            }
            None | Some(Output::Table | Output::Wide) => {
                for (number, explanation) in explanations.iter().enumerate() {
                    if number > 0 {
                        ui.line("")?;
                    }
                    ui.lines(&explanation.lines(now))?;
                }
            }
        }
        Ok(outcomes.code())
    })
    .await
}
