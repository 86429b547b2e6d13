//! A vhost of a test's own.

use std::net::{SocketAddr, ToSocketAddrs};

use url::Url;

use crate::broker::Broker;
use crate::management::Management;

/// A vhost that is deleted, with all connections to it, when this is dropped.
pub struct Vhost {
    name: String,
    url: Url,
    management: Management,
}

impl Vhost {
    pub(crate) fn new(name: String, broker: &Broker) -> Self {
        let mut url = broker.url.clone();
        url.set_path(&name);
        Self { name, url, management: broker.management.clone() }
    }

    /// Its name, which needs no escaping.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `amqp://user:password@host:port/name`
    pub fn url(&self) -> String {
        self.url.to_string()
    }

    /// [`Vhost::url`] with another address, such as a [`crate::Proxy`]'s.
    pub fn url_at(&self, address: SocketAddr) -> String {
        let mut url = self.url.clone();
        url.set_ip_host(address.ip()).unwrap();
        url.set_port(Some(address.port())).unwrap();
        url.to_string()
    }

    /// [`Vhost::url`] with other credentials. See [`Management::set_password`] and [`Management::permit`].
    pub fn url_as(&self, user: &str, password: &str) -> String {
        let mut url = self.url.clone();
        url.set_username(user).unwrap();
        url.set_password(Some(password)).unwrap();
        url.to_string()
    }

    /// Where the management API is: `http://user:password@host:port`, without a slash at the end.
    pub fn management_url(&self) -> String {
        self.management.url()
    }
}

impl Drop for Vhost {
    fn drop(&mut self) {
        // The broker may be dead by now; then its vhosts are of no interest.
        self.management.try_delete(&format!("vhosts/{}", self.name));
    }
}

/// The first address of a URL's host, with the port of plain AMQP where it names none.
pub(crate) fn address(url: &Url) -> SocketAddr {
    let host = url.host_str().expect("the URL names no host");
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let mut all = (host, url.port().unwrap_or(5672)).to_socket_addrs().expect("the URL's host is not known");
    all.next().expect("the URL's host has no address")
}
