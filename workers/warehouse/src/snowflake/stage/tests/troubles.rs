//! Sources and storages that fail, hang or come late.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use arrow_array::RecordBatch;
use messages::Failure;

use super::troubled::Trouble;
use super::*;

/// Rows without an end. Says when it is gone.
struct Endless(Pairs, Arc<AtomicBool>);

impl RowSource for Endless {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Failure> {
        Memory::new(self.0.clone()).next_batch()
    }

    fn finish(self: Box<Self>) -> Result<FileFacts, Failure> {
        unreachable!()
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        self.1.store(true, Ordering::Relaxed);
    }
}

fn endless() -> (Box<Endless>, Arc<AtomicBool>) {
    let gone = Arc::new(AtomicBool::new(false));
    (Box::new(Endless(many().into_iter().take(2_000).collect(), gone.clone())), gone)
}

/// Gives its rows, and fails once the storage has failed, which waits for that.
struct Late {
    rows: Memory,
    waits: Arc<AtomicBool>,
    broken: Arc<AtomicBool>,
}

impl RowSource for Late {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Failure> {
        if let Some(batch) = self.rows.next_batch()? {
            return Ok(Some(batch));
        }
        self.waits.store(true, Ordering::Relaxed);
        wait_for(&self.broken);
        Err(Failure::permanent("the file is bad in line 7"))
    }

    fn finish(self: Box<Self>) -> Result<FileFacts, Failure> {
        unreachable!()
    }
}

fn wait_for(flag: &AtomicBool) {
    let began = Instant::now();
    while !flag.load(Ordering::Relaxed) && began.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(1));
    }
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(20), "{what} did not come");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_source_that_fails_says_why() {
    let kit = Kit::new(Troubled::fine());
    for source in [Memory::new(many()).fail_after(40_000), Memory::new(many()).fail_at_end()] {
        let failed = kit.stage(source.boxed(), small()).await;
        assert!(matches!(failed, Err(WarehouseError::Source(_))), "{failed:?}");
    }
}

#[tokio::test]
async fn refused_credentials_are_asked_for_anew_and_nothing_is_lost() {
    let calls: [fn(&str) -> bool; 4] = [
        |call| call == "begin part_00002.csv.gz",
        |call| call == "piece 2 part_00001.csv.gz",
        |call| call == "complete part_00001.csv.gz",
        |call| call.starts_with("put "),
    ];
    for (is_it, trouble) in calls.into_iter().zip([Trouble::Refused, Trouble::Expired].into_iter().cycle()) {
        let kit = Kit { takes_pieces: !is_it("put "), ..Kit::new(Troubled::once(is_it, trouble)) };
        let staged = kit.stage(Memory::new(many()).boxed(), small()).await.unwrap();
        assert_eq!(kit.rows(&staged).await, expected(&many()));
        assert_eq!(kit.asked(), 2);
    }
}

#[tokio::test]
async fn a_completion_whose_answer_was_lost_is_one() {
    let last = |call: &str| call == "complete part_00001.csv.gz";
    let options = Options { part_bytes: 50_000_000, threads: 1, ..small() };
    let kit = Kit::new(Troubled::once(last, Trouble::DoneAndUnknown));
    let staged = kit.stage(Memory::new(many()).boxed(), options.clone()).await.unwrap();
    assert_eq!(kit.rows(&staged).await, expected(&many()));
    // But not if the part is not there.
    let kit = Kit::new(Troubled::once(last, Trouble::Unknown));
    let failed = kit.stage(Memory::new(many()).boxed(), options).await;
    assert!(matches!(failed, Err(WarehouseError::Unavailable(_))), "{failed:?}");
}

#[tokio::test]
async fn credentials_that_stay_refused_are_an_error_with_names() {
    let kit = Kit::new(Troubled::new(|_| Some(Trouble::Refused)));
    let failed = kit.stage(Memory::new(pairs(5, "x")).boxed(), small()).await.unwrap_err();
    assert!(matches!(failed, WarehouseError::Unavailable(_)), "{failed:?}");
    let text = failed.to_string();
    for word in ["part_00001.csv.gz", "storage.example", "403 Forbidden (AccessDenied)", "HTTPS_PROXY", "firewall"] {
        assert!(text.contains(word), "{word} is not in: {text}");
    }
    assert!(!text.contains("SECRET") && !text.contains("sig="), "{text}");
    assert_eq!(kit.asked(), 2);
}

