//! A receiver of lineage for tests, which can be slow, refuse, hang or be gone.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::harness;

/// What it does to whoever sends.
#[derive(Clone, Copy, Debug, Default)]
pub enum Fault {
    #[default]
    Healthy,
    /// Takes each event, and answers only after that long.
    Slow(Duration),
    /// Answers 500, and takes nothing.
    Broken,
    /// Answers 422, and takes nothing.
    Choosy,
    /// Never answers.
    Hanging,
}

#[derive(Default)]
struct Store {
    fault: Mutex<Fault>,
    requests: Mutex<usize>,
    events: Mutex<Vec<Value>>,
    /// Path and `Authorization` of each.
    asked: Mutex<Vec<(String, String)>>,
}

pub struct Receiver {
    port: u16,
    store: Arc<Store>,
    server: Mutex<Option<Server>>,
}

struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let store = Arc::new(Store::default());
        let server = Mutex::new(Some(Server::start(listener, store.clone())));
        Self { port, store, server }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn set(&self, fault: Fault) {
        *self.store.fault.lock().unwrap() = fault;
    }

    /// Nobody listens any more.
    pub fn go(&self) {
        drop(self.server.lock().unwrap().take());
    }

    /// It listens again where it did.
    pub fn come_back(&self) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        *self.server.lock().unwrap() = Some(Server::start(listener, self.store.clone()));
    }

    pub fn events(&self) -> Vec<Value> {
        self.store.events.lock().unwrap().clone()
    }

    pub fn requests(&self) -> usize {
        *self.store.requests.lock().unwrap()
    }

    pub fn asked(&self) -> Vec<(String, String)> {
        self.store.asked.lock().unwrap().clone()
    }

    /// Waits until what came fits.
    #[track_caller]
    pub fn wait(&self, what: &str, fits: impl Fn(&[Value]) -> bool) {
        harness::wait(what, || fits(&self.events()), || format!("{:#?}", self.events()));
    }
}

impl Server {
    fn start(listener: TcpListener, store: Arc<Store>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                listener.set_nonblocking(true).unwrap();
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let router = Router::new().fallback(take).with_state(store);
                tokio::spawn(async move { axum::serve(listener, router).await });
                let _ = stopped.await;
            });
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

async fn take(State(store): State<Arc<Store>>, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    *store.requests.lock().unwrap() += 1;
    let fault = *store.fault.lock().unwrap();
    let pause = match fault {
        Fault::Broken => return StatusCode::INTERNAL_SERVER_ERROR,
        Fault::Choosy => return StatusCode::UNPROCESSABLE_ENTITY,
        Fault::Hanging => std::future::pending().await,
        Fault::Slow(pause) => pause,
        Fault::Healthy => Duration::ZERO,
    };
    let login = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    store.asked.lock().unwrap().push((uri.path().into(), login.into()));
    store.events.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
    tokio::time::sleep(pause).await;
    StatusCode::CREATED
}
