//! Where the service is: the crate only knows `<account>.snowflakecomputing.com`.

use http::Extensions;
use reqwest::{Request, Response, Url};
use reqwest_middleware::{Middleware, Next, Result};

use crate::WarehouseError;

/// What the crate's addresses end with.
const KNOWN: &str = ".snowflakecomputing.com";

/// Sends what is for the service to where it is.
pub(super) struct Address {
    base: Url,
}

impl Address {
    pub(super) fn new(base: &str) -> std::result::Result<Self, WarehouseError> {
        let base = Url::parse(base).map_err(|why| {
            WarehouseError::Configuration(format!(
                "the address {base} of Snowflake can't be used ({why}); see SNOWFLAKE_HOST"
            ))
        })?;
        Ok(Self { base })
    }

    fn moved(&self, url: &Url) -> Option<Url> {
        // Parts of results lie elsewhere, with the cloud's storage.
        url.host_str().filter(|host| host.ends_with(KNOWN))?;
        let mut moved = self.base.clone();
        // The crate writes `//session/token-request`.
        moved.set_path(&format!("/{}", url.path().trim_start_matches('/')));
        moved.set_query(url.query());
        Some(moved)
    }
}

#[async_trait::async_trait]
impl Middleware for Address {
    async fn handle(&self, mut request: Request, extensions: &mut Extensions, next: Next<'_>) -> Result<Response> {
        if let Some(moved) = self.moved(request.url()) {
            *request.url_mut() = moved;
        }
        next.run(request, extensions).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(url: &str) -> Option<String> {
        let address = Address::new("http://127.0.0.1:8080").unwrap();
        address.moved(&Url::parse(url).unwrap()).map(String::from)
    }

    #[test]
    fn what_is_for_the_service_goes_where_it_is() {
        assert_eq!(
            moved("https://ACME-EU1.snowflakecomputing.com//session/token-request?requestId=1"),
            Some("http://127.0.0.1:8080/session/token-request?requestId=1".into())
        );
        assert_eq!(moved("https://bucket.s3.amazonaws.com/results/1"), None);
    }
}
