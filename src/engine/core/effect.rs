//! One write as data.

use std::fmt;

use serde_json::Value;

/// The object that an effect writes.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Target {
    /// Group and version, such as `apps/v1`.
    pub api_version: String,
    /// Kind, such as `Deployment`.
    pub kind: String,
    /// Plural, as it stands in the path.
    pub plural: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

/// What must still be so for the write to take place; the API server checks it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Precondition {
    /// The object must be this one, not one of the same name.
    pub uid: Option<String>,
    /// The object must not have been written since.
    pub resource_version: Option<String>,
}

/// What is done to the target.
#[derive(Clone, Debug, PartialEq)]
pub enum Verb {
    /// The object is made. That it is there already is an error the driver answers by looking again.
    Create(Value),
    /// A JSON merge patch.
    Merge(Value),
    /// A server-side apply that takes ownership of the fields it names.
    Apply(Value),
    /// A JSON merge patch of the status subresource.
    MergeStatus(Value),
    /// The object is deleted, its dependents in the background.
    Delete,
}

/// One write. Applying it twice changes nothing more.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// What is written.
    pub target: Target,
    /// What is done to it.
    pub verb: Verb,
    /// What must still be so.
    pub precondition: Precondition,
    /// What it is for, for humans: `hold the new version`, `20% of traffic to the canary`.
    pub purpose: String,
}

impl Verb {
    /// The HTTP method.
    #[must_use]
    pub fn method(&self) -> &'static str {
        match self {
            Self::Create(_) => "POST",
            Self::Merge(_) | Self::Apply(_) | Self::MergeStatus(_) => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.to_lowercase(), self.name)
    }
}
