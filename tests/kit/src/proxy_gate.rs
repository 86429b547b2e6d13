//! What may pass through a proxy, and which connections it has.

use std::collections::HashMap;
use std::net::{Shutdown, TcpStream};
use std::sync::{Condvar, Mutex, MutexGuard};

#[derive(Clone, Copy, PartialEq)]
pub enum Direction {
    FromClient,
    FromTarget,
}

#[derive(Default)]
pub struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    cut: bool,
    closed: bool,
    stalled: bool,
    /// Bytes that clients may still send before the cut; without limit if `None`.
    client_bytes_left: Option<usize>,
    client_bytes_passed: usize,
    connections: HashMap<usize, [TcpStream; 2]>,
    admitted: usize,
}

impl State {
    fn cut(&mut self) {
        self.cut = true;
        self.client_bytes_left = None;
        // The threads in between read an end then, and forget the connection.
        for end in self.connections.values().flatten() {
            let _ = end.shutdown(Shutdown::Both);
        }
    }
}

impl Gate {
    /// Takes a connection in, unless cut.
    pub fn admit(&self, client: TcpStream, target: TcpStream) -> Option<usize> {
        let mut state = self.lock();
        if state.cut || state.closed {
            return None;
        }
        state.admitted += 1;
        let id = state.admitted;
        state.connections.insert(id, [client, target]);
        Some(id)
    }

    pub fn forget(&self, id: usize) {
        self.lock().connections.remove(&id);
    }

    /// Waits while stalled, and answers how many of `bytes` may go on: fewer where a cut comes in between.
    pub fn take(&self, direction: Direction, bytes: usize) -> usize {
        let stalled = |state: &mut State| state.stalled && !state.cut && !state.closed;
        let mut state = self.changed.wait_while(self.lock(), stalled).unwrap();
        match &mut state.client_bytes_left {
            _ if bytes == 0 => 0,
            Some(left) if direction == Direction::FromClient => {
                let allowed = bytes.min(*left);
                *left -= allowed;
                allowed
            }
            _ => bytes,
        }
    }

    /// To be called once what was allowed is written.
    pub fn passed(&self, direction: Direction, bytes: usize) {
        if direction == Direction::FromTarget {
            return;
        }
        let mut state = self.lock();
        state.client_bytes_passed += bytes;
        if state.client_bytes_left == Some(0) {
            state.cut();
        }
    }

    pub fn cut(&self) {
        self.lock().cut();
        self.changed.notify_all();
    }

    pub fn cut_after(&self, client_bytes: usize) {
        self.lock().client_bytes_left = Some(client_bytes);
    }

    pub fn mend(&self) {
        let mut state = self.lock();
        (state.cut, state.client_bytes_left) = (false, None);
    }

    pub fn stall(&self, stalled: bool) {
        self.lock().stalled = stalled;
        self.changed.notify_all();
    }

    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.cut();
        drop(state);
        self.changed.notify_all();
    }

    pub fn is_cut(&self) -> bool {
        self.lock().cut
    }

    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    pub fn client_bytes(&self) -> usize {
        self.lock().client_bytes_passed
    }

    pub fn connections(&self) -> usize {
        self.lock().connections.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}
