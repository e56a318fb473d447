//! Completion by cobra's protocol, which kubectl speaks with plugins: one `value<TAB>help` per line, then `:DIRECTIVE`.

use std::ffi::OsString;

use clap::{Arg, Command};

use super::target;

/// cobra's directive "put no space behind it".
const NO_SPACE: u8 = 2;
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
    /// The name of a context of the kubeconfig.
    Context,
    /// A step of a Rollout.
    Step {
        /// What names it, as it was typed.
        target: Vec<String>,
        /// What stands before the number.
        prefix: String,
    },
    /// A container of what is named, with `=` behind it.
    Container {
        /// What names it, as it was typed.
        target: Vec<String>,
    },
    /// A revision of what is named.
    Revision {
        /// What names it, as it was typed.
        target: Vec<String>,
        /// What stands before the number.
        prefix: String,
    },
    /// A file, which the shell knows.
    File,
}

/// Decides what the last of `words` may become.
#[must_use]
pub fn wanted(mut command: Command, words: &[OsString]) -> Wanted {
    command.build();
    let (last, done) = words.split_last().map_or(("", &[][..]), |(last, done)| {
        (last.to_str().unwrap_or_default(), done)
    });
    let typed = Typed::of(&command, done);
    let (flag, prefix) = match (typed.flag, last.split_once('=')) {
        (Some(flag), _) => (Some(flag), String::new()),
        (None, Some((name, _))) if name.starts_with('-') => (typed.argument(name), format!("{name}=")),
        _ => (None, String::new()),
    };
    if let Some(known) = flag.and_then(|flag| typed.of_value(flag, prefix)) {
        return known;
    }
    if !last.starts_with(['-', '*'])
        && !last.contains(['/', '='])
        && flag.is_none()
        && let Some(target) = typed.with_containers()
    {
        return Wanted::Container { target };
    }
    if !last.starts_with('-') && flag.is_none() && typed.takes_rollouts() {
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

/// The words before the last one, taken apart.
struct Typed<'a> {
    root: &'a Command,
    /// The command that they lead to.
    leaf: &'a Command,
    /// The names of the commands.
    path: Vec<&'a str>,
    /// The words that are neither commands nor options, nor values of options.
    plain: Vec<String>,
    /// The option whose value is the last word.
    flag: Option<&'a Arg>,
}

impl<'a> Typed<'a> {
    fn of(root: &'a Command, done: &'a [OsString]) -> Self {
        let mut typed = Self {
            root,
            leaf: root,
            path: Vec::new(),
            plain: Vec::new(),
            flag: None,
        };
        for word in done.iter().map(|word| word.to_str().unwrap_or_default()) {
            if typed.flag.take().is_some() {
                continue;
            }
            if word.starts_with('-') {
                typed.flag = typed.argument(word);
            } else if let Some(verb) = typed
                .leaf
                .find_subcommand(word)
                .filter(|_| typed.plain.is_empty())
            {
                typed.leaf = verb;
                typed.path.push(word);
            } else {
                typed.plain.push(word.to_owned());
            }
        }
        typed
    }

    /// The option of this name whose value comes next.
    fn argument(&self, word: &str) -> Option<&'a Arg> {
        let named = |argument: &&Arg| match word.strip_prefix("--") {
            Some(long) => argument.get_long() == Some(long),
            None => word
                .strip_prefix('-')
                .is_some_and(|short| short.chars().eq(argument.get_short())),
        };
        let mut all = self.leaf.get_arguments().chain(self.root.get_arguments());
        all.find(|argument| {
            argument.get_action().takes_values() && !argument.is_require_equals_set() && named(argument)
        })
    }

    /// What an option's value may be, where the command line does not know.
    fn of_value(&self, flag: &Arg, prefix: String) -> Option<Wanted> {
        let target = self.plain.clone();
        let verb = self.path.last().copied().unwrap_or_default();
        match (flag.get_long().unwrap_or_default(), verb) {
            ("namespace", _) => Some(Wanted::Namespace),
            ("context", _) => Some(Wanted::Context),
            ("step" | "to" | "to-step", _) => Some(Wanted::Step { target, prefix }),
            ("to-revision", _) | ("revision", "history") => Some(Wanted::Revision { target, prefix }),
            _ => {
                let names = flag.get_value_names().unwrap_or_default();
                let is_file = |name: &clap::builder::Str| matches!(name.as_str(), "FILE" | "DIR" | "FOLDER");
                names.iter().any(is_file).then_some(Wanted::File)
            }
        }
    }

    /// What the words before name whose images may be set next; nothing where nothing is named yet.
    fn with_containers(&self) -> Option<Vec<String>> {
        let target: Vec<String> = self
            .plain
            .iter()
            .filter(|word| !word.contains('='))
            .cloned()
            .collect();
        let is_named = !target.is_empty() && target::read(&target).is_ok();
        (self.path == ["rollout", "set", "image"] && is_named).then_some(target)
    }

    /// Whether the last word may be the name of a Rollout.
    fn takes_rollouts(&self) -> bool {
        match self.path.as_slice() {
            ["rollout", "set", what] => matches!(*what, "image" | "env" | "resources"),
            ["rollout", verb] => NAMING.contains(verb),
            _ => false,
        }
    }
}

