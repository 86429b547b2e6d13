//! The shared node: vhosts, the management API.
#![allow(clippy::unwrap_used, missing_docs)]

use millrace_testkit::{Broker, wait};
use serde_json::json;

fn declare(vhost: &millrace_testkit::Vhost, queue: &str) {
    let arguments = json!({"durable": true, "arguments": {"x-queue-type": "quorum"}});
    Broker::shared().management().put(&format!("queues/{}/{queue}", vhost.name()), &arguments);
}

#[test]
fn vhosts_know_nothing_of_each_other() {
    let broker = Broker::shared();
    let api = broker.management();
    let (one, other) = (broker.fresh_vhost(), broker.fresh_vhost());
    assert_ne!(one.url(), other.url());
    declare(&one, "work");
    assert!(api.publish(one.name(), "", "work", b"\x00not text\xff", json!({"delivery_mode": 2})));
    assert!(!api.publish(other.name(), "", "work", b"lost", json!({})));
    assert!(api.queue(other.name(), "work").is_none());
    wait("count of the message", || api.queue(one.name(), "work").unwrap()["messages_ready"] == 1);
    assert_eq!(api.queues(one.name()).len(), 1);
    assert!(api.delete_queue(one.name(), "work"));
    assert!(!api.delete_queue(one.name(), "work"));
}

#[test]
fn a_dropped_vhost_is_deleted() {
    let broker = Broker::shared();
    let vhost = broker.fresh_vhost();
    let path = format!("vhosts/{}", vhost.name());
    assert!(broker.management().find(&path).is_some());
    drop(vhost);
    assert!(broker.management().find(&path).is_none());
}

#[test]
fn definitions_and_passwords_are_taken() {
    let broker = Broker::shared();
    let api = broker.management();
    let vhost = broker.fresh_vhost();
    let queue = json!({"vhost": vhost.name(), "name": "work", "durable": true, "auto_delete": false, "arguments": {}});
    api.import_definitions(&json!({"queues": [queue]}));
    assert!(api.queue(vhost.name(), "work").is_some());

    let user = format!("user-{}", vhost.name());
    let as_user = |password: &str| {
        let url = format!("http://{user}:{password}@{}", vhost.management_url().rsplit('@').next().unwrap());
        millrace_testkit::Management::new(&url.parse().unwrap())
    };
    api.set_password(&user, "first");
    api.permit(vhost.name(), &user);
    api.put(&format!("users/{user}"), &json!({"password": "first", "tags": "management"}));
    assert_eq!(as_user("first").get("whoami")["name"], user);
    api.set_password(&user, "second");
    assert_eq!(as_user("second").get("whoami")["name"], user, "the tags stay");
    assert!(!as_user("first").is_ok("whoami"));
    api.delete(&format!("users/{user}"));
}
