//! Uploads to a storage in memory that does as it is told.

mod locations;
mod measure;
mod reasons;
mod troubled;
mod troubles;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use object_store::path::Path;

use self::troubled::Troubled;
use super::*;
use crate::conformance::kit::{Memory, Pairs, pairs};
use crate::snowflake::parts::tests::{records, unpacked};

/// A stage and who asks for it.
struct Kit {
    store: Arc<Troubled>,
    asked: AtomicUsize,
    takes_pieces: bool,
    /// The folder, by how often it was asked for before.
    folder: fn(usize) -> &'static str,
}

impl Kit {
    fn new(store: Troubled) -> Self {
        Self { store: Arc::new(store), asked: AtomicUsize::new(0), takes_pieces: true, folder: |_| "stages/x/" }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    async fn open(&self) -> Result<Place, WarehouseError> {
        let prefix = (self.folder)(self.asked.fetch_add(1, Ordering::Relaxed)).into();
        Ok(Place {
            store: self.store.clone(),
            prefix,
            host: "storage.example".into(),
            container: "bucket".into(),
            takes_pieces: self.takes_pieces,
        })
    }

    async fn stage(&self, rows: Box<dyn RowSource>, options: Options) -> Result<Staged, WarehouseError> {
        let open = || self.open();
        staged(rows, 2, &open, options).await
    }

    /// What lies on the stage, by SOURCE_ROW; and each part must be as it is told.
    async fn rows(&self, staged: &Staged) -> BTreeMap<u64, (String, String)> {
        let mut found = BTreeMap::new();
        for part in &staged.parts {
            let bytes = self.store.content(&Path::from(format!("stages/x/{}", part.name))).await;
            assert_eq!(bytes.len() as u64, part.bytes, "{part:?}");
            let records = records(&unpacked(&bytes));
            assert_eq!(records.len() as u64, part.rows, "{part:?}");
            for mut record in records {
                let mut take = |at: usize| record[at].take().unwrap_or_default();
                found.insert(take(0).parse().unwrap(), (take(1), take(2)));
            }
        }
        found
    }
}

/// Rows of more than a small file has: 9 MB that hardly compress.
fn many() -> Pairs {
    let noise = |seed: u64| {
        (0..10_u64).map(|at| format!("{:016x}", (seed * 31 + at).wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect()
    };
    (1..=50_000_u64).map(|row| (row.to_string(), noise(row))).collect()
}

fn small() -> Options {
    Options { part_bytes: 400_000, piece_bytes: 100_000, threads: 2, uploads: 3, ..Options::default() }
}

fn expected(pairs: &Pairs) -> BTreeMap<u64, (String, String)> {
    (1..).zip(pairs.iter().cloned()).collect()
}

#[tokio::test]
async fn a_small_source_is_one_part_and_one_request() {
    let kit = Kit::new(Troubled::fine());
    let staged = kit.stage(Memory::new(pairs(5, "x")).boxed(), Options::default()).await.unwrap();
    assert_eq!(staged.facts.rows, 5);
    assert_eq!(staged.parts.len(), 1);
    assert_eq!(staged.parts[0].name, "part_00001.csv.gz");
    assert_eq!(kit.rows(&staged).await, expected(&pairs(5, "x")));
    assert_eq!((kit.asked(), kit.store.calls()), (1, vec!["put part_00001.csv.gz".to_owned()]));
}

#[tokio::test]
async fn a_large_source_is_many_parts_in_pieces() {
    let kit = Kit::new(Troubled::fine());
    let staged = kit.stage(Memory::new(many()).boxed(), small()).await.unwrap();
    assert!(staged.parts.len() > 5, "{} parts", staged.parts.len());
    let names: Vec<_> = (1..=staged.parts.len()).map(|number| format!("part_{number:05}.csv.gz")).collect();
    assert_eq!(staged.parts.iter().map(|part| part.name.clone()).collect::<Vec<_>>(), names);
    assert_eq!(kit.rows(&staged).await, expected(&many()));
    assert!(kit.store.calls().iter().any(|call| call == "piece 3 part_00001.csv.gz"), "{:?}", kit.store.calls());
    assert!(kit.store.most_at_once() <= 3, "{} requests at once", kit.store.most_at_once());
    assert_eq!(kit.asked(), 1);
}

#[tokio::test]
async fn where_pieces_are_not_taken_a_part_is_one_request() {
    let kit = Kit { takes_pieces: false, ..Kit::new(Troubled::fine()) };
    let staged = kit.stage(Memory::new(many()).boxed(), small()).await.unwrap();
    assert!(staged.parts.len() > 5, "{} parts", staged.parts.len());
    assert_eq!(kit.rows(&staged).await, expected(&many()));
    assert!(kit.store.calls().iter().all(|call| call.starts_with("put ")), "{:?}", kit.store.calls());
}

#[tokio::test]
async fn without_rows_nothing_is_asked() {
    let kit = Kit::new(Troubled::fine());
    let staged = kit.stage(Memory::new(Vec::new()).boxed(), Options::default()).await.unwrap();
    assert_eq!((staged.parts.len(), staged.facts.rows), (0, 0));
    for source in [Memory::new(pairs(9, "x")).fail_after(0), Memory::new(pairs(9, "x")).fail_at_end()] {
        let failed = kit.stage(source.boxed(), Options::default()).await;
        assert!(matches!(failed, Err(WarehouseError::Source(_))), "{failed:?}");
    }
    assert_eq!((kit.asked(), kit.store.calls().len()), (0, 0));
}

#[tokio::test]
async fn rows_of_another_shape_are_refused() {
    let kit = Kit::new(Troubled::fine());
    let failed = kit.stage(Memory::new(pairs(9, "x")).columns(3).boxed(), Options::default()).await;
    assert!(matches!(&failed, Err(WarehouseError::Source(why)) if why.message.contains("other columns")), "{failed:?}");
}

#[test]
fn it_may_move_between_threads() {
    fn is_send<T: Send>(_: T) {}
    struct Handle(String);
    impl Handle {
        async fn put(&self, path: &str) -> Result<StageLocation, WarehouseError> {
            Err(WarehouseError::Configuration(format!("{}{path}", self.0)))
        }
    }
    let (handle, columns, path) = (Handle("x".into()), vec!["a".to_owned(), "b".to_owned()], String::from("p"));
    is_send(stage_rows(Memory::new(pairs(5, "x")).boxed(), &columns, || handle.put(&path), Options::default()));
}
