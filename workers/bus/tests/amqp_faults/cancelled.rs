//! What the bus needs at the broker is deleted under it.

use messages::Stage;
use millrace_bus::Bus;
use millrace_bus::conformance::next;

use crate::support::{Rabbit, blocking, command, id, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_whose_queue_was_deleted_makes_it_again() {
    let rabbit = Rabbit::shared();
    let bus = rabbit.open(20).await;
    let mut consumer = bus.consume(Stage::Ingest, 2).await.unwrap();
    let (held, acked) = (command(Stage::Ingest), command(Stage::Ingest));
    bus.publish(&held).await.unwrap();
    bus.publish(&acked).await.unwrap();
    let (in_hand, handled) = (next(&mut *consumer).await, next(&mut *consumer).await);
    let queue = Stage::Ingest.queue();
    assert!(blocking(|| rabbit.management().delete_queue(rabbit.vhost.name(), &queue)));

    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    println!("{:#?} {:?}", crate::lines::with(&[]), rabbit.consumers(Stage::Ingest));
    rabbit.until_number(&queue, "consumers", 1).await;
    // The one whose queue is gone may still be listed, since its channel is not.
    assert!(rabbit.consumers(Stage::Ingest).iter().all(|consumer| consumer["prefetch_count"] == 2));
    let late = command(Stage::Ingest);
    bus.publish(&late).await.unwrap();
    let delivery = next(&mut *consumer).await;
    assert_eq!(delivery.envelope().unwrap(), late);
    delivery.ack().await.unwrap();

    // What was in hand while its queue went away is still whoever's who has it.
    handled.ack().await.unwrap();
    in_hand.give_back().await.unwrap();
    let again = next(&mut *consumer).await;
    assert_eq!((id(&again), again.attempt()), (held.id, 1));
    again.ack().await.unwrap();
    rabbit.until_number(&queue, "messages", 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_survives_the_loss_of_the_queue_that_pauses_it() {
    let rabbit = Rabbit::shared();
    let bus = rabbit.open(20).await;
    let mut consumer = bus.consume(Stage::Ingest, 1).await.unwrap();
    assert!(bus.set_paused(Stage::Ingest, true).await.unwrap());
    let flag = "millrace.ingest.paused";
    assert!(blocking(|| rabbit.management().delete_queue(rabbit.vhost.name(), flag)));
    let sent = command(Stage::Ingest);
    bus.publish(&sent).await.unwrap();
    assert_eq!(next(&mut *consumer).await.envelope().unwrap(), sent);
    until("the flag is made again", || rabbit.number(flag, "messages").is_some()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_whose_queue_was_deleted_says_so() {
    let rabbit = Rabbit::shared();
    let bus = rabbit.open(20).await;
    let sent = command(Stage::Ingest);
    let mut listener = bus.listen(sent.load_id(), &["ingest.requested"]).await.unwrap();
    let queues = blocking(|| rabbit.management().queues(rabbit.vhost.name()));
    let mut names = queues.iter().filter_map(|queue| queue["name"].as_str());
    let queue = names.find(|name| name.starts_with(millrace_bus::amqp::topology::ANSWERS)).unwrap();
    assert!(blocking(|| rabbit.management().delete_queue(rabbit.vhost.name(), queue)));
    let error = listener.next().await.err().unwrap().to_string();
    assert!(error.contains("listen again"), "{error}");
}
