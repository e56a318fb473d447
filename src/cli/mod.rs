//! What may be typed: clap types, kubectl's global flags, targets, and names this program answers to.

pub mod args;
pub mod complete;
pub mod foreign;
pub mod global;
pub mod image;
mod labels;
mod scripts;
pub mod target;
pub mod values;

use std::{ffi::OsString, path::Path};

use clap::{Args as _, CommandFactory, FromArgMatches, Parser, Subcommand};

pub use args::Verb;
pub use global::Global;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-kruise",
    bin_name = "kubectl kruise",
    version,
    about = "Progressive delivery with OpenKruise Rollouts, with or without its controller",
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    infer_long_args = false,
    after_help = "Verbs that are not listed go to another kubectl-kruise further down PATH, if there is one.\n\
                  Exit codes: 0 done, 1 error, 4 waiting for approval, 5 degraded, 6 rolled back, 7 not found, 8 conflict,\n\
                  9 forbidden, 10 server unreachable, 64 usage, 124 timeout, 130 interrupted."
)]
pub struct Cli {
    /// kubectl's global flags.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Root,
}

/// The first word.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
#[expect(clippy::large_enum_variant, reason = "there is one of it, made once")]
pub enum Root {
    /// Carry a release through: approve, status, watch, rollback ...
    #[command(subcommand, arg_required_else_help = true)]
    Rollout(Verb),
    /// Show version
    Version(args::VersionArgs),
    /// Print a completion script
    Completion(args::CompletionArgs),
    /// Answer kubectl's completion (cobra's protocol)
    #[command(name = "__complete", hide = true)]
    Complete {
        /// The words typed so far; the last may be empty
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },
    /// A verb of another kubectl-kruise
    #[command(external_subcommand)]
    Foreign(Vec<OsString>),
}

impl Root {
    /// Who reads what it prints on stdout.
    #[must_use]
    pub fn reader(&self) -> values::Reader {
        match self {
            Self::Rollout(verb) => verb.reader(),
            _ => values::Reader::Person,
        }
    }
}

/// The command as clap sees it.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Turns what was typed into the arguments of [`Cli`], by the name the program was started under: as
/// `kubectl-kruise-rollout` the word `rollout` is understood, as `kubectl_complete-kruise` it answers completion.
#[must_use]
pub fn arguments(typed: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut typed = typed.into_iter();
    let program = typed.next().unwrap_or_default();
    let stem = Path::new(&program)
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default()
        .to_owned();
    let mut typed = typed.peekable();
    let is_asked = typed.next_if(|first| first == "__complete").is_some();
    let implied: &[&str] = match stem.as_str() {
        "kubectl-kruise-rollout" | "kubectl-kruise_rollout" if is_asked => &["__complete", "rollout"],
        _ if is_asked => &["__complete"],
        "kubectl-kruise-rollout" | "kubectl-kruise_rollout" => &["rollout"],
        "kubectl_complete-kruise" => &["__complete"],
        "kubectl_complete-kruise-rollout" => &["__complete", "rollout"],
        _ => &[],
    };
    std::iter::once(program)
        .chain(implied.iter().map(OsString::from))
        .chain(typed)
        .collect()
}

/// Parses arguments prepared by [`arguments`].
///
/// # Errors
/// When they do not parse, or ask for help; clap's error renders either.
pub fn parse(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    if let Some(cli) = parse_alone(arguments) {
        return Ok(cli);
    }
    let mut command = command();
    let matches = command
        .try_get_matches_from_mut(arguments)
        .map_err(|error| error.format(&mut command))?;
    Cli::from_arg_matches(&matches).map_err(|error| {
        // Told with the usage of the verb that was typed.
        let (mut typed, mut rest) = (command.clone(), &matches);
        while let Some((name, inner)) = rest.subcommand()
            && let Some(verb) = typed.find_subcommand(name).cloned()
        {
            (typed, rest) = (verb, inner);
        }
        error.format(&mut typed)
    })
}

