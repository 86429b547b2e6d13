//! Uploads to a storage in memory.

use std::sync::Arc;

use object_store::memory::InMemory;
use object_store::{ObjectStore, path::Path};

use super::store::Store;
use super::*;
use crate::conformance::kit::{Memory, pairs};

fn place(store: Arc<dyn Store>) -> Place {
    Place {
        store,
        prefix: "stages/x/".into(),
        host: "storage.example".into(),
        container: "b".into(),
        takes_pieces: true,
    }
}

#[tokio::test]
async fn a_small_source_is_one_part() {
    let store = Arc::new(InMemory::new());
    let open = || async { Ok(place(store.clone())) };
    let rows = Memory::new(pairs(5, "x")).boxed();
    let staged = staged(rows, 2, &open, Options::default()).await.unwrap();
    assert_eq!(staged.facts.rows, 5);
    assert_eq!(staged.parts.len(), 1);
    assert_eq!((staged.parts[0].name.as_str(), staged.parts[0].rows), ("part_00001.csv.gz", 5));
    let bytes = store.get(&Path::from("stages/x/part_00001.csv.gz")).await.unwrap().bytes().await.unwrap();
    assert_eq!(bytes.len() as u64, staged.parts[0].bytes);
}

fn is_send<T: Send>(value: T) -> T {
    value
}

#[test]
fn it_may_move_between_threads() {
    struct Handle(String);
    impl Handle {
        async fn put(&self, path: &str) -> Result<StageLocation, WarehouseError> {
            Err(WarehouseError::Configuration(format!("{}{path}", self.0)))
        }
    }
    let (handle, columns) = (Handle("x".into()), vec!["a".to_owned(), "b".to_owned()]);
    let path = String::from("p");
    let locate = || handle.put(&path);
    drop(is_send(stage_rows(Memory::new(pairs(5, "x")).boxed(), &columns, locate, Options::default())));
}
