//! A location as an `object_store`.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::{GcpCredential, GoogleCloudStorageBuilder};
use object_store::multipart::MultipartStore;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig, StaticCredentialProvider};

use super::location::{Cloud, StageLocation};
use crate::WarehouseError;
use crate::snowflake::Protocol;

/// How long a request may take. Four pieces that share 200 kB/s take three minutes each.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(300);
/// A firewall that says nothing is found out in a minute: all tries together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What parts are put into: whole, or in pieces that another client may complete.
pub(super) trait Store: ObjectStore + MultipartStore {}

impl<S: ObjectStore + MultipartStore> Store for S {}

/// Tries five times; the delays are 0.2, 0.4, 0.8, 1.6 seconds and somewhat more by chance. Nothing is tried again
/// three minutes after it began: then it is for the queue to try the whole load again.
fn retries() -> RetryConfig {
    let backoff =
        BackoffConfig { init_backoff: Duration::from_millis(200), max_backoff: Duration::from_secs(10), base: 2.0 };
    RetryConfig { backoff, max_retries: 4, retry_timeout: Duration::from_secs(180) }
}

impl StageLocation {
    /// The host that is spoken to, for messages: what a firewall must let through.
    pub(super) fn host(&self) -> String {
        let address = self.address();
        let host = address.split_once("://").map_or(address.as_str(), |(_, host)| host);
        host.split('/').next().unwrap_or(host).to_owned()
    }

    /// Whether a part may come in pieces. Snowflake's own clients never do that on GCS: whether its tokens allow it
    /// is not known.
    pub(super) fn takes_pieces(&self) -> bool {
        !matches!(self.cloud, Cloud::Gcs { .. })
    }

    /// A client for it.
    pub(super) fn store(&self) -> Result<Arc<dyn Store>, WarehouseError> {
        let store: object_store::Result<Arc<dyn Store>> = match &self.cloud {
            Cloud::S3 { region, key_id, secret_key, token, .. } => AmazonS3Builder::new()
                .with_region(region)
                .with_bucket_name(&self.container)
                .with_endpoint(self.address())
                .with_virtual_hosted_style_request(self.is_virtual_hosted())
                .with_access_key_id(key_id.reveal())
                .with_secret_access_key(secret_key.reveal())
                .with_token(token.reveal())
                .with_client_options(self.client())
                .with_retry(retries())
                .build()
                .map(|store| Arc::new(store) as Arc<dyn Store>),
            Cloud::Azure { account, sas, .. } => MicrosoftAzureBuilder::new()
                .with_account(account)
                .with_container_name(&self.container)
                .with_endpoint(self.address())
                .with_sas_authorization(sas_pairs(sas.reveal()))
                .with_client_options(self.client())
                .with_retry(retries())
                .build()
                .map(|store| Arc::new(store) as Arc<dyn Store>),
            Cloud::Gcs { token, .. } => GoogleCloudStorageBuilder::new()
                .with_bucket_name(&self.container)
                // The only way in which the builder takes another address.
                .with_service_account_key(
                    serde_json::json!({
                        "gcs_base_url": self.address(), "disable_oauth": true,
                        "client_email": "", "private_key": "", "private_key_id": "",
                    })
                    .to_string(),
                )
                .with_credentials(Arc::new(StaticCredentialProvider::new(GcpCredential {
                    bearer: token.reveal().to_owned(),
                })))
                .with_client_options(self.client())
                .with_retry(retries())
                .build()
                .map(|store| Arc::new(store) as Arc<dyn Store>),
        };
        // The builders' messages may quote what they were given.
        store.map_err(|_| {
            WarehouseError::Configuration(format!(
                "the stage at {} can't be used as Snowflake describes it; is SNOWFLAKE_HOST Snowflake's own service?",
                self.host()
            ))
        })
    }

    /// Scheme and host, and what stands before the object's key where that is not the container.
    pub(super) fn address(&self) -> String {
        match &self.cloud {
            Cloud::S3 { endpoint: Some(endpoint), .. } => self.of_bucket(endpoint),
            Cloud::S3 { region, .. } => {
                let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
                self.of_bucket(&format!("s3.{region}.{domain}"))
            }
            Cloud::Azure { account, endpoint, .. } => {
                let endpoint = endpoint.as_deref().unwrap_or("blob.core.windows.net");
                match self.is_plain(endpoint) || is_ip(endpoint) {
                    true => format!("{}/{account}", self.with_scheme(endpoint)),
                    false => format!("https://{account}.{}", bare(endpoint)),
                }
            }
            Cloud::Gcs { endpoint, .. } => self.with_scheme(endpoint.as_deref().unwrap_or("storage.googleapis.com")),
        }
    }

    fn of_bucket(&self, endpoint: &str) -> String {
        match self.is_virtual_hosted() {
            true => format!("https://{}.{}", self.container, bare(endpoint)),
            false => self.with_scheme(endpoint),
        }
    }

    /// Whether the bucket stands in the host's name, as firewalls know Snowflake's stages. Not where no certificate
    /// would fit (a dot in the bucket's name), and not for an emulator, which has but one name.
    fn is_virtual_hosted(&self) -> bool {
        let Cloud::S3 { endpoint, .. } = &self.cloud else { return false };
        let endpoint = endpoint.as_deref().unwrap_or_default();
        !self.container.contains('.') && !self.is_plain(endpoint) && !is_ip(endpoint)
    }

    /// Whether the endpoint is an emulator's, spoken to without TLS.
    fn is_plain(&self, endpoint: &str) -> bool {
        self.protocol == Protocol::Http && !endpoint.is_empty() && !endpoint.starts_with("https://")
    }

    fn with_scheme(&self, endpoint: &str) -> String {
        let scheme = if self.is_plain(endpoint) { "http" } else { "https" };
        format!("{scheme}://{}", bare(endpoint))
    }

    /// The client's options. It takes its proxy from the environment (HTTPS_PROXY, NO_PROXY).
    fn client(&self) -> ClientOptions {
        ClientOptions::new()
            .with_allow_http(self.protocol == Protocol::Http)
            .with_timeout(REQUEST_TIMEOUT)
            .with_connect_timeout(CONNECT_TIMEOUT)
    }
}

/// Without scheme and slashes.
fn bare(endpoint: &str) -> &str {
    endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest).trim_matches('/')
}

/// Whether the host is a number, before which no name can stand.
fn is_ip(endpoint: &str) -> bool {
    let host = bare(endpoint);
    host.starts_with('[') || host.split(':').next().is_some_and(|host| host.parse::<std::net::Ipv4Addr>().is_ok())
}

/// The pairs of a shared access signature, decoded. A `+` in it is one, not a blank.
fn sas_pairs(sas: &str) -> Vec<(String, String)> {
    let sas = sas.trim_start_matches('?').replace('+', "%2B");
    url::form_urlencoded::parse(sas.as_bytes()).into_owned().collect()
}
