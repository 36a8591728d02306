//! A way to the server that loses requests and answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fate {
    /// The connection ends before the server has seen it.
    RequestLost,
    /// The server handles it, and the connection ends before its answer.
    AnswerLost,
    /// The server handles it, and half of its answer arrives.
    AnswerTorn,
    /// The way answers in place of the server.
    Says(&'static str),
    /// All goes well.
    Passed,
}

/// A way on a port of its own: each connection carries one request. Those after the last fate are passed.
pub struct Way {
    pub url: String,
    pub requests: Arc<AtomicUsize>,
}

pub async fn way(server: &str, fates: &[Fate]) -> Way {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (fates, server, requests) = (fates.to_vec(), server.to_owned(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let fate = fates.get(counted.fetch_add(1, Ordering::SeqCst)).copied().unwrap_or(Fate::Passed);
            tokio::spawn(carry(client, server.clone(), fate));
        }
    });
    Way { url, requests }
}

async fn carry(mut client: TcpStream, server: String, fate: Fate) {
    let request = message(&mut client).await;
    if fate == Fate::RequestLost {
        return;
    }
    let answer = if let Fate::Says(answer) = fate {
        format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n").into_bytes()
    } else {
        let mut server = TcpStream::connect(server).await.unwrap();
        server.write_all(&request).await.unwrap();
        message(&mut server).await
    };
    let arrives = match fate {
        Fate::AnswerLost => 0,
        Fate::AnswerTorn => answer.len() - 3,
        _ => answer.len(),
    };
    client.write_all(&answer[..arrives]).await.unwrap();
    client.shutdown().await.unwrap();
}

/// A request or an answer: its head, and as much more as that says.
async fn message(from: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return bytes;
            }
        }
        let mut chunk = [0; 4096];
        let read = from.read(&mut chunk).await.unwrap();
        assert!(read > 0, "the message ends early: {text}");
        bytes.extend_from_slice(&chunk[..read]);
    }
}
