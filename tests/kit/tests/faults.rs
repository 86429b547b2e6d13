//! A node that is killed, filled and restarted.
#![allow(missing_docs)]

use millrace_testkit::{Broker, Options, wait};
use serde_json::json;

/// One test, for each node takes seconds to start.
#[test]
fn a_node_of_its_own_suffers_what_it_is_told() {
    let begun = std::time::Instant::now();
    let broker = Broker::start(Options { consumer_timeout_millis: Some(60_000), ..Options::default() });
    println!("started after {} ms", begun.elapsed().as_millis());
    let api = broker.management();
    let vhost = broker.fresh_vhost();
    for (queue, kind) in [("classic", "classic"), ("quorum", "quorum")] {
        let arguments = json!({"durable": true, "arguments": {"x-queue-type": kind}});
        api.put(&format!("queues/{}/{queue}", vhost.name()), &arguments);
        assert!(api.publish(vhost.name(), "", queue, b"payload", json!({"delivery_mode": 2})));
        wait("count of the message", || api.queue(vhost.name(), queue).unwrap()["messages_ready"] == 1);
    }

    broker.memory_alarm(true);
    broker.memory_alarm(false);

    for end in [Broker::kill, Broker::stop] {
        end(&broker);
        assert!(std::net::TcpStream::connect(broker.address()).is_err());
        broker.restart();
        for queue in ["classic", "quorum"] {
            let kept = || api.queue(vhost.name(), queue).is_some_and(|queue| queue["messages_ready"] == 1);
            wait("return of the message", kept);
        }
    }

    let timeout = broker.ctl(&["eval", "application:get_env(rabbit, consumer_timeout)."]);
    assert_eq!(timeout.trim(), "{ok,60000}");
}
