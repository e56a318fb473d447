//! Completion by cobra's protocol, which kubectl speaks with plugins: one `value<TAB>help` per line, then `:DIRECTIVE`.

use std::ffi::OsString;

/// cobra's directive "do not complete file names".
pub const NO_FILES: u8 = 4;

/// What is being completed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Wanted {
    /// Candidates that the command line itself knows.
    Words(Vec<(String, String)>),
    /// The name of a Rollout; the cluster knows. The text before the name (`rollout/`) is kept in front.
    Rollout {
        /// What stands before the name.
        prefix: String,
    },
    /// The name of a namespace.
    Namespace,
}

/// Decides what the last of `words` may become.
#[must_use]
pub fn wanted(mut command: clap::Command, words: &[OsString]) -> Wanted {
    let last = words.last().and_then(|word| word.to_str()).unwrap_or_default();
    let before = words
        .len()
        .checked_sub(2)
        .and_then(|at| words[at].to_str())
        .unwrap_or_default();
    if matches!(before, "-n" | "--namespace") {
        return Wanted::Namespace;
    }
    command.build();
    if !last.starts_with('-') && takes_rollouts(&command, words) {
        let prefix = match last.split_once('/') {
            Some((kind, _)) => format!("{kind}/"),
            None => String::new(),
        };
        return Wanted::Rollout { prefix };
    }
    let mut arguments = vec![OsString::from("kubectl-kruise")];
    arguments.extend(words.iter().cloned());
    let index = arguments.len().saturating_sub(1);
    let found = clap_complete::engine::complete(&mut command, arguments, index, None).unwrap_or_default();
    let text = |help: Option<&clap::builder::StyledStr>| help.map(ToString::to_string).unwrap_or_default();
    Wanted::Words(
        found
            .iter()
            .filter(|candidate| !candidate.is_hide_set())
            .map(|candidate| {
                (
                    candidate.get_value().to_string_lossy().into_owned(),
                    text(candidate.get_help()),
                )
            })
            .collect(),
    )
}

/// Whether the last word may be the name of a Rollout.
fn takes_rollouts(command: &clap::Command, words: &[OsString]) -> bool {
    let done: Vec<&str> = words
        .iter()
        .take(words.len().saturating_sub(1))
        .filter_map(|word| word.to_str())
        .collect();
    let mut leaf = command;
    for word in &done {
        leaf = leaf.find_subcommand(word).unwrap_or(leaf);
    }
    if done.last().is_some_and(|word| expects_value(command, leaf, word)) {
        return false;
    }
    let plain: Vec<&str> = done
        .iter()
        .filter(|word| !word.starts_with('-'))
        .copied()
        .collect();
    let verb = plain
        .iter()
        .position(|word| *word == "rollout")
        .and_then(|at| plain.get(at + 1));
    verb.is_some_and(|verb| NAMING.contains(verb))
        // What `set` sets comes before what it sets it on.
        && (verb != Some(&"set") || matches!(plain.last(), Some(&("image" | "env" | "resources"))))
}

/// Verbs that are told names of Rollouts.
const NAMING: [&str; 14] = [
    "approve", "explain", "gate", "history", "pause", "plan", "restart", "resume", "rollback", "run", "set",
    "status", "undo", "watch",
];

/// Whether a word is an option whose value comes next.
fn expects_value(command: &clap::Command, leaf: &clap::Command, word: &str) -> bool {
    let all = leaf.get_arguments().chain(command.get_arguments());
    let named = |argument: &&clap::Arg| match word.strip_prefix("--") {
        Some(long) => argument.get_long() == Some(long),
        None => word
            .strip_prefix('-')
            .is_some_and(|short| short.chars().eq(argument.get_short())),
    };
    all.filter(|argument| argument.get_action().takes_values())
        .any(|argument| named(&argument))
}

/// The answer in cobra's form.
#[must_use]
pub fn answer(candidates: &[(String, String)], directive: u8) -> String {
    let mut text = String::new();
    for (value, help) in candidates {
        text.push_str(value);
        if !help.is_empty() {
            text.push('\t');
            text.push_str(help);
        }
        text.push('\n');
    }
    text.push_str(&format!(":{directive}\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::{Wanted, answer, wanted};

    fn ask(words: &[&str]) -> Wanted {
        wanted(
            crate::cli::command(),
            &words.iter().map(Into::into).collect::<Vec<_>>(),
        )
    }

    #[test]
    fn knows_what_is_wanted() {
        let Wanted::Words(verbs) = ask(&["rollout", "appr"]) else {
            panic!("no words")
        };
        assert_eq!(
            verbs,
            [("approve".to_owned(), "Let a paused step go on".to_owned())]
        );
        assert_eq!(
            ask(&["rollout", "approve", ""]),
            Wanted::Rollout {
                prefix: String::new()
            }
        );
        assert_eq!(
            ask(&["rollout", "approve", "rollout/d"]),
            Wanted::Rollout {
                prefix: "rollout/".into()
            }
        );
        assert_eq!(
            ask(&["rollout", "set", "image", "sts/"]),
            Wanted::Rollout {
                prefix: "sts/".into()
            }
        );
        assert_eq!(ask(&["rollout", "status", "-n", ""]), Wanted::Namespace);
        let Wanted::Words(formats) = ask(&["rollout", "status", "demo", "-o", "j"]) else {
            panic!("no words")
        };
        assert_eq!(formats[0].0, "json");
        let Wanted::Words(colours) = ask(&["rollout", "undo", "--color", "a"]) else {
            panic!("no words")
        };
        assert_eq!(colours.len(), 2);
        assert_eq!(
            ask(&["rollout", "rollback", "--no-wait", ""]),
            Wanted::Rollout {
                prefix: String::new()
            }
        );
        let Wanted::Words(scenarios) = ask(&["rollout", "demo", "st"]) else {
            panic!("no words")
        };
        let scenarios: Vec<&str> = scenarios.iter().map(|(value, _)| value.as_str()).collect();
        assert_eq!(scenarios, ["statefulset", "stuck"]);
    }

    #[test]
    fn answers_as_cobra_does() {
        let candidates = [
            ("a".to_owned(), "first".to_owned()),
            ("b".to_owned(), String::new()),
        ];
        assert_eq!(answer(&candidates, 4), "a\tfirst\nb\n:4\n");
    }
}
