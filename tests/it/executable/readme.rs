//! The README's commands are commands of this program.

use std::ffi::OsString;

use kubectl_kruise::cli;

/// The commands in the README's `sh` blocks, one per pipe member, without comments.
fn commands() -> Vec<Vec<String>> {
    let text = include_str!("../../../README.md").replace(" \\\n", " ");
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            inside = line == "```sh";
        } else if inside {
            let command = line.split(" #").next().unwrap_or(line);
            found.extend(
                command
                    .split('|')
                    .map(|part| part.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
                    .filter(|words| !words.is_empty()),
            );
        }
    }
    found
}

#[test]
fn every_command_line_of_the_readme_is_understood() {
    let mut ours = 0;
    let mut wrong = Vec::new();
    for words in commands() {
        let text: Vec<&str> = words.iter().map(String::as_str).collect();
        let rest = match text.as_slice() {
            ["cargo", "run", "--", rest @ ..]
            | ["kubectl", "kruise", rest @ ..]
            | ["kubectl-kruise", rest @ ..] => rest,
            ["cargo", "test" | "bench" | "install", ..] | ["kubectl", "apply" | "annotate", ..] => continue,
            other => {
                wrong.push(format!("{other:?} is neither ours nor known"));
                continue;
            }
        };
        ours += 1;
        let typed: Vec<OsString> = std::iter::once("kubectl-kruise")
            .chain(rest.iter().copied())
            .map(Into::into)
            .collect();
        match cli::parse(&typed) {
            Ok(parsed) if matches!(parsed.command, cli::Root::Foreign(_)) => {
                wrong.push(format!("{rest:?} is no verb"));
            }
            Ok(_) => {}
            Err(error) => wrong.push(format!("{rest:?}: {error}")),
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(ours > 5, "found only {ours} commands");
}
