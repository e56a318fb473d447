//! Values that flags take.

use std::{ffi::OsStr, time::Duration};

use clap::{
    ValueEnum,
    builder::{PossibleValue, StringValueParser, TypedValueParser},
};

use crate::{
    api::quantity::billionths,
    view::{Format, columns::Columns, jsonpath::JsonPath, template::Template},
};

/// How results are printed.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// For people.
    Table,
    /// The same with more columns.
    Wide,
    /// `rollout.rollouts.kruise.io/NAME`.
    Name,
    /// For programs.
    Data(Format),
}

/// The formats, with what they are.
const FORMATS: [(&str, &str); 12] = [
    ("json", "one JSON document, a List for several"),
    ("yaml", "YAML"),
    ("name", "TYPE/NAME"),
    ("wide", "the table with more columns"),
    ("table", "the table"),
    ("jsonpath=", "kubectl's template, such as {.metadata.name}"),
    ("jsonpath-file=", "the same from a file"),
    ("jsonpath-as-json=", "what its paths find, as JSON"),
    ("custom-columns=", "a table, such as NAME:.metadata.name"),
    (
        "custom-columns-file=",
        "the same from a file: headings, then paths",
    ),
    ("go-template=", "Go's template, such as {{.metadata.name}}"),
    ("go-template-file=", "the same from a file"),
];

impl Output {
    /// The form for programs, if it is one.
    #[must_use]
    pub fn data(&self) -> Option<&Format> {
        match self {
            Self::Data(format) => Some(format),
            _ => None,
        }
    }
}

impl std::str::FromStr for Output {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, argument) = text.split_once('=').unwrap_or((text, ""));
        let file = || match argument {
            "" => Err(format!("{name} needs a file: {name}=FILE")),
            path => std::fs::read_to_string(path).map_err(|error| format!("cannot read {path:?}: {error}")),
        };
        let go = |text: &str| match text {
            "" => Err(format!(
                "{name} needs a template: {name}='{{{{.metadata.name}}}}', or --template"
            )),
            text => text
                .parse::<Template>()
                .map_err(|why| format!("the template {text:?} does not parse: {why}")),
        };
        let template = |text: &str| match text {
            "" => Err(format!("{name} needs a template: {name}='{{.metadata.name}}'")),
            text => text
                .parse::<JsonPath>()
                .map_err(|why| format!("the template {text:?} does not parse: {why}")),
        };
        let columns = |text: &str| text.parse::<Columns>().map_err(|why| why.to_string());
        Ok(match name {
            "table" => Self::Table,
            "wide" => Self::Wide,
            "name" => Self::Name,
            "json" => Self::Data(Format::Json),
            "yaml" => Self::Data(Format::Yaml),
            "jsonpath" => Self::Data(Format::JsonPath(template(argument)?)),
            "jsonpath-file" => Self::Data(Format::JsonPath(template(&file()?)?)),
            "jsonpath-as-json" => Self::Data(Format::JsonPathAsJson(template(argument)?)),
            "custom-columns" => Self::Data(Format::Columns(columns(argument)?)),
            "custom-columns-file" => Self::Data(Format::Columns(columns(&in_line(&file()?)?)?)),
            "go-template" | "template" => Self::Data(Format::Template(go(argument)?)),
            "go-template-file" | "templatefile" => Self::Data(Format::Template(go(&file()?)?)),
            _ => {
                let names: Vec<&str> = FORMATS.iter().map(|(name, _)| *name).collect();
                return Err(format!("expected one of {}", names.join(", ")));
            }
        })
    }
}

/// The two lines of a file of columns, headings above paths, in one.
fn in_line(text: &str) -> Result<String, String> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let words = |line: Option<&str>| -> Vec<String> {
        let words = line.into_iter().flat_map(str::split_whitespace);
        words.map(str::to_owned).collect()
    };
    let (headings, paths) = (words(lines.next()), words(lines.next()));
    if headings.is_empty() || headings.len() != paths.len() {
        return Err(format!(
            "the file has {} headings in its first line and {} paths in its second",
            headings.len(),
            paths.len()
        ));
    }
    let columns = headings.iter().zip(&paths);
    let columns: Vec<String> = columns
        .map(|(heading, path)| format!("{heading}:{path}"))
        .collect();
    Ok(columns.join(","))
}

