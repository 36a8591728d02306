//! A network between the projections' runner and the read server, that cuts a commit where a test wants it to.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Where the next commit is cut, at a byte that is chosen by a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cut {
    /// In the message that asks for it: the server does not hear the end of it.
    Question(usize),
    /// In the server's answer: it has committed, and the client does not hear the end of it.
    Answer(usize),
}

/// How to tell a commit, in what a client and what a server say.
#[derive(Clone, Copy)]
pub struct Speech {
    pub commits: fn(&[u8]) -> bool,
    pub has_committed: fn(&[u8]) -> bool,
}

pub const POSTGRES: Speech = Speech {
    commits: |sent| sent.windows(9).any(|word| word == b"; COMMIT\0"),
    has_committed: |said| said.windows(7).any(|word| word == b"COMMIT\0"),
};

/// The last step of a commit alone says a checkpoint: twenty digits, and a fingerprint after them.
pub const REDIS: Speech = Speech {
    commits: |sent| sent.windows(21).any(|word| word[20] == b':' && word[..20].iter().all(u8::is_ascii_digit)),
    has_committed: |said| !said.is_empty(),
};

/// A port that passes everything on to another.
pub struct Network {
    port: u16,
    cut: Arc<Mutex<Option<Cut>>>,
}

impl Network {
    /// In front of the server on this port.
    pub async fn start(target: u16, speech: Speech) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let cut = Arc::<Mutex<Option<Cut>>>::default();
        let armed = Arc::clone(&cut);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // Without a server there is nobody to talk to.
                let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await else { continue };
                tokio::spawn(pass(client, server, speech, Arc::clone(&armed)));
            }
        });
        Self { port, cut }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts the next commit.
    pub fn arm(&self, cut: Cut) {
        *self.cut.lock().unwrap() = Some(cut);
    }

    /// Whether it was cut.
    pub fn is_spent(&self) -> bool {
        self.cut.lock().unwrap().is_none()
    }
}

/// Passes on what either says, until one of them ends, or a commit is cut.
async fn pass(mut client: TcpStream, mut server: TcpStream, speech: Speech, armed: Arc<Mutex<Option<Cut>>>) {
    let (mut from_client, mut from_server) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => {
                let Ok(length @ 1..) = read else { return };
                let sent = &from_client[..length];
                let cut = if (speech.commits)(sent) { armed.lock().unwrap().take() } else { None };
                match cut {
                    None => if server.write_all(sent).await.is_err() { return },
                    Some(Cut::Question(at)) => {
                        let _ = server.write_all(&sent[..at % length]).await;
                        return;
                    }
                    Some(Cut::Answer(at)) => {
                        server.write_all(sent).await.unwrap();
                        let mut said = Vec::new();
                        while !(speech.has_committed)(&said) {
                            assert!(server.read_buf(&mut said).await.unwrap() > 0, "the server has not committed");
                        }
                        let _ = client.write_all(&said[..at % said.len()]).await;
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
