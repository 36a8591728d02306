//! A network between log and server that fails on demand.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A fault that happens once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No fault.
    None,
    /// The connection is cut at the client's commit, before the server receives it.
    BeforeCommit,
    /// The same, but the server does not notice that the client is gone.
    BeforeCommitUnnoticed,
    /// The server commits, and the connection is cut before its answer arrives.
    AnswerToCommit,
    /// The same, and new connections are refused.
    AnswerToCommitThenNothing,
    /// The connection is cut after this many more bytes from the client.
    AfterBytes(usize),
}

/// A port that forwards to another one.
pub struct Proxy {
    port: u16,
    fault: Arc<Mutex<Fault>>,
    closed: Arc<Mutex<bool>>,
}

impl Proxy {
    /// In front of the server in `url`.
    pub async fn start(url: &str) -> Self {
        let target = url.split_once('@').unwrap().1.split_once('/').unwrap().0.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (fault, closed) = (Arc::new(Mutex::new(Fault::None)), Arc::new(Mutex::new(false)));
        let proxy = Self { port, fault: Arc::clone(&fault), closed: Arc::clone(&closed) };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *closed.lock().unwrap() {
                    continue;
                }
                let server = TcpStream::connect(&target).await.unwrap();
                tokio::spawn(pass(client, server, Arc::clone(&fault), Arc::clone(&closed)));
            }
        });
        proxy
    }

    /// The URL of this port.
    pub fn url(&self, url: &str) -> String {
        let (user, rest) = url.split_once('@').unwrap();
        let (_, database) = rest.split_once('/').unwrap();
        format!("{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// Sets the next fault.
    pub fn arm(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    /// Whether the fault has happened.
    pub fn is_spent(&self) -> bool {
        *self.fault.lock().unwrap() == Fault::None
    }

    /// Accepts connections again.
    pub fn reopen(&self) {
        *self.closed.lock().unwrap() = false;
    }
}

async fn pass(mut client: TcpStream, mut server: TcpStream, fault: Arc<Mutex<Fault>>, closed: Arc<Mutex<bool>>) {
    let (mut from_client, mut from_server) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => {
                let Ok(length @ 1..) = read else { return };
                let sent = &from_client[..length];
                let commits = sent.windows(9).any(|word| word == b"; COMMIT\0");
                let strikes = {
                    let mut fault = fault.lock().unwrap();
                    match *fault {
                        Fault::None => Fault::None,
                        Fault::AfterBytes(left) if left > length => {
                            *fault = Fault::AfterBytes(left - length);
                            Fault::None
                        }
                        Fault::AfterBytes(_) => std::mem::replace(&mut *fault, Fault::None),
                        _ if commits => std::mem::replace(&mut *fault, Fault::None),
                        _ => Fault::None,
                    }
                };
                match strikes {
                    Fault::None => server.write_all(sent).await.unwrap(),
                    Fault::BeforeCommit => return,
                    Fault::BeforeCommitUnnoticed => {
                        drop(client);
                        // Until the server closes it.
                        while let Ok(1..) = server.read(&mut from_server).await {}
                        return;
                    }
                    Fault::AnswerToCommit | Fault::AnswerToCommitThenNothing => {
                        *closed.lock().unwrap() = strikes == Fault::AnswerToCommitThenNothing;
                        server.write_all(sent).await.unwrap();
                        wait_for_commit(&mut server).await;
                        return;
                    }
                    Fault::AfterBytes(left) => {
                        server.write_all(&sent[..left]).await.unwrap();
                        return;
                    }
                }
            }
            read = server.read(&mut from_server) => {
                let Ok(length @ 1..) = read else { return };
                if client.write_all(&from_server[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Waits until the server reports the commit.
async fn wait_for_commit(server: &mut TcpStream) {
    let mut said = Vec::new();
    while !said.windows(7).any(|word| word == b"COMMIT\0") {
        assert!(server.read_buf(&mut said).await.unwrap() > 0, "the server has not committed");
    }
}
