//! An API server that is away for a while: what waits goes on waiting, and says so once.

use crate::error::Error;

/// Whether the server is away, as far as that was told.
#[derive(Debug, Default)]
pub struct Outage {
    is_told: bool,
}

impl Outage {
    /// It did not answer: what is told of that, when it is new.
    #[must_use]
    pub fn goes_on(&mut self, error: &Error) -> Option<String> {
        let is_new = !std::mem::replace(&mut self.is_told, true);
        is_new.then(|| format!("{}; trying again", error.message))
    }

    /// It answered.
    pub fn is_over(&mut self) {
        self.is_told = false;
    }
}

#[cfg(test)]
mod tests {
    use super::Outage;
    use crate::error::{Error, Kind};

    #[test]
    fn each_outage_is_told_once() {
        let refused = |what: &str| Err(Error::new(Kind::Unreachable, what.to_owned()));
        let mut outage = Outage::default();
        let answers = [
            Ok(()),
            refused("refused"),
            refused("slow"),
            Ok(()),
            Ok(()),
            refused("reset"),
        ];
        let told: Vec<Option<String>> = answers
            .iter()
            .map(|answer| match answer {
                Ok(()) => {
                    outage.is_over();
                    None
                }
                Err(error) => outage.goes_on(error),
            })
            .collect();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            told,
            [
                None,
                text("refused; trying again"),
                None,
                None,
                None,
                text("reset; trying again")
            ]
        );
    }
}
