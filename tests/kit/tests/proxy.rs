//! The proxy, in front of a server that echoes.
#![allow(clippy::unwrap_used, missing_docs)]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use millrace_testkit::{Proxy, wait};

/// Long enough for bytes that pass, on a busy machine, where a test proves that they do not.
const SILENCE: Duration = Duration::from_millis(300);

/// A server that sends back what it reads, and keeps it.
fn echo() -> (SocketAddr, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, seen) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
    let kept = Arc::clone(&seen);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, kept) = (stream.unwrap(), Arc::clone(&kept));
            std::thread::spawn(move || {
                let mut buffer = [0; 1024];
                while let Ok(read @ 1..) = stream.read(&mut buffer) {
                    kept.lock().unwrap().extend(&buffer[..read]);
                    if stream.write_all(&buffer[..read]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, seen)
}

fn client(proxy: &Proxy) -> TcpStream {
    let client = TcpStream::connect(proxy.address()).unwrap();
    client.set_read_timeout(Some(millrace_testkit::DEADLINE)).unwrap();
    client
}

fn expect_echo(client: &mut TcpStream, text: &str) {
    client.write_all(text.as_bytes()).unwrap();
    expect(client, text);
}

fn expect(client: &mut TcpStream, text: &str) {
    let mut read = vec![0; text.len()];
    client.read_exact(&mut read).unwrap();
    assert_eq!(read, text.as_bytes());
}

/// An end of the connection, in order or not.
fn expect_end(client: &mut TcpStream) {
    let mut rest = Vec::new();
    match client.read_to_end(&mut rest) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}"),
    }
}

#[test]
fn cut_closes_all_until_mended() {
    let (address, _) = echo();
    let proxy = Proxy::start(address);
    let (mut one, mut other) = (client(&proxy), client(&proxy));
    expect_echo(&mut one, "one");
    expect_echo(&mut other, "other");
    assert_eq!(proxy.connections(), 2);
    proxy.cut();
    expect_end(&mut one);
    expect_end(&mut other);
    expect_end(&mut client(&proxy));
    wait("end of the connections", || proxy.connections() == 0);
    proxy.mend();
    expect_echo(&mut client(&proxy), "again");
}

#[test]
fn stall_passes_nothing_until_resumed() {
    let (address, seen) = echo();
    let proxy = Proxy::start(address);
    let mut client = client(&proxy);
    expect_echo(&mut client, "before");
    proxy.stall();
    client.write_all(b"during").unwrap();
    client.set_read_timeout(Some(SILENCE)).unwrap();
    let silence = client.read(&mut [0]).unwrap_err();
    assert!(matches!(silence.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{silence}");
    assert_eq!(*seen.lock().unwrap(), b"before");
    proxy.resume();
    client.set_read_timeout(Some(millrace_testkit::DEADLINE)).unwrap();
    expect(&mut client, "during");
    proxy.stall();
    proxy.cut();
    expect_end(&mut client);
}

#[test]
fn cut_after_lets_exactly_that_many_bytes_through() {
    let (address, seen) = echo();
    let proxy = Proxy::start(address);
    let mut one = client(&proxy);
    expect_echo(&mut one, "whole");
    assert_eq!(proxy.client_bytes(), 5);
    proxy.cut_after(7);
    expect_echo(&mut one, "1234");
    assert!(!proxy.is_cut());
    one.write_all(b"567890").unwrap();
    expect_end(&mut one);
    assert!(proxy.is_cut());
    wait("arrival of what came before the cut", || *seen.lock().unwrap() == b"whole1234567");
    proxy.mend();
    expect_echo(&mut client(&proxy), "more than seven bytes");
}

#[test]
fn a_target_that_is_away_ends_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let proxy = Proxy::start(address);
    expect_end(&mut client(&proxy));
    drop(proxy);
}
