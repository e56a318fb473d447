//! Metric gates: which measurements a step needs, what each of them says, and what all of them together mean. Pure.
//!
//! [`gates`] makes of templates and bindings what is measured in one step, with every arg in its place, or says what is wrong
//! with them. A [`Round`] is one step's measuring: it knows what is due, takes in answers, and gives the verdict. Its
//! [`Record`] is all that a restarted engine needs to go on.

mod answer;
mod argument;
mod check;
mod condition;
mod gate;
mod inline;
mod judge;
mod period;
mod record;
mod round;
#[cfg(test)]
mod tests;

pub use answer::{Answer, Fault, Outcome, prometheus};
pub use check::Problem;
pub use gate::{Analysis, Gate, Measure, Request, Template, bindings, gates};
pub use inline::{Inline, InlineError};
pub use judge::{Limits, Verdict, judge};
pub use period::period;
pub use record::{Counts, Record, Sample, Series};
pub use round::{Answered, Query, QueryId, Round, State};
