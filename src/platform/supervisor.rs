//! Tells whoever started us how we are (`sd_notify(3)`): ready, reloading, stopping. Without a supervisor
//! that asks for it, nothing is told.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// How we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Callers are served.
    Ready,
    /// The files are being read anew.
    Reloading,
    /// What is under way comes to its end, within this time.
    Stopping(Duration),
}

/// Tells it, if somebody wants to know. That it could not be told is diagnosed, and nothing more.
pub fn tell(state: State) {
    let Some(address) = std::env::var_os("NOTIFY_SOCKET") else { return };
    if let Err(error) = send(&address, &state.text()) {
        tracing::warn!(%error, ?state, "the supervisor could not be told");
    }
}

impl State {
    fn text(self) -> String {
        match self {
            Self::Ready => "READY=1\nSTATUS=serving".to_owned(),
            Self::Reloading => {
                let now = clock_gettime(ClockId::Monotonic);
                let micros = now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1000);
                format!("RELOADING=1\nMONOTONIC_USEC={micros}\nSTATUS=reading the configuration")
            }
            Self::Stopping(within) => {
                let micros = within.saturating_add(AFTERWARDS).as_micros();
                format!("STOPPING=1\nEXTEND_TIMEOUT_USEC={micros}\nSTATUS=letting requests come to their end")
            }
        }
    }
}

fn send(address: &OsStr, text: &str) -> io::Result<()> {
    let address = match address.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(address)?,
    };
    UnixDatagram::unbound()?.send_to_addr(text.as_bytes(), &address).map(drop)
}

/// For sessions and the journal, after the last request.
const AFTERWARDS: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_supervisor_is_told_by_path_and_by_abstract_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let name = format!("leastway-{}", std::process::id());
        let abstract_address = SocketAddr::from_abstract_name(&name).unwrap();
        let sockets = [
            (UnixDatagram::bind(&path).unwrap(), path.into_os_string()),
            (UnixDatagram::bind_addr(&abstract_address).unwrap(), format!("@{name}").into()),
        ];
        for (socket, address) in sockets {
            let mut came = [0; 256];
            send(&address, &State::Stopping(Duration::from_secs(30)).text()).unwrap();
            let size = socket.recv(&mut came).unwrap();
            assert!(came[..size].starts_with(b"STOPPING=1\nEXTEND_TIMEOUT_USEC=45000000\n"));
            send(&address, &State::Reloading.text()).unwrap();
            let size = socket.recv(&mut came).unwrap();
            let text = String::from_utf8_lossy(&came[..size]).into_owned();
            let micros = text.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).unwrap();
            assert!(micros.parse::<u64>().unwrap() > 0, "{text}");
        }
    }
}
