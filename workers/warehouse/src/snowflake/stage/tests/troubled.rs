//! A storage in memory with troubles.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::*;

/// What may happen to a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trouble {
    /// 403.
    Refused,
    /// S3's way to say that credentials are too old: 400, with a code.
    Expired,
    /// 500.
    Broken,
    /// 404.
    Unknown,
    /// It is done, but the answer is as above: the first one was lost.
    DoneAndUnknown,
    /// It never ends.
    Hangs,
}

type Plan = Box<dyn Fn(&str) -> Option<Trouble> + Send + Sync>;

/// Asks its plan before each request, which is told as `piece 3 part_00001.csv.gz`.
pub(super) struct Troubled {
    inner: InMemory,
    /// Pieces by the upload's id and their number. `InMemory` can't take them out of order.
    pieces: Mutex<BTreeMap<String, BTreeMap<usize, PutPayload>>>,
    plan: Plan,
    /// Keeps nothing, and takes so long for each.
    sink: Option<Duration>,
    calls: Mutex<Vec<String>>,
    now: AtomicUsize,
    most: AtomicUsize,
    lost: AtomicBool,
}

fn unknown(path: &Path) -> Error {
    Error::NotFound { path: path.to_string(), source: "no such upload".into() }
}

impl Troubled {
    pub(super) fn fine() -> Self {
        Self::new(|_| None)
    }

    pub(super) fn new(plan: impl Fn(&str) -> Option<Trouble> + Send + Sync + 'static) -> Self {
        let (now, most, lost) = Default::default();
        Self {
            inner: InMemory::new(),
            pieces: Mutex::default(),
            plan: Box::new(plan),
            sink: None,
            calls: Mutex::default(),
            now,
            most,
            lost,
        }
    }

    /// The first request for which `is_it` holds has the trouble, no other.
    pub(super) fn once(is_it: fn(&str) -> bool, trouble: Trouble) -> Self {
        let done = AtomicBool::new(false);
        Self::new(move |call| (is_it(call) && !done.swap(true, Ordering::Relaxed)).then_some(trouble))
    }

    /// Keeps nothing, and takes so long for each request.
    pub(super) fn sink(each: Duration) -> Self {
        Self { sink: Some(each), ..Self::fine() }
    }

    pub(super) fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    /// Of parts and pieces.
    pub(super) fn most_at_once(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }

    pub(super) async fn content(&self, path: &Path) -> Vec<u8> {
        self.inner.get(path).await.unwrap().bytes().await.unwrap().to_vec()
    }

    async fn call(&self, what: &str, path: &Path) -> Result<()> {
        let call = format!("{what} {}", path.filename().unwrap_or_default());
        self.calls.lock().unwrap().push(call.clone());
        let counts = usize::from(what.starts_with("p"));
        self.most.fetch_max(self.now.fetch_add(counts, Ordering::Relaxed) + counts, Ordering::Relaxed);
        // Long enough for others to come.
        tokio::time::sleep(self.sink.unwrap_or_default()).await;
        tokio::task::yield_now().await;
        self.now.fetch_sub(counts, Ordering::Relaxed);
        let says = |text: &str| {
            let url = "https://account.blob.core.windows.net/c/p?sv=2020&sig=SECRET%3D";
            Box::<dyn std::error::Error + Send + Sync>::from(format!("Error performing PUT {url} in 1s - {text}"))
        };
        match (self.plan)(&call) {
            None => Ok(()),
            Some(Trouble::Refused) => Err(Error::PermissionDenied {
                path: path.to_string(),
                source: says(
                    "Server returned non-2xx status code: 403 Forbidden: <Error><Code>AccessDenied</Code></Error>",
                ),
            }),
            Some(Trouble::Expired) => Err(Error::Generic {
                store: "S3",
                source: says(
                    "Server returned non-2xx status code: 400 Bad Request: <Error><Code>ExpiredToken</Code></Error>",
                ),
            }),
            Some(Trouble::Broken) => Err(Error::Generic {
                store: "S3",
                source: says("Server returned non-2xx status code: 500 Internal Server Error: "),
            }),
            Some(Trouble::Unknown) => Err(unknown(path)),
            // For its caller to tell, when it is done.
            Some(Trouble::DoneAndUnknown) => {
                self.lost.store(true, Ordering::Relaxed);
                Ok(())
            }
            Some(Trouble::Hangs) => std::future::pending().await,
        }
    }
}

impl fmt::Debug for Troubled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Troubled")
    }
}

impl fmt::Display for Troubled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Troubled")
    }
}

#[async_trait]
impl MultipartStore for Troubled {
    async fn create_multipart(&self, path: &Path) -> Result<MultipartId> {
        self.call("begin", path).await?;
        let id = format!("id of {path}");
        assert!(self.pieces.lock().unwrap().insert(id.clone(), BTreeMap::new()).is_none(), "{path} is begun twice");
        Ok(id)
    }

    async fn put_part(&self, path: &Path, id: &MultipartId, at: usize, data: PutPayload) -> Result<PartId> {
        self.call(&format!("piece {at}"), path).await?;
        let data = if self.sink.is_some() { PutPayload::new() } else { data };
        self.pieces.lock().unwrap().get_mut(id).expect("no such upload").insert(at, data);
        Ok(PartId { content_id: format!("{at} of {id}") })
    }

    async fn complete_multipart(&self, path: &Path, id: &MultipartId, parts: Vec<PartId>) -> Result<PutResult> {
        self.call("complete", path).await?;
        let pieces = self.pieces.lock().unwrap().remove(id).expect("no such upload");
        let ids: Vec<_> = pieces.keys().map(|at| format!("{at} of {id}")).collect();
        assert_eq!(parts.into_iter().map(|part| part.content_id).collect::<Vec<_>>(), ids);
        let put = self.inner.put(path, pieces.into_values().flatten().collect()).await?;
        if self.lost.load(Ordering::Relaxed) { Err(unknown(path)) } else { Ok(put) }
    }

    async fn abort_multipart(&self, path: &Path, id: &MultipartId) -> Result<()> {
        self.call("abort", path).await?;
        self.pieces.lock().unwrap().remove(id).expect("no such upload");
        Ok(())
    }
}

#[async_trait]
impl ObjectStore for Troubled {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.call("put", path).await?;
        let payload = if self.sink.is_some() { PutPayload::new() } else { payload };
        self.inner.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        Err(Error::NotImplemented)
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(path, options).await
    }

    async fn delete(&self, _: &Path) -> Result<()> {
        Err(Error::NotImplemented)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy(&self, _: &Path, _: &Path) -> Result<()> {
        Err(Error::NotImplemented)
    }

    async fn copy_if_not_exists(&self, _: &Path, _: &Path) -> Result<()> {
        Err(Error::NotImplemented)
    }
}
