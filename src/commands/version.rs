//! `version`: of this program, and of the API server.

use serde_json::json;

use super::{block_on, connect};
use crate::{
    cli::{Global, args::VersionArgs, values::Output},
    error::Result,
    exit_code,
    ui::Ui,
};

/// Runs the command; `--client` asks no server and starts no runtime.
///
/// # Errors
/// When the server cannot be reached.
pub fn run(ui: &Ui, global: &Global, args: &VersionArgs) -> Result<u8> {
    let client = concat!("v", env!("CARGO_PKG_VERSION"));
    let mut document = json!({ "clientVersion": { "gitVersion": client } });
    let mut lines = vec![format!("Client Version: {client}")];
    let mut failure = None;
    if !args.client {
        let asked = block_on(async {
            let server = connect(global).await?.server_version().await?;
            lines.push(format!(
                "Server Version: {}",
                server["gitVersion"].as_str().unwrap_or("unknown")
            ));
            document["serverVersion"] = server;
            Ok(exit_code::DONE)
        });
        failure = asked.err();
    }
    match &args.shown.output {
        Some(Output::Data(format)) => ui.documents(format, &[document])?,
        Some(Output::Name) => ui.line(client)?,
        None | Some(Output::Table | Output::Wide) => ui.line(&lines.join("\n"))?,
    }
    // The version of this program is known all the same; it is printed first.
    failure.map_or(Ok(exit_code::DONE), Err)
}
