//! The thread that serves both ports.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::MetricsServiceServer;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::TraceServiceServer;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tonic::service::Routes;

use super::fault;
use super::receive::{Receiver, metrics, traces};
use super::store::Store;

/// What the OpenTelemetry Collector takes in one request over HTTP.
const HTTP_LIMIT_BYTES: usize = 20 << 20;

pub struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(grpc: TcpListener, http: TcpListener, store: &Arc<Store>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let routers = [(grpc, grpc_router(store)), (http, http_router(store))];
        let thread = std::thread::spawn(move || serve(routers, stopped));
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Returns with every listener and connection closed: they belong to tasks of the runtime, which ends with this thread.
fn serve(routers: [(TcpListener, Router); 2], stopped: oneshot::Receiver<()>) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for (listener, router) in routers {
            listener.set_nonblocking(true).unwrap();
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            tokio::spawn(async move { axum::serve(listener, router).await });
        }
        let _ = stopped.await;
    });
}

fn grpc_router(store: &Arc<Store>) -> Router {
    let receiver = Receiver(Arc::clone(store));
    let services = Routes::new(TraceServiceServer::new(receiver.clone()));
    let router = services.add_service(MetricsServiceServer::new(receiver)).into_axum_router();
    router.layer(from_fn_with_state(Arc::clone(store), fault::suffer))
}

fn http_router(store: &Arc<Store>) -> Router {
    Router::new()
        .route("/v1/traces", post(traces))
        .route("/v1/metrics", post(metrics))
        .layer(DefaultBodyLimit::max(HTTP_LIMIT_BYTES))
        .layer(from_fn_with_state(Arc::clone(store), fault::suffer))
        .with_state(Receiver(Arc::clone(store)))
}
