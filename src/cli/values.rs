//! Values that flags take.

use std::time::Duration;

use clap::ValueEnum;

use crate::api::quantity::billionths;

/// How results are printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Output {
    /// One JSON document.
    Json,
    /// YAML.
    Yaml,
    /// `rollout.rollouts.kruise.io/NAME`.
    Name,
}

/// How changes are printed as they come.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Lines {
    /// One JSON document a line.
    Json,
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
            Some((container, image)) if !container.is_empty() && !image.is_empty() => Ok(Self {
                container: container.to_owned(),
                image: image.to_owned(),
            }),
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
    use super::duration;

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
