//! A relay that counts the bytes of the answers, since neither the server nor the client does.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Bytes that went from the server to its clients.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter(Arc<AtomicU64>);

impl Meter {
    /// The bytes so far, headers included.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Hands every connection on to `server` until the future is dropped.
    pub(crate) async fn relay(self, listener: TcpListener, server: SocketAddr) -> io::Result<()> {
        loop {
            let (client, _) = listener.accept().await?;
            let meter = self.clone();
            tokio::spawn(async move { meter.carry(client, server).await });
        }
    }

    async fn carry(self, client: TcpStream, server: SocketAddr) -> io::Result<()> {
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = TcpStream::connect(server).await?.into_split();
        let asked = async { tokio::io::copy(&mut from_client, &mut to_server).await.map(drop) };
        let answered = async {
            let mut part = vec![0; 16 * 1024];
            loop {
                let length = from_server.read(&mut part).await?;
                if length == 0 {
                    return Ok(());
                }
                self.0.fetch_add(length as u64, Ordering::Relaxed);
                to_client.write_all(&part[..length]).await?;
            }
        };
        // Either side's end ends the connection.
        tokio::select! { end = asked => end, end = answered => end }
    }
}
