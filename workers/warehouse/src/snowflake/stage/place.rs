//! The opened stage, and asking for it anew when its credentials grow old.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use object_store::path::Path;
use tokio::sync::Mutex;

use super::location::StageLocation;
use super::reasons;
use super::store::Store;
use crate::WarehouseError;

/// A location that is open.
pub(super) struct Place {
    pub(super) store: Arc<dyn Store>,
    /// The folder, without container.
    pub(super) prefix: String,
    /// For messages.
    pub(super) host: String,
    /// Bucket or container.
    pub(super) container: String,
    pub(super) takes_pieces: bool,
}

impl Place {
    pub(super) fn open(location: &StageLocation) -> Result<Self, WarehouseError> {
        Ok(Self {
            store: location.store()?,
            prefix: location.prefix.clone(),
            host: location.host(),
            container: location.container.clone(),
            takes_pieces: location.takes_pieces(),
        })
    }

    /// Where a part of this name lies.
    pub(super) fn path(&self, name: &str) -> Result<Path, WarehouseError> {
        Path::parse(format!("{}{name}", self.prefix)).map_err(|_| {
            WarehouseError::Configuration(format!(
                "the folder of the stage at {} has a name that parts can't be put below; use letters, digits, _ and -",
                self.host
            ))
        })
    }
}

/// The place as it is open now.
pub(super) struct Places<'a, O> {
    open: &'a O,
    renew_after: Duration,
    current: Mutex<Current>,
}

struct Current {
    place: Arc<Place>,
    since: Instant,
}

impl<'a, O, A> Places<'a, O>
where
    O: Fn() -> A + Send + Sync,
    A: Future<Output = Result<Place, WarehouseError>> + Send,
{
    /// Asks for the first time.
    pub(super) async fn new(open: &'a O, renew_after: Duration) -> Result<Self, WarehouseError> {
        let current = Current { since: Instant::now(), place: Arc::new(open().await?) };
        Ok(Self { open, renew_after, current: Mutex::new(current) })
    }

    /// Whether parts may come in pieces.
    pub(super) async fn takes_pieces(&self) -> bool {
        self.current.lock().await.place.takes_pieces
    }

    /// Does `work` for the part `name` at the place. If that refuses the credentials, it is asked for anew, once.
    pub(super) async fn at<T, F>(
        &self,
        name: &str,
        work: impl Fn(Arc<dyn Store>, Path) -> F + Send + Sync,
    ) -> Result<T, WarehouseError>
    where
        F: Future<Output = object_store::Result<T>> + Send,
    {
        let place = self.fresh(None).await?;
        let why = match work(Arc::clone(&place.store), place.path(name)?).await {
            Ok(done) => return Ok(done),
            Err(why) => why,
        };
        if !reasons::is_refusal(&why) {
            return Err(reasons::not_uploaded(name, &place.host, &why));
        }
        let place = self.fresh(Some(&place)).await?;
        let work = work(Arc::clone(&place.store), place.path(name)?);
        work.await.map_err(|why| reasons::not_uploaded(name, &place.host, &why))
    }

    /// The place with credentials that are young, and not those of `refused`.
    async fn fresh(&self, refused: Option<&Arc<Place>>) -> Result<Arc<Place>, WarehouseError> {
        let mut current = self.current.lock().await;
        // Who comes second finds it renewed already.
        let is_refused = refused.is_some_and(|place| Arc::ptr_eq(place, &current.place));
        if !is_refused && current.since.elapsed() < self.renew_after {
            return Ok(Arc::clone(&current.place));
        }
        let since = Instant::now();
        let place = (self.open)().await?;
        if (&place.container, &place.prefix) != (&current.place.container, &current.place.prefix) {
            return Err(WarehouseError::Unavailable(
                "the stage was moved while parts were uploaded to it; the load must begin anew".into(),
            ));
        }
        *current = Current { place: Arc::new(place), since };
        Ok(Arc::clone(&current.place))
    }
}