/// Reads `-o`, and knows what may be typed.
#[derive(Clone, Debug, Default)]
pub struct OutputParser;

impl TypedValueParser for OutputParser {
    type Value = Output;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Output, clap::Error> {
        StringValueParser::new()
            .try_map(|text| text.parse::<Output>())
            .parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(
            FORMATS
                .iter()
                .map(|(name, help)| PossibleValue::new(*name).help(*help)),
        ))
    }
}

/// How a plan is printed: as everything else, or as a picture of some kind.
#[derive(Clone, Debug, PartialEq)]
pub enum PlanOutput {
    /// As everything else.
    Common(Output),
    /// Markdown, for a pull request.
    Markdown,
    /// Mermaid's Gantt chart.
    Mermaid,
    /// A picture.
    Svg,
}

impl From<Output> for PlanOutput {
    fn from(output: Output) -> Self {
        Self::Common(output)
    }
}

/// The pictures, with what they are.
const PICTURES: [(&str, PlanOutput, &str); 3] = [
    ("markdown", PlanOutput::Markdown, "for a pull request"),
    (
        "mermaid",
        PlanOutput::Mermaid,
        "a Gantt chart that forges show in Markdown",
    ),
    ("svg", PlanOutput::Svg, "a picture"),
];

/// Reads a [`PlanOutput`].
#[derive(Clone, Debug, Default)]
pub struct PlanOutputParser;

impl TypedValueParser for PlanOutputParser {
    type Value = PlanOutput;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<PlanOutput, clap::Error> {
        let picture = PICTURES.iter().find(|(name, ..)| *name == value);
        match picture {
            Some((_, output, _)) => Ok(output.clone()),
            None => OutputParser
                .parse_ref(command, argument, value)
                .map(PlanOutput::Common),
        }
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let pictures = PICTURES
            .iter()
            .map(|(name, _, help)| PossibleValue::new(*name).help(*help));
        Some(Box::new(
            OutputParser
                .possible_values()
                .into_iter()
                .flatten()
                .chain(pictures),
        ))
    }
}

/// Who reads stdout.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Reader {
    /// Somebody, or a log.
    #[default]
    Person,
    /// A program that takes all of it for documents or names.
    Program,
}

/// Whether a change is made.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum DryRun {
    /// The change is made.
    #[default]
    None,
    /// The request is printed and not sent.
    Client,
    /// The request is sent with `dryRun=All`.
    Server,
}

impl DryRun {
    /// The words kubectl puts after a success line.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Client => " (dry run)",
            Self::Server => " (server dry run)",
        }
    }
}

/// When colour is used.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal that can, unless the environment says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Reads `NAME=VALUE`.
///
/// # Errors
/// There is no `=`, or no name before it.
pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// Reads a percentage from 1 to 90, with its sign or without.
///
/// # Errors
/// When it is none.
pub fn percent(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix('%').unwrap_or(text).parse::<u32>().ok();
    number
        .filter(|percent| (1..=90).contains(percent))
        .ok_or_else(|| "expected a percentage from 1% to 90%, such as 5%".to_owned())
}

/// Reads a duration as kubectl does: `90s`, `1h30m`, `500ms`, or a bare number of seconds.
///
/// # Errors
/// When the text is none of these.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a duration such as 30s, 5m or 1h30m".to_owned();
    if let Ok(seconds) = text.parse::<u32>() {
        return Ok(Duration::from_secs(seconds.into()));
    }
    let (mut rest, mut total) = (text, 0.0_f64);
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .filter(|n| *n > 0)
            .ok_or_else(wrong)?;
        let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let (unit, seconds) = [("ms", 0.001), ("h", 3600.0), ("m", 60.0), ("s", 1.0)]
            .into_iter()
            .find(|(unit, _)| rest.starts_with(unit))
            .ok_or_else(wrong)?;
        rest = &rest[unit.len()..];
        total += number * seconds;
    }
    if text.is_empty() {
        Err(wrong())
    } else {
        Duration::try_from_secs_f64(total).map_err(|_| wrong())
    }
}

