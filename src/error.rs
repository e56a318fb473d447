//! The error that reaches a user: what went wrong, where, with which values, and what to type next.

use std::fmt;

use crate::exit_code;

/// What class of failure it is; decides the exit code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Nothing more precise.
    General,
    /// The release is degraded or failed.
    Degraded,
    /// Something that was named does not exist.
    NotFound,
    /// The object's state does not allow it, or it has changed meanwhile, or another engine is in charge.
    Conflict,
    /// No permission or no credentials.
    Forbidden,
    /// The API server does not answer.
    Unreachable,
    /// The command line is wrong.
    Usage,
    /// A deadline given by the user has passed.
    Timeout,
    /// Ctrl-C.
    Interrupted,
    /// The reader of stdout has gone; not a failure.
    BrokenPipe,
}

/// A failure as it is shown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Error {
    /// The class.
    pub kind: Kind,
    /// What, where, with which values. No full stop, no capital.
    pub message: String,
    /// What to do next, one sentence or command each.
    pub hints: Vec<String>,
}

impl Error {
    /// Makes an error without hints.
    #[must_use]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hints: Vec::new(),
        }
    }

    /// Makes an error about the command line.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Makes an error about a state that does not allow what was asked.
    #[must_use]
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, message)
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The exit code of this failure (see [`exit_code`]).
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::General => exit_code::ERROR,
            Kind::Degraded => exit_code::DEGRADED,
            Kind::NotFound => exit_code::NOT_FOUND,
            Kind::Conflict => exit_code::CONFLICT,
            Kind::Forbidden => exit_code::FORBIDDEN,
            Kind::Unreachable => exit_code::UNREACHABLE,
            Kind::Usage => exit_code::USAGE,
            Kind::Timeout => exit_code::TIMEOUT,
            Kind::Interrupted => exit_code::INTERRUPTED,
            Kind::BrokenPipe => exit_code::DONE,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        if !self.hints.is_empty() {
            writeln!(f)?;
        }
        for hint in &self.hints {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => {
                Self::new(Kind::BrokenPipe, "the reader of the output has gone")
            }
            _ => Self::new(Kind::General, format!("cannot read or write: {error}")),
        }
    }
}

/// What commands return: an exit code, or an error.
pub type Result<T> = std::result::Result<T, Error>;

#[cfg(test)]
mod tests {
    use super::{Error, Kind};

    #[test]
    fn shows_hints_after_an_empty_line() {
        let bare = Error::usage("no Rollout is named");
        assert_eq!(
            (bare.to_string().as_str(), bare.exit_code()),
            ("error: no Rollout is named", 64)
        );
        let hinted = Error::new(Kind::NotFound, "rollout \"x\" not found")
            .hint("did you mean \"y\"?")
            .hint("list them");
        assert_eq!(
            (hinted.to_string().as_str(), hinted.exit_code()),
            (
                "error: rollout \"x\" not found\n\nhint: did you mean \"y\"?\nhint: list them",
                7
            )
        );
    }

    #[test]
    fn a_gone_reader_is_no_failure() {
        let error = Error::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
        assert_eq!(error.exit_code(), 0);
    }
}
