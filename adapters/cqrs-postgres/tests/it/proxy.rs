//! A network between log and server that fails where a test wants it to.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What goes wrong, once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// The connection is cut when the client commits, before the server hears of it.
    BeforeCommit,
    /// As before, but the server does not notice that the client is gone.
    BeforeCommitUnnoticed,
    /// The server commits, and the connection is cut before its answer arrives.
    AnswerToCommit,
    /// As before, and no new connection is let through.
    AnswerToCommitThenNothing,
    /// The connection is cut after so many more bytes of the client's.
    AfterBytes(usize),
}

/// A port that passes everything on to another.
pub struct Proxy {
    port: u16,
    fault: Arc<Mutex<Fault>>,
    closed: Arc<Mutex<bool>>,
}

impl Proxy {
    /// In front of the server that `url` names.
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

    /// The URL that leads through here.
    pub fn url(&self, url: &str) -> String {
        let (user, rest) = url.split_once('@').unwrap();
        let (_, database) = rest.split_once('/').unwrap();
        format!("{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// What is to go wrong next.
    pub fn arm(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    /// Whether it has gone wrong.
    pub fn is_spent(&self) -> bool {
        *self.fault.lock().unwrap() == Fault::None
    }

    /// Lets connections through again.
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
                        // Until the server ends it.
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

/// Until the server says that it has committed.
async fn wait_for_commit(server: &mut TcpStream) {
    let mut said = Vec::new();
    while !said.windows(7).any(|word| word == b"COMMIT\0") {
        assert!(server.read_buf(&mut said).await.unwrap() > 0, "the server has not committed");
    }
}
