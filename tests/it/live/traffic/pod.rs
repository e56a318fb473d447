//! The server in a pod: it answers every request with its version.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Response};
use http_body_util::Full;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use kubectl_kruise::clock::Clock;
use tokio::{
    net::TcpListener,
    sync::oneshot,
    task::{JoinHandle, JoinSet},
};

/// The port of every server here; each has an address of its own.
pub(super) const PORT: u16 = 8080;

/// Names the version that answered.
pub(super) const VERSION: &str = "x-version";

/// How long an answer takes, so that pods always stop in the middle of some.
const ANSWER: Duration = Duration::from_millis(20);

/// A loopback address that nobody listens on.
pub(super) async fn free() -> TcpListener {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    for _ in 0..10_000 {
        // Suites that run at once begin at different places. 10.0 is for Services and 10.244 for the other nodes.
        let number = NEXT.fetch_add(1, Ordering::Relaxed) + (std::process::id() % 200) * 4096;
        let [_, second, third, fourth] = number.to_be_bytes();
        if let Ok(listener) =
            TcpListener::bind((Ipv4Addr::new(127, 16 + second % 200, third, fourth), PORT)).await
        {
            return listener;
        }
    }
    panic!("no free address on loopback");
}

/// The address on loopback of a pod's address in the cluster.
pub(super) fn on_loopback(ip: &str) -> Ipv4Addr {
    let [_, second, third, fourth] = ip.parse::<Ipv4Addr>().unwrap().octets();
    Ipv4Addr::new(127, second, third, fourth)
}

pub(super) struct Server {
    address: Ipv4Addr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

impl Server {
    pub(super) async fn start(version: &str) -> Self {
        let listener = free().await;
        let SocketAddr::V4(address) = listener.local_addr().unwrap() else {
            unreachable!("bound to an IPv4 address");
        };
        let (stop, stopped) = oneshot::channel();
        let version = HeaderValue::from_str(version).unwrap();
        Self {
            address: *address.ip(),
            stop,
            ended: tokio::spawn(serve(listener, version, stopped)),
        }
    }

    /// Its address as the cluster knows it.
    pub(super) fn ip(&self) -> Ipv4Addr {
        let [_, second, third, fourth] = self.address.octets();
        Ipv4Addr::new(10, second, third, fourth)
    }

    /// SIGTERM: no new connections; whoever is connected gets his answer. SIGKILL after `limit`.
    pub(super) async fn terminate(mut self, limit: Duration) {
        let _ = self.stop.send(());
        if tokio::time::timeout(limit, &mut self.ended).await.is_err() {
            self.ended.abort();
        }
    }
}

async fn serve(listener: TcpListener, version: HeaderValue, mut stopped: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut stopped => break,
        };
        let (stream, _) = accepted.unwrap();
        let version = version.clone();
        connections.spawn(async move {
            let service = service_fn(|_| async {
                Clock::wall().sleep(ANSWER).await;
                let mut response = Response::new(Full::new(Bytes::from_static(b"hello\n")));
                response.headers_mut().insert(VERSION, version.clone());
                Ok::<_, Infallible>(response)
            });
            // One request a connection: nobody is left with an idle one that closes under the next request.
            let _ = http1::Builder::new()
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Where a gateway of a test listens.
pub(super) async fn place() -> SocketAddrV4 {
    match free().await.local_addr().unwrap() {
        SocketAddr::V4(address) => address,
        SocketAddr::V6(address) => unreachable!("{address} is not of IPv4"),
    }
}