/// Verbs that are told names of Rollouts.
const NAMING: [&str; 13] = [
    "approve", "explain", "gate", "history", "pause", "plan", "restart", "resume", "rollback", "run",
    "status", "undo", "watch",
];

/// The answer in cobra's form.
#[must_use]
pub fn answer(candidates: &[(String, String)], wanted: &Wanted) -> String {
    let mut text = String::new();
    for (value, help) in candidates {
        text.push_str(value);
        if !help.is_empty() {
            text.push('\t');
            text.push_str(help);
        }
        text.push('\n');
    }
    let goes_on = |(value, _): &(String, String)| value.ends_with(['=', '/']);
    let directive = match wanted {
        Wanted::File => 0,
        _ if !candidates.is_empty() && candidates.iter().all(goes_on) => NO_FILES | NO_SPACE,
        _ => NO_FILES,
    };
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
        let step = |target: &str, prefix: &str| Wanted::Step {
            target: vec![target.to_owned()],
            prefix: prefix.to_owned(),
        };
        let revision = |target: &str| Wanted::Revision {
            target: vec![target.to_owned()],
            prefix: String::new(),
        };
        for (words, expected) in [
            (
                &["rollout", "approve", "demo", "--step", ""][..],
                step("demo", ""),
            ),
            (
                &["rollout", "approve", "-n", "shop", "demo", "--to=2"],
                step("demo", "--to="),
            ),
            (
                &["rollout", "rollback", "demo", "--to-step", "1"],
                step("demo", ""),
            ),
            (
                &["rollout", "undo", "sts/db", "--to-revision", ""],
                revision("sts/db"),
            ),
            (
                &["rollout", "history", "demo", "--revision", ""],
                revision("demo"),
            ),
            (
                &["rollout", "set", "image", "web", ""],
                Wanted::Container {
                    target: vec!["web".to_owned()],
                },
            ),
            (
                &["rollout", "set", "image", "sts", "db", "main=db:v2", "s"],
                Wanted::Container {
                    target: vec!["sts".to_owned(), "db".to_owned()],
                },
            ),
            (
                &["rollout", "set", "image", "sts", ""],
                Wanted::Rollout {
                    prefix: String::new(),
                },
            ),
            (&["rollout", "status", "--context", ""], Wanted::Context),
            (&["rollout", "status", "-f", "man"], Wanted::File),
            (&["--kubeconfig", ""], Wanted::File),
        ] {
            assert_eq!(ask(words), expected, "{words:?}");
        }
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
        assert_eq!(answer(&candidates, &Wanted::Namespace), "a\tfirst\nb\n:4\n");
        let goes_on = [("jsonpath=".to_owned(), String::new())];
        assert_eq!(
            answer(&goes_on, &Wanted::Words(goes_on.to_vec())),
            "jsonpath=\n:6\n"
        );
        assert_eq!(answer(&[], &Wanted::File), ":0\n");
    }
}
