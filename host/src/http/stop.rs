//! How a server is told to stop, from any thread or by a signal.

use std::io;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Given to a server and kept by whoever wants to stop it.
#[derive(Clone, Debug)]
pub struct Stop(watch::Sender<bool>);

impl Default for Stop {
    fn default() -> Stop {
        Stop(watch::Sender::new(false))
    }
}

impl Stop {
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    pub(super) async fn stopped(&self) {
        let mut changes = self.0.subscribe();
        // The sender is this very value: it is there as long as anyone waits.
        _ = changes.wait_for(|is_stopped| *is_stopped).await;
    }

    /// Stops at the first interrupt or SIGTERM.
    pub(super) fn follow_signals(&self) -> io::Result<()> {
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let stop = self.clone();
        tokio::spawn(async move {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
            stop.stop();
        });
        Ok(())
    }
}
