//! Asking providers for measurements.
//!
//! What goes wrong is told in words that show neither query nor credentials, and of an address the host alone: they reach
//! annotations, Events and logs. Queries go out in bodies, not in URLs, for the same reason.

mod command;
mod http;

use std::fmt;

use futures::{FutureExt as _, future::BoxFuture};
use kube::Client;

use crate::analysis::{Answer, Fault, Query, Request};

/// Who measures. The one of a plan takes everything for good.
pub trait Meter: fmt::Debug + Send + Sync {
    /// Answers a query for a Rollout of this namespace.
    fn measure(&self, namespace: &str, query: Query) -> BoxFuture<'static, Answer>;
}

/// Asks the providers that the template names.
#[derive(Clone)]
pub struct Live {
    client: Client,
}

impl Live {
    /// With the way to the API server, for Secrets and for Services behind its proxy.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Live")
    }
}

impl Meter for Live {
    fn measure(&self, namespace: &str, query: Query) -> BoxFuture<'static, Answer> {
        let (client, namespace) = (self.client.clone(), namespace.to_owned());
        async move {
            let patience = query.patience.unsigned_abs();
            let asked = async {
                match &query.request {
                    Request::Prometheus(one) => http::prometheus(&client, &namespace, one).await,
                    Request::Web(one) => http::web(&client, &namespace, one).await,
                    Request::Command(one) => command::run(one, patience).await,
                }
            };
            match tokio::time::timeout(patience, asked).await {
                Ok(Ok(result)) => Answer::Result(result),
                Ok(Err(fault)) => Answer::Fault(fault),
                Err(_) => Answer::Fault(Fault::passing(format!(
                    "no answer within {:.1} s",
                    patience.as_secs_f64()
                ))),
            }
        }
        .boxed()
    }
}

/// Takes every measurement for good without asking anybody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Assumed;

impl Meter for Assumed {
    fn measure(&self, _: &str, _: Query) -> BoxFuture<'static, Answer> {
        std::future::ready(Answer::Assumed).boxed()
    }
}