/// Two revisions to compare; without a second one the present template is meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Span {
    /// The first.
    pub from: i64,
    /// The second.
    pub to: Option<i64>,
}

impl std::str::FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || "expected two revisions such as 3..5, or one such as 3..".to_owned();
        let number = |text: &str| text.parse().ok().filter(|number| *number > 0).ok_or_else(wrong);
        let (from, to) = text.split_once("..").ok_or_else(wrong)?;
        Ok(Self {
            from: number(from)?,
            to: if to.is_empty() { None } else { Some(number(to)?) },
        })
    }
}

/// One `CONTAINER=IMAGE`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ContainerImage {
    /// Name of the container, or `*` for all.
    pub container: String,
    /// The image.
    pub image: String,
}

impl std::str::FromStr for ContainerImage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((container, image)) if !container.is_empty() && !image.is_empty() => {
                match super::image::malformed(image) {
                    Some(why) => Err(why.to_owned()),
                    None => Ok(Self {
                        container: container.to_owned(),
                        image: image.to_owned(),
                    }),
                }
            }
            _ => Err("expected CONTAINER=IMAGE".to_owned()),
        }
    }
}

/// One `cpu=500m`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Amount {
    /// Name of the resource.
    pub resource: String,
    /// The quantity, as it was typed.
    pub quantity: String,
}

impl std::str::FromStr for Amount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((resource, quantity)) if !resource.is_empty() && billionths(quantity).is_some() => {
                Ok(Self {
                    resource: resource.to_owned(),
                    quantity: quantity.to_owned(),
                })
            }
            _ => Err("expected NAME=AMOUNT, such as cpu=500m or memory=1Gi".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Output, duration, in_line};

    #[test]
    fn formats() {
        let read = |text: &str| {
            text.parse::<Output>()
                .map(|_| ())
                .map_err(|why| why.split(':').next().unwrap().to_owned())
        };
        for text in [
            "json",
            "yaml",
            "name",
            "wide",
            "table",
            "jsonpath={.a}",
            "custom-columns=A:.a",
            "go-template={{.a}}",
        ] {
            assert_eq!(read(text), Ok(()), "{text}");
        }
        for (text, why) in [
            (
                "xml",
                "expected one of json, yaml, name, wide, table, jsonpath=, jsonpath-file=, jsonpath-as-json=, custom-columns=, custom-columns-file=, go-template=, go-template-file=",
            ),
            ("jsonpath", "jsonpath needs a template"),
            ("jsonpath={", "the template \"{\" does not parse"),
            ("jsonpath-file=/nowhere/at/all", "cannot read \"/nowhere/at/all\""),
            ("go-template", "go-template needs a template"),
            ("go-template={{.a", "the template \"{{.a\" does not parse"),
        ] {
            assert_eq!(read(text), Err(why.to_owned()), "{text}");
        }
        assert_eq!(in_line("A  B\n.a .b\n"), Ok("A:.a,B:.b".to_owned()));
        assert!(in_line("A B\n.a\n").is_err());
    }

    #[test]
    fn reads_durations_as_kubectl_does() {
        let cases = [
            ("30", Some(30_000)),
            ("90s", Some(90_000)),
            ("1h30m", Some(5_400_000)),
            ("500ms", Some(500)),
            ("1.5m", Some(90_000)),
            ("0", Some(0)),
            ("", None),
            ("m", None),
            ("5x", None),
            ("-5s", None),
        ];
        let seen = cases.map(|(text, _)| (text, duration(text).ok().map(|d| d.as_millis())));
        assert_eq!(seen, cases);
    }
}
