//! What the three clouds' answers are read as.

use serde_json::{Value, json};

use super::*;
use crate::snowflake::Protocol;

fn s3() -> Value {
    json!({"data": {
        "command": "UPLOAD", "src_locations": ["/part"], "parallel": 4, "threshold": 209_715_200, "autoCompress": false,
        "overwrite": true, "sourceCompression": "gzip", "encryptionMaterial": null, "presignedUrls": null,
        "stageInfo": {
            "locationType": "S3", "location": "sfc-eu-stage/ab12-s-xyz/stages/3f9c/load/7/", "path": "ab12-s-xyz/stages/3f9c/load/7/",
            "region": "eu-central-1", "storageAccount": null, "isClientSideEncrypted": false, "endPoint": "",
            "useS3RegionalUrl": false, "useRegionalUrl": false, "presignedUrl": null,
            "creds": {"AWS_KEY_ID": "ASIA_S3CR3T_1", "AWS_SECRET_KEY": "S3CR3T_2", "AWS_TOKEN": "S3CR3T_3", "AWS_ID": "ASIA_S3CR3T_1", "AWS_KEY": "S3CR3T_2"},
        }}, "code": null, "message": null, "success": true})
}

fn azure() -> Value {
    json!({"encryptionMaterial": null, "stageInfo": {
        "locationType": "AZURE", "location": "stages/3f9c/load/7/", "path": "3f9c/load/7/", "region": "westeurope",
        "storageAccount": "sfcweuprod", "isClientSideEncrypted": false, "endPoint": "blob.core.windows.net",
        "creds": {"AZURE_SAS_TOKEN": "?sp=racwdl&se=2026-11-25T12%3A00%3A00Z&sv=2020-08-04&sr=c&sig=S3CR3T%2B1%3D"},
    }})
}

fn gcs() -> Value {
    json!({"stageInfo": {
        "locationType": "GCS", "location": "gcs-euw3/stages/3f9c/load/7/", "path": "stages/3f9c/load/7/", "region": "EUROPE-WEST3",
        "isClientSideEncrypted": false, "endPoint": null, "presignedUrl": "",
        "creds": {"GCS_ACCESS_TOKEN": "ya29.S3CR3T"},
    }})
}

/// The same with `value` in place of a field of `stageInfo`.
fn with(mut answer: Value, field: &str, value: Value) -> Value {
    let data = if answer.get("data").is_some() { &mut answer["data"] } else { &mut answer };
    data["stageInfo"][field] = value;
    answer
}

fn read(answer: Value) -> StageLocation {
    StageLocation::read(&answer, Protocol::Https).unwrap()
}

fn refused(answer: Value) -> String {
    let error = StageLocation::read(&answer, Protocol::Https).unwrap_err();
    assert!(matches!(error, WarehouseError::Configuration(_)), "{error:?}");
    error.to_string()
}

#[test]
fn each_cloud_is_found_and_no_secret_shown() {
    let clouds = [
        (s3(), "https://sfc-eu-stage.s3.eu-central-1.amazonaws.com", "sfc-eu-stage", "ab12-s-xyz/stages/3f9c/load/7/"),
        (azure(), "https://sfcweuprod.blob.core.windows.net", "stages", "3f9c/load/7/"),
        (gcs(), "https://storage.googleapis.com", "gcs-euw3", "stages/3f9c/load/7/"),
    ];
    for (answer, address, container, prefix) in clouds {
        let location = read(answer);
        assert_eq!((location.container.as_str(), location.prefix.as_str()), (container, prefix));
        assert_eq!(location.address(), address);
        assert_eq!(format!("https://{}", location.host()), address);
        let place = Place::open(&location).unwrap();
        assert_eq!(place.path("part_00001.csv.gz").unwrap().as_ref(), format!("{prefix}part_00001.csv.gz"));
        for shown in [format!("{location:?} {location:#?}"), place.store.to_string()] {
            assert!(!shown.contains("S3CR3T"), "{shown}");
        }
    }
    assert!(!read(gcs()).takes_pieces() && read(s3()).takes_pieces() && read(azure()).takes_pieces());
}

