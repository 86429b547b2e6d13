//! Where a stage lies: what Snowflake answers to a PUT.

use serde::Deserialize;
use serde_json::Value;

use super::super::settings::{Protocol, Secret};
use crate::WarehouseError;

/// A folder of a stage, and the credentials that open it for about an hour. Shows none of them.
#[derive(Clone, Debug)]
pub struct StageLocation {
    /// Which cloud, and what opens it.
    pub(super) cloud: Cloud,
    /// The bucket (S3, GCS) or the container (Azure).
    pub(super) container: String,
    /// What the names of parts are appended to: nothing, or a path with a slash at its end.
    pub(super) prefix: String,
    /// In what the storage may be spoken to.
    pub(super) protocol: Protocol,
}

/// The three clouds that Snowflake runs in. Endpoints are hosts, with a port where need be.
#[derive(Clone, Debug)]
pub(super) enum Cloud {
    S3 { region: String, endpoint: Option<String>, key_id: Secret, secret_key: Secret, token: Secret },
    Azure { account: String, endpoint: Option<String>, sas: Secret },
    Gcs { endpoint: Option<String>, token: Secret },
}

impl StageLocation {
    /// Reads the answer to a PUT: the whole of it, or its `data`. `protocol` is the one that the service itself is
    /// spoken to in; nothing but an emulator's `Http` lets a storage be spoken to without TLS.
    ///
    /// # Errors
    /// `Configuration`: a stage that wants what millrace does not do (encryption by the client, presigned URLs), or an
    /// answer that is none to a PUT. The text shows nothing of the answer's values.
    pub fn read(answer: &Value, protocol: Protocol) -> Result<Self, WarehouseError> {
        let data = answer.get("data").unwrap_or(answer);
        // serde's own message would quote values, and some are secret.
        let data = PutData::deserialize(data).map_err(|_| unreadable("data.stageInfo"))?;
        if !is_nothing(&data.encryption_material) {
            return Err(WarehouseError::Configuration(
                "the stage wants its files encrypted by the client, which millrace does not do; make the stage anew \
                with ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE')"
                    .into(),
            ));
        }
        let info = data.stage_info.ok_or_else(|| unreadable("data.stageInfo"))?;
        let location = needed(&info.location, "location")?;
        let (container, prefix) = location.split_once('/').unwrap_or((&location, ""));
        let prefix = match prefix.trim_matches('/') {
            "" => String::new(),
            path => format!("{path}/"),
        };
        Ok(Self { cloud: info.cloud()?, container: container.to_owned(), prefix, protocol })
    }
}

/// The part of the answer that is of account here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PutData {
    stage_info: Option<StageInfo>,
    #[serde(default)]
    encryption_material: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StageInfo {
    location_type: Option<String>,
    location: Option<String>,
    region: Option<String>,
    storage_account: Option<String>,
    end_point: Option<String>,
    use_regional_url: Option<bool>,
    presigned_url: Option<String>,
    #[serde(default)]
    creds: Credentials,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE", default)]
struct Credentials {
    aws_key_id: Option<String>,
    aws_secret_key: Option<String>,
    aws_token: Option<String>,
    azure_sas_token: Option<String>,
    gcs_access_token: Option<String>,
}

impl StageInfo {
    fn cloud(&self) -> Result<Cloud, WarehouseError> {
        let secret = |value: &Option<String>, name| needed(value, name).map(Secret::new);
        let endpoint = given(&self.end_point);
        match needed(&self.location_type, "locationType")?.to_uppercase().as_str() {
            "S3" => Ok(Cloud::S3 {
                region: needed(&self.region, "region")?,
                endpoint,
                key_id: secret(&self.creds.aws_key_id, "creds.AWS_KEY_ID")?,
                secret_key: secret(&self.creds.aws_secret_key, "creds.AWS_SECRET_KEY")?,
                token: secret(&self.creds.aws_token, "creds.AWS_TOKEN")?,
            }),
            "AZURE" => Ok(Cloud::Azure {
                account: needed(&self.storage_account, "storageAccount")?,
                endpoint,
                sas: secret(&self.creds.azure_sas_token, "creds.AZURE_SAS_TOKEN")?,
            }),
            "GCS" => self.gcs(endpoint),
            other => Err(WarehouseError::Configuration(format!(
                "the stage lies in {other}, which millrace can't upload to; it knows S3, AZURE and GCS"
            ))),
        }
    }

    fn gcs(&self, endpoint: Option<String>) -> Result<Cloud, WarehouseError> {
        let Some(token) = given(&self.creds.gcs_access_token) else {
            let what = match given(&self.presigned_url) {
                Some(_) => "Snowflake gives presigned URLs instead of a token",
                None => "Snowflake gave no token",
            };
            return Err(WarehouseError::Configuration(format!(
                "{what} for the stage in GCS, and millrace uploads with tokens only; ask Snowflake's support to give the \
                account GCS_ACCESS_TOKEN (downscoped credentials)"
            )));
        };
        let region = given(&self.region).unwrap_or_default().to_lowercase();
        // The one region that has no other endpoint.
        let regional = self.use_regional_url == Some(true) || region == "me-central2";
        let of_region = || (regional && !region.is_empty()).then(|| format!("storage.{region}.rep.googleapis.com"));
        Ok(Cloud::Gcs { endpoint: endpoint.or_else(of_region), token: Secret::new(token) })
    }
}

/// Absent, null, or without anything in it.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.iter().all(is_nothing),
        Value::Object(fields) => fields.values().all(is_nothing),
        _ => false,
    }
}

/// Some answers have `""` or the text `null` where others have none.
fn given(value: &Option<String>) -> Option<String> {
    value.clone().filter(|text| !text.is_empty() && text != "null")
}

fn needed(value: &Option<String>, name: &str) -> Result<String, WarehouseError> {
    given(value).ok_or_else(|| unreadable(&format!("data.stageInfo.{name}")))
}

fn unreadable(what: &str) -> WarehouseError {
    WarehouseError::Configuration(format!(
        "Snowflake's answer to PUT has no {what} that millrace can read; is SNOWFLAKE_HOST Snowflake's own service?"
    ))
}
