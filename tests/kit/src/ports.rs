//! Ports for a node.

use std::net::{Ipv4Addr, TcpListener};

/// A port of the loopback interface that is free now.
///
/// It lies below the range from which systems take the ports of outgoing connections, so that nobody takes it by chance
/// while a killed node is down.
pub fn free() -> u16 {
    loop {
        let [high, low, ..] = *uuid::Uuid::new_v4().as_bytes();
        let port = 10_000 + u16::from_be_bytes([high, low]) % 22_000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