#[test]
fn other_endpoints_are_used() {
    let address = |answer, field, value| read(with(answer, field, value)).address();
    assert_eq!(
        address(s3(), "endPoint", json!("s3-fips.us-east-1.amazonaws.com")),
        "https://sfc-eu-stage.s3-fips.us-east-1.amazonaws.com"
    );
    assert_eq!(address(s3(), "region", json!("cn-north-1")), "https://sfc-eu-stage.s3.cn-north-1.amazonaws.com.cn");
    assert_eq!(address(s3(), "location", json!("a.b/x/")), "https://s3.eu-central-1.amazonaws.com");
    assert_eq!(
        address(azure(), "endPoint", json!("blob.core.usgovcloudapi.net")),
        "https://sfcweuprod.blob.core.usgovcloudapi.net"
    );
    assert_eq!(address(gcs(), "useRegionalUrl", json!(true)), "https://storage.europe-west3.rep.googleapis.com");
    assert_eq!(address(gcs(), "region", json!("me-central2")), "https://storage.me-central2.rep.googleapis.com");
}

#[test]
fn only_an_emulator_is_spoken_to_without_tls() {
    for endpoint in ["http://127.0.0.1:9000", "127.0.0.1:9000"] {
        let answer = with(s3(), "endPoint", json!(endpoint));
        let plain = StageLocation::read(&answer, Protocol::Http).unwrap();
        assert_eq!((plain.address().as_str(), plain.host().as_str()), ("http://127.0.0.1:9000", "127.0.0.1:9000"));
        assert_eq!(read(answer).address(), "https://127.0.0.1:9000");
    }
    let named = with(s3(), "endPoint", json!("http://s3.example.com"));
    assert_eq!(read(named).address(), "https://sfc-eu-stage.s3.example.com");
    let azure = with(azure(), "endPoint", json!("http://127.0.0.1:10000"));
    assert_eq!(StageLocation::read(&azure, Protocol::Http).unwrap().address(), "http://127.0.0.1:10000/sfcweuprod");
    // An account that is reached without TLS but whose stage lies in a cloud.
    assert!(StageLocation::read(&s3(), Protocol::Http).unwrap().address().starts_with("https://"));
}

#[test]
fn a_stage_without_a_folder_has_no_prefix() {
    for location in ["bucket", "bucket/"] {
        let location = read(with(s3(), "location", json!(location)));
        assert_eq!((location.container.as_str(), location.prefix.as_str()), ("bucket", ""));
    }
}

#[test]
fn encryption_by_the_client_is_refused_with_the_cure() {
    let mut answer = s3();
    let material = json!({"queryStageMasterKey": "S3CR3T", "queryId": "1", "smkId": 7});
    for material in [material.clone(), json!([material])] {
        answer["data"]["encryptionMaterial"] = material;
        let error = refused(answer.clone());
        assert!(error.contains("SNOWFLAKE_SSE") && !error.contains("S3CR3T"), "{error}");
    }
    for nothing in [json!({}), json!([]), json!([null]), json!({"queryStageMasterKey": null})] {
        answer["data"]["encryptionMaterial"] = nothing;
        read(answer.clone());
    }
}

#[test]
fn what_can_not_be_read_is_told_without_values() {
    let creds = |creds| with(s3(), "creds", creds);
    let cases = [
        (json!({"data": {"rowtype": [], "total": 1}}), "data.stageInfo"),
        (creds(json!({"AWS_KEY_ID": "S3CR3T", "AWS_TOKEN": "S3CR3T"})), "creds.AWS_SECRET_KEY"),
        (creds(json!("S3CR3T")), "data.stageInfo"),
        (with(s3(), "region", json!(null)), "data.stageInfo.region"),
        (with(s3(), "locationType", json!("LOCAL_FS")), "LOCAL_FS"),
        (with(gcs(), "creds", json!({})), "no token"),
        (
            with(with(gcs(), "creds", json!({"GCS_ACCESS_TOKEN": ""})), "presignedUrl", json!("https://x?sig=S3CR3T")),
            "presigned",
        ),
    ];
    for (answer, word) in cases {
        let error = refused(answer);
        assert!(error.contains(word) && !error.contains("S3CR3T"), "{word}: {error}");
    }
}
