//! Requests in a loop, at a bounded rate, each on a connection of its own.

use std::{
    collections::BTreeMap,
    net::SocketAddrV4,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use kubectl_kruise::clock::Clock;
use tokio::{
    net::TcpStream,
    sync::Semaphore,
    task::{JoinHandle, JoinSet},
    time::MissedTickBehavior,
};

use super::{diary::Diary, nginx::GENERATION, pod::VERSION};

/// The host of every Ingress and route here.
pub(super) const HOST: &str = "web.example.com";

/// Between two requests of a sample: 250 a second at most.
const PACE: Duration = Duration::from_millis(4);
/// Between samples only every so manieth of them is sent: other tests run beside this one.
const SPARE: u32 = 4;
const AT_ONCE: usize = 64;

/// A kind of users: requests that differ in a header, a cookie or a query parameter.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Who {
    Anybody,
    /// Sends `x-group: insider`.
    Insider,
    /// Sends `x-group: outsider`.
    Outsider,
    /// Sends `x-group: insider-7`.
    Numbered,
    /// Sends the cookie `gray=always` among others.
    Willing,
    /// Sends the cookie `gray=never` among others.
    Unwilling,
    /// Asks with `?lane=gray`.
    Asking,
}

impl Who {
    fn header(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Anybody | Self::Asking => None,
            Self::Insider => Some(("x-group", "insider")),
            Self::Outsider => Some(("x-group", "outsider")),
            Self::Numbered => Some(("x-group", "insider-7")),
            Self::Willing => Some(("cookie", "theme=dark; gray=always; id=7")),
            Self::Unwilling => Some(("cookie", "theme=dark; gray=never; id=7")),
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Asking => "/shop/cart?item=3&lane=gray",
            _ => "/shop/cart",
        }
    }
}

/// What became of a request.
struct Record {
    who: Who,
    /// The version, by the gateway's configuration of this number.
    answer: Result<(String, u64), String>,
}

pub(super) struct Load {
    users: &'static [Who],
    records: Arc<Mutex<Vec<Record>>>,
    is_sampled: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Drop for Load {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers in a row after which no worker of an earlier configuration is taken to be left: any of them would have taken one.
const IN_A_ROW: usize = 60;

/// Waits until every request is answered. A proxy that was reloaded lets its old workers end what they accepted, and those of the
/// configuration without pods have no answer.
pub(super) async fn served(gateway: SocketAddrV4, who: Who) {
    let mut pace = tokio::time::interval(PACE);
    let mut answered = 0;
    while answered < IN_A_ROW {
        pace.tick().await;
        answered = match ask(gateway, who).await {
            Ok(_) => answered + 1,
            Err(_) => 0,
        };
    }
}

impl Load {
    /// Sends until this is dropped; the users take turns.
    pub(super) fn start(gateway: SocketAddrV4, users: &'static [Who], diary: Diary) -> Self {
        let records = Arc::new(Mutex::new(Vec::new()));
        let is_sampled = Arc::new(AtomicBool::new(false));
        let (to, hurry) = (Arc::clone(&records), Arc::clone(&is_sampled));
        let task = tokio::spawn(async move {
            let mut tick = tokio::time::interval(PACE);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let slots = Arc::new(Semaphore::new(AT_ONCE));
            // Requests end with the loop.
            let mut sent = JoinSet::new();
            for who in users.iter().copied().cycle() {
                for _ in 0..SPARE {
                    tick.tick().await;
                    if hurry.load(Ordering::Relaxed) {
                        break;
                    }
                }
                let slot = Arc::clone(&slots).acquire_owned().await.unwrap();
                let (to, diary) = (Arc::clone(&to), diary.clone());
                sent.spawn(async move {
                    let answer = tokio::time::timeout(Duration::from_secs(20), ask(gateway, who)).await;
                    let answer = answer.unwrap_or_else(|_| Err("no answer within 20 s".to_owned()));
                    if let Err(error) = &answer {
                        diary.note(format!("REQUEST FAILED: {who:?}: {error}"));
                    }
                    to.lock().unwrap().push(Record { who, answer });
                    drop(slot);
                });
                while sent.try_join_next().is_some() {}
            }
        });
        Self {
            users,
            records,
            is_sampled,
            task,
        }
    }

    /// The answers of the next `count` requests of each user that a configuration of this number or a later one served, by
    /// user and version.
    pub(super) async fn sample(
        &self,
        generation: u64,
        count: usize,
    ) -> BTreeMap<Who, BTreeMap<String, usize>> {
        let from = self.records.lock().unwrap().len();
        self.is_sampled.store(true, Ordering::Relaxed);
        loop {
            {
                let records = self.records.lock().unwrap();
                let mut sample: BTreeMap<Who, BTreeMap<String, usize>> = BTreeMap::new();
                let mut seen: BTreeMap<Who, usize> = BTreeMap::new();
                for Record { who, answer } in &records[from..] {
                    let Ok((version, by)) = answer else { continue };
                    if *by < generation || seen.get(who) == Some(&count) {
                        continue;
                    }
                    *seen.entry(*who).or_default() += 1;
                    *sample
                        .entry(*who)
                        .or_default()
                        .entry(version.clone())
                        .or_default() += 1;
                }
                if self.users.iter().all(|who| seen.get(who) == Some(&count)) {
                    self.is_sampled.store(false, Ordering::Relaxed);
                    return sample;
                }
            }
            Clock::wall().sleep(Duration::from_millis(50)).await;
        }
    }

    /// How many requests a version answered, by configurations of this number or later ones.
    pub(super) fn answered(&self, version: &str, generation: u64) -> usize {
        let by = |answer: &Result<(String, u64), String>| {
            answer
                .as_ref()
                .is_ok_and(|(by, number)| by == version && *number >= generation)
        };
        let records = self.records.lock().unwrap();
        records.iter().filter(|record| by(&record.answer)).count()
    }

    /// How many requests were answered or failed, and how many failed.
    pub(super) fn count(&self) -> (usize, usize) {
        let records = self.records.lock().unwrap();
        let failed = records.iter().filter(|record| record.answer.is_err()).count();
        (records.len(), failed)
    }
}

async fn ask(gateway: SocketAddrV4, who: Who) -> Result<(String, u64), String> {
    let stream = TcpStream::connect(gateway)
        .await
        .map_err(|error| format!("connect: {error}"))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| format!("handshake: {error}"))?;
    let request = Request::get(who.path())
        .header("host", HOST)
        .header("connection", "close");
    let request = match who.header() {
        Some((name, value)) => request.header(name, value),
        None => request,
    };
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    let answered = async {
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| format!("send: {error}"))?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| format!("body: {error}"))?;
        let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let generation = header(GENERATION).and_then(|number| number.parse().ok());
        match (parts.status.as_u16(), header(VERSION), generation) {
            (200, Some(version), Some(generation)) if body.to_bytes() == "hello\n" => {
                Ok((version.to_owned(), generation))
            }
            (status, _, generation) => Err(format!("{status} by configuration {generation:?}")),
        }
    };
    let (answer, _) = tokio::join!(answered, connection);
    answer
}
