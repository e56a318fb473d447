//! The server behind a socket.

use std::io;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::Shared;
use super::request::Request;
use super::server::Server;

/// Answers connections until the future is dropped, which closes them.
pub(super) async fn serve(shared: &Shared, listener: TcpListener) -> io::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        let server = Server::new(shared.clone());
        connections.spawn(async move {
            let service = service_fn(move |request: http::Request<Incoming>| {
                let server = server.clone();
                async move {
                    let (parts, body) = request.into_parts();
                    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
                    server.answer(&Request::new(parts.method, &parts.uri, &parts.headers, body))
                }
            });
            let connection = hyper::server::conn::http1::Builder::new();
            // A connection that a fault, or the client, broke ends here; there is nobody left to tell.
            drop(connection.serve_connection(TokioIo::new(stream), service).await);
        });
        while connections.try_join_next().is_some() {}
    }
}
