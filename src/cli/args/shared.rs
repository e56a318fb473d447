//! Flags that several verbs take.

use std::{sync::Arc, time::Duration};

use clap::{
    Arg, ArgMatches, Args, Command, FromArgMatches, ValueHint,
    builder::{PossibleValue, StringValueParser, TypedValueParser},
    error::ErrorKind,
};

use super::super::{
    scripts::folder,
    values::{DryRun, Output, OutputParser, PlanOutput, PlanOutputParser, duration},
};
use crate::traffic::script::Folder;

/// A form in which what comes of a command may be printed.
pub trait Form: From<Output> + Clone + Send + Sync + 'static {
    /// Reads it from the command line.
    type Parser: TypedValueParser<Value = Self> + Clone + Default;

    /// What the flag's help says.
    const HELP: &'static str;
}

impl Form for Output {
    type Parser = OutputParser;

    const HELP: &'static str =
        "Print as wide, json, yaml, name, jsonpath=TEMPLATE, go-template=TEMPLATE or custom-columns=SPEC";
}

impl Form for PlanOutput {
    type Parser = PlanOutputParser;

    const HELP: &'static str = "Print as markdown, mermaid, svg, json, yaml, name, jsonpath=TEMPLATE, go-template=TEMPLATE or custom-columns=SPEC";
}

/// How what comes of a command is printed: `-o`, and `--template` beside it.
#[derive(Clone, Debug)]
pub struct OutputArgs<T = Output> {
    /// The form, unless it is what people read.
    pub output: Option<T>,
}

impl<T> Default for OutputArgs<T> {
    fn default() -> Self {
        Self { output: None }
    }
}

/// Names of the flags.
const OUTPUT: &str = "output";
const TEMPLATE: &str = "template";

/// A form as `-o` names it.
#[derive(Clone, Debug)]
enum Asked<T> {
    /// All of it.
    Whole(T),
    /// Without the template, which may be in the other flag.
    Bare(String),
}

/// Reads an [`Asked`].
#[derive(Clone, Debug)]
struct AskedParser<P>(P);

impl<P: TypedValueParser> TypedValueParser for AskedParser<P> {
    type Value = Asked<P::Value>;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<Self::Value, clap::Error> {
        let bare = [
            "go-template",
            "go-template-file",
            "template",
            "templatefile",
            "jsonpath",
            "jsonpath-file",
        ];
        if bare.iter().any(|name| *name == value) {
            let name = StringValueParser::new().parse_ref(command, argument, value)?;
            return Ok(Asked::Bare(name));
        }
        self.0.parse_ref(command, argument, value).map(Asked::Whole)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        self.0.possible_values()
    }
}

impl<T: Form> FromArgMatches for OutputArgs<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Self::from_arg_matches_mut(&mut matches.clone())
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, clap::Error> {
        let asked: Option<Asked<T>> = matches.remove_one(OUTPUT);
        let template: Option<String> = matches.remove_one(TEMPLATE);
        let read = |text: String| {
            let output = text.parse::<Output>().map(T::from);
            output.map_err(|why| clap::Error::raw(ErrorKind::ValueValidation, why))
        };
        let output = match (asked, template) {
            (None, None) => None,
            (Some(Asked::Whole(output)), None) => Some(output),
            (Some(Asked::Bare(name)), None) => Some(read(name)?),
            (Some(Asked::Bare(name)), Some(template)) => Some(read(format!("{name}={template}"))?),
            (None, Some(template)) => Some(read(format!("go-template={template}"))?),
            (Some(Asked::Whole(_)), Some(_)) => {
                let why = "--template belongs to -o go-template, go-template-file, jsonpath or jsonpath-file";
                return Err(clap::Error::raw(ErrorKind::ArgumentConflict, why));
            }
        };
        Ok(Self { output })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl<T: Form> Args for OutputArgs<T> {
    fn augment_args(command: Command) -> Command {
        let output = Arg::new(OUTPUT)
            .short('o')
            .long(OUTPUT)
            .help(T::HELP)
            .value_name("FORMAT")
            .hide_possible_values(true)
            .value_parser(AskedParser(T::Parser::default()));
        let template = Arg::new(TEMPLATE)
            .long(TEMPLATE)
            .help("The template of -o go-template or jsonpath, or the file of go-template-file; by itself, a Go template")
            .value_name("TEMPLATE");
        command.arg(output).arg(template)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// How long a command may take.
#[derive(Args, Clone, Debug, Default)]
pub struct TimeArgs {
    /// Give up after this time, with exit code 124; 0 for no limit
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub timeout: Option<Duration>,
}

/// Whether a change is made, and what is told of it.
#[derive(Args, Clone, Debug, Default)]
pub struct WriteArgs {
    /// none, client (print the request) or server (send it with dryRun=All)
    #[arg(long, value_enum, value_name = "WHERE", default_value_t)]
    pub dry_run: DryRun,
    #[command(flatten)]
    pub(crate) shown: OutputArgs,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// Flags of every verb that changes something.
#[derive(Args, Debug)]
pub struct ChangeArgs {
    /// Then drive the release to its next stop, in this process
    #[arg(long, conflicts_with = "dry_run")]
    pub standalone: bool,
    /// With --standalone: scripts for Ingress classes and kinds of routes, before those of the cluster
    #[arg(long, value_name = "DIR", value_parser = folder, requires = "standalone", value_hint = ValueHint::DirPath)]
    pub scripts: Option<Arc<Folder>>,
    #[command(flatten)]
    pub(crate) limit: TimeArgs,
    #[command(flatten)]
    pub(crate) write: WriteArgs,
}
