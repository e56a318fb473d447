//! Commands that are proposed to the user, ready to be typed.

/// A command about one Rollout.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Command {
    /// Let this step go on.
    Approve {
        /// The step, 1-based; the guard that keeps a stale command harmless.
        step: i32,
    },
    /// Leave a step that cannot get done.
    Skip {
        /// The step to go on with, 1-based.
        to: i32,
    },
    /// Look.
    Status,
    /// Follow.
    Watch,
    /// Ask why.
    Explain,
    /// Leave the release.
    Rollback,
    /// Go on after a pause.
    Resume,
    /// Drive.
    Run,
}

impl Command {
    /// What to type.
    #[must_use]
    pub fn text(self, namespace: &str, name: &str) -> String {
        let (verb, guard) = match self {
            Self::Approve { step } => ("approve", format!(" --step {step}")),
            Self::Skip { to } => ("approve", format!(" --to {to} --force")),
            Self::Status => ("status", String::new()),
            Self::Watch => ("watch", String::new()),
            Self::Explain => ("explain", String::new()),
            Self::Rollback => ("rollback", String::new()),
            Self::Resume => ("resume", String::new()),
            Self::Run => ("run", String::new()),
        };
        format!("kubectl kruise rollout {verb} {name} -n {namespace}{guard}")
    }

    /// What to type where no engine would act on it: the command carries it out itself.
    #[must_use]
    pub fn by_hand(self, namespace: &str, name: &str) -> String {
        let text = self.text(namespace, name);
        match self {
            Self::Approve { .. } | Self::Skip { .. } | Self::Rollback | Self::Resume => {
                format!("{text} --standalone")
            }
            Self::Status | Self::Watch | Self::Explain | Self::Run => text,
        }
    }
}
