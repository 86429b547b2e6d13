//! Ports of the loopback interface.

use std::net::{Ipv4Addr, TcpListener};

/// Listens on a port that was free.
///
/// It lies below the range from which systems take the ports of outgoing connections, so that nobody takes it by chance
/// while who listened there is down.
pub fn listen() -> TcpListener {
    loop {
        let [high, low, ..] = *uuid::Uuid::new_v4().as_bytes();
        let port = 10_000 + u16::from_be_bytes([high, low]) % 22_000;
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            return listener;
        }
    }
}

/// Such a port, which is free now.
pub fn free() -> u16 {
    listen().local_addr().unwrap().port()
}
