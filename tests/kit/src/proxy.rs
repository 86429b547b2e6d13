//! A network that breaks on command.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::proxy_gate::{Direction, Gate};

/// A TCP proxy on the loopback interface. Dropping it closes what goes through it.
pub struct Proxy {
    address: SocketAddr,
    gate: Arc<Gate>,
    acceptor: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts one in front of `target`, which need not be there yet.
    pub fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let gate = Arc::new(Gate::default());
        let acceptor = thread::spawn({
            let gate = Arc::clone(&gate);
            move || accept(&listener, target, &gate)
        });
        Self { address, gate, acceptor: Some(acceptor) }
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes all connections at once, and every new one as soon as it is made, until [`Proxy::mend`].
    pub fn cut(&self) {
        self.gate.cut();
    }

    /// Cuts once exactly that many more bytes of clients have reached the target: most likely in the middle of a frame.
    pub fn cut_after(&self, client_bytes: usize) {
        self.gate.cut_after(client_bytes);
    }

    /// Keeps all connections, and passes nothing in either direction, until [`Proxy::resume`].
    pub fn stall(&self) {
        self.gate.stall(true);
    }

    /// Passes what came while stalled, and all that follows.
    pub fn resume(&self) {
        self.gate.stall(false);
    }

    /// Undoes [`Proxy::cut`] and [`Proxy::cut_after`]; connections that were closed stay so.
    pub fn mend(&self) {
        self.gate.mend();
    }

    /// Whether it is cut now.
    pub fn is_cut(&self) -> bool {
        self.gate.is_cut()
    }

    /// How many bytes of clients have been passed on so far.
    pub fn client_bytes(&self) -> usize {
        self.gate.client_bytes()
    }

    /// How many connections go through it now.
    pub fn connections(&self) -> usize {
        self.gate.connections()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.gate.close();
        // Wakes the acceptor, which then sees that all is over.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn accept(listener: &TcpListener, target: SocketAddr, gate: &Arc<Gate>) {
    for client in listener.incoming() {
        if gate.is_closed() {
            return;
        }
        let Ok(client) = client else { continue };
        if gate.is_cut() {
            continue;
        }
        // A target that is not there closes the client's connection, as a dead broker does.
        let Ok(server) = TcpStream::connect(target) else { continue };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let ends = [&client, &server, &client, &server].map(|end| end.try_clone().unwrap());
        let Some(id) = gate.admit(client, server) else { continue };
        let gate = Arc::clone(gate);
        thread::spawn(move || {
            let [client, server, to_client, to_server] = ends;
            thread::scope(|scope| {
                scope.spawn(|| pump(client, to_server, &gate, Direction::FromClient));
                pump(server, to_client, &gate, Direction::FromTarget);
            });
            gate.forget(id);
        });
    }
}

/// Copies until one end is closed.
fn pump(mut from: TcpStream, mut to: TcpStream, gate: &Gate, direction: Direction) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let allowed = gate.take(direction, read);
        if to.write_all(&buffer[..allowed]).is_err() {
            break;
        }
        gate.passed(direction, allowed);
    }
    // Waits while stalled: a network that passes nothing does not tell of an end either.
    gate.take(direction, 0);
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}