/// The short way for what is typed most, `rollout VERB ...`: clap gives every verb a copy of the global flags, half a megabyte
/// for all of them. Nothing when that does not parse; it is the whole that says why.
fn parse_alone(arguments: &[OsString]) -> Option<Cli> {
    let [program, rollout, verb, ..] = arguments else {
        return None;
    };
    if rollout != "rollout" {
        return None;
    }
    let all = Verb::augment_subcommands(clap::Command::new("rollout"));
    let verb = all.find_subcommand(verb)?.clone();
    let alone = Global::augment_args(clap::Command::new(program.to_str()?.to_owned()))
        .subcommand(clap::Command::new("rollout").subcommand(verb));
    let matches = alone.try_get_matches_from(arguments).ok()?;
    Cli::from_arg_matches(&matches).ok()
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches;

    use super::{Cli, Root, Verb, arguments, command, parse, parse_alone};

    #[test]
    fn is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn a_verb_is_told_alike_in_the_list_and_in_its_own_help() {
        fn compare(listed: &clap::Command, built: &clap::Command) {
            for (listed, built) in listed.get_subcommands().zip(built.get_subcommands()) {
                assert_eq!(listed.get_name(), built.get_name());
                assert_eq!(
                    listed.get_about().map(ToString::to_string),
                    built.get_about().map(ToString::to_string)
                );
                compare(listed, built);
            }
        }
        let mut built = command();
        built.build();
        compare(&command(), &built);
    }

    #[test]
    fn a_verb_by_itself_reads_what_the_whole_reads() {
        for line in [
            "kubectl-kruise rollout approve web --step 2 -n shop --dry-run=server -o json",
            "kubectl-kruise rollout status deploy/web -A --until healthy --timeout=5m -v6",
            "kubectl-kruise rollout set image web main=web:v2 --standalone",
            "kubectl-kruise rollout plan web --set-image main=web:v2 --kubeconfig here -o yaml",
            "kubectl-kruise rollout undo web --to-revision 3",
            "kubectl-kruise rollout approve --nothing",
            "kubectl-kruise rollout --context here status web",
            "kubectl-kruise -n shop rollout status web",
            "kubectl-kruise rollout status --help",
            "kubectl-kruise rollout set",
            "kubectl-kruise rollout",
            "kubectl-kruise version",
        ] {
            let typed: Vec<std::ffi::OsString> = line.split(' ').map(Into::into).collect();
            let whole = command().try_get_matches_from(&typed);
            let whole = whole.and_then(|matches| Cli::from_arg_matches(&matches)).ok();
            let alone = parse_alone(&typed);
            assert_eq!(
                alone.as_ref().or(whole.as_ref()).map(|cli| format!("{cli:?}")),
                whole.as_ref().map(|cli| format!("{cli:?}")),
                "{line}"
            );
            let is_short =
                line.starts_with("kubectl-kruise rollout") && !line.contains(" --context here status");
            assert_eq!(alone.is_some(), whole.is_some() && is_short, "{line}");
        }
    }

    #[test]
    fn knows_its_names() {
        let cases = [
            (
                vec!["/x/kubectl-kruise", "rollout", "status"],
                vec!["/x/kubectl-kruise", "rollout", "status"],
            ),
            (
                vec!["kubectl-kruise-rollout", "status"],
                vec!["kubectl-kruise-rollout", "rollout", "status"],
            ),
            (
                vec!["kubectl-kruise-rollout", "__complete", "s"],
                vec!["kubectl-kruise-rollout", "__complete", "rollout", "s"],
            ),
            (
                vec!["kubectl-kruise", "__complete", "r"],
                vec!["kubectl-kruise", "__complete", "r"],
            ),
            (
                vec!["kubectl_complete-kruise", "r"],
                vec!["kubectl_complete-kruise", "__complete", "r"],
            ),
            (
                vec!["kubectl_complete-kruise-rollout", "s"],
                vec!["kubectl_complete-kruise-rollout", "__complete", "rollout", "s"],
            ),
        ];
        for (typed, expected) in cases {
            assert_eq!(arguments(typed.into_iter().map(Into::into)), expected);
        }
    }

    #[test]
    fn reads_verbs_and_global_flags_on_both_sides() {
        let cli = parse(
            &[
                "kubectl-kruise",
                "-n",
                "a",
                "rollout",
                "approve",
                "demo",
                "--step",
                "2",
                "--context",
                "c",
            ]
            .map(Into::into),
        )
        .unwrap();
        assert_eq!(
            (cli.global.namespace.as_deref(), cli.global.context.as_deref()),
            (Some("a"), Some("c"))
        );
        let Root::Rollout(Verb::Approve(approve)) = cli.command else {
            panic!("not approve")
        };
        assert_eq!(
            (approve.step, approve.targets.names),
            (Some(2), vec!["demo".to_owned()])
        );
        assert!(parse(&["kubectl-kruise", "rollout", "aprove", "demo"].map(Into::into)).is_err());
        assert!(matches!(
            parse(&["kubectl-kruise", "get", "x"].map(Into::into))
                .unwrap()
                .command,
            Root::Foreign(_)
        ));
    }
}