#[tokio::test]
async fn old_credentials_are_not_used() {
    let kit = Kit::new(Troubled::fine());
    let options = Options { renew_after: Duration::ZERO, ..small() };
    let staged = kit.stage(Memory::new(many()).boxed(), options).await.unwrap();
    assert_eq!(kit.rows(&staged).await, expected(&many()));
    assert!(kit.asked() > staged.parts.len(), "asked {} times for {} parts", kit.asked(), staged.parts.len());
}

#[tokio::test]
async fn a_stage_that_moves_is_an_error() {
    let folder = |asked| if asked == 0 { "stages/x/" } else { "stages/y/" };
    let kit = Kit { folder, ..Kit::new(Troubled::fine()) };
    let options = Options { renew_after: Duration::ZERO, ..small() };
    let failed = kit.stage(Memory::new(many()).boxed(), options).await.unwrap_err();
    assert!(failed.to_string().contains("moved"), "{failed}");
}

#[tokio::test]
async fn a_failed_upload_ends_the_reader_and_gives_up_what_is_open() {
    let kit = Kit::new(Troubled::once(|call| call == "piece 1 part_00002.csv.gz", Trouble::Broken));
    let (source, gone) = endless();
    let failed = kit.stage(source, small()).await.unwrap_err();
    assert!(matches!(&failed, WarehouseError::Unavailable(why) if why.contains("500")), "{failed:?}");
    until("the source's end", || gone.load(Ordering::Relaxed)).await;
    let calls = kit.store.calls();
    assert!(calls.contains(&"abort part_00002.csv.gz".to_owned()), "{calls:?}");
    let count = |verb: &str| calls.iter().filter(|call| call.starts_with(verb)).count();
    assert!(count("abort") + count("complete") >= count("begin") - 1, "{calls:?}");
}

#[tokio::test]
async fn the_source_is_heard_before_the_storage() {
    let (waits, broken) = <(Arc<AtomicBool>, Arc<AtomicBool>)>::default();
    let source = Late { rows: Memory::new(many()), waits: waits.clone(), broken: broken.clone() };
    let kit = Kit::new(Troubled::new(move |call| {
        if !call.starts_with("piece 1") {
            return None;
        }
        wait_for(&waits);
        broken.store(true, Ordering::Relaxed);
        Some(Trouble::Broken)
    }));
    // All of it has room on its way, so that the source is asked for more.
    let options = Options { part_bytes: 50_000_000, piece_bytes: 1_000_000, threads: 1, uploads: 20, ..small() };
    let failed = kit.stage(Box::new(source), options).await;
    assert!(kit.store.calls().iter().any(|call| call.starts_with("piece 1")));
    assert!(matches!(failed, Err(WarehouseError::Source(_))), "{failed:?}");
}

#[tokio::test]
async fn a_place_that_can_not_be_asked_ends_the_reader() {
    let (source, gone) = endless();
    let open = || async { Err(WarehouseError::Unavailable("no answer".into())) };
    let failed = staged(source, 2, &open, small()).await.unwrap_err();
    assert_eq!(failed.to_string(), "no answer");
    until("the source's end", || gone.load(Ordering::Relaxed)).await;
}

#[tokio::test]
async fn who_drops_it_ends_the_threads_even_if_the_storage_hangs() {
    let (source, gone) = endless();
    let kit = Kit::new(Troubled::new(|_| Some(Trouble::Hangs)));
    let staging = tokio::time::timeout(Duration::from_millis(300), kit.stage(source, small())).await;
    assert!(staging.is_err());
    assert!(kit.store.most_at_once() <= 3);
    until("the source's end", || gone.load(Ordering::Relaxed)).await;
}

#[tokio::test]
async fn who_drops_it_ends_the_threads_in_the_middle_of_a_piece() {
    let (source, gone) = endless();
    let kit = Kit::new(Troubled::fine());
    // A piece that is not full before the test is over.
    let options = Options { part_bytes: u64::MAX, piece_bytes: 1 << 30, threads: 1, ..small() };
    assert!(tokio::time::timeout(Duration::from_millis(500), kit.stage(source, options)).await.is_err());
    assert_eq!(kit.store.calls().len(), 0);
    until("the source's end", || gone.load(Ordering::Relaxed)).await;
}

#[tokio::test]
async fn a_reader_that_breaks_off_is_an_error() {
    struct Breaks;
    impl RowSource for Breaks {
        fn next_batch(&mut self) -> Result<Option<RecordBatch>, Failure> {
            panic!("by the test")
        }
        fn finish(self: Box<Self>) -> Result<FileFacts, Failure> {
            unreachable!()
        }
    }
    let failed = Kit::new(Troubled::fine()).stage(Box::new(Breaks), small()).await.unwrap_err();
    assert!(matches!(&failed, WarehouseError::Source(why) if why.message.contains("broke off")), "{failed:?}");
}
