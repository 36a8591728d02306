//! The shop over HTTP, until it is asked to stop.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::time::Duration;

use cqrs_runtime::App;
use tokio::net::TcpListener;

use super::Failure;

/// How long requests that are under way may take after the server was asked to stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// Serves the shop. Returns when the process is asked to stop, and no request is under way any more.
pub async fn run(app: &App, address: SocketAddr) -> Result<(), Failure> {
    let router: axum::Router = shop::http::api(app).build()?;
    let listener = TcpListener::bind(address).await?;
    println!("the shop is at http://{}; stop it with Ctrl+C", listener.local_addr()?);
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let until_stopped = async move {
        let asked = asked_to_stop().await;
        // The server has ended before, with an error of its own, if nobody receives this.
        let _ = stop.send(());
        if let Err(error) = asked {
            eprintln!("shop: it cannot be asked to stop, and stops now: {error}");
        }
    };
    let serving = axum::serve(listener, router).with_graceful_shutdown(until_stopped).into_future();
    let too_late = async {
        // Without a message the server has ended by itself.
        if stopped.await.is_err() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(PATIENCE).await;
    };
    tokio::select! {
        served = serving => served?,
        () = too_late => eprintln!("shop: requests were still under way after {PATIENCE:?}; stopped without their answers"),
    }
    Ok(())
}

/// Ends at Ctrl+C, and where the system has it, at the signal that service managers send.
async fn asked_to_stop() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
