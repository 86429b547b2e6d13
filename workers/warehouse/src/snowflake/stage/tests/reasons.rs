//! Real clients against a socket that answers badly: what is told, and what is not.

use object_store::PutPayload;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::super::reasons::{is_refusal, not_uploaded};
use super::*;
use crate::snowflake::Protocol;

/// Answers every request with this status line and body.
async fn answering(status: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = socket.read(&mut request).await;
            let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = socket.write_all((head + body).as_bytes()).await;
        }
    });
    address
}

/// What a PUT into the stage at `endpoint` ends with.
async fn put(cloud: &str, endpoint: &str) -> object_store::Error {
    let creds = json!({
        "AWS_KEY_ID": "SECRET", "AWS_SECRET_KEY": "SECRET", "AWS_TOKEN": "SECRET", "GCS_ACCESS_TOKEN": "SECRET",
        "AZURE_SAS_TOKEN": "?sv=2020-08-04&sp=racwdl&sig=SECRET%2Bx%3D",
    });
    let answer = json!({"stageInfo": {
        "locationType": cloud, "location": "bucket/load/", "region": "eu-central-1", "storageAccount": "account",
        "endPoint": endpoint, "creds": creds,
    }});
    let place = Place::open(&StageLocation::read(&answer, Protocol::Http).unwrap()).unwrap();
    let path = place.path("part_00001.csv.gz").unwrap();
    place.store.put(&path, PutPayload::from("x".to_owned())).await.unwrap_err()
}

fn told(error: &object_store::Error) -> String {
    let text = not_uploaded("part_00001.csv.gz", "host:1", error).to_string();
    assert!(!text.contains("SECRET") && !text.contains("sig="), "{text}");
    text
}

#[tokio::test]
async fn an_answer_is_told_by_its_status_and_code() {
    let body = "<Error><Code>ExpiredToken</Code><Message>The token SECRET has expired</Message></Error>";
    let error = put("S3", &answering("400 Bad Request", body).await).await;
    assert!(is_refusal(&error), "{error}");
    assert!(told(&error).contains("it answered 400 Bad Request (ExpiredToken);"), "{}", told(&error));

    let body = "<Error><Code>AuthenticationFailed</Code><AuthenticationErrorDetail>sig=SECRET</AuthenticationErrorDetail></Error>";
    let error = put("AZURE", &answering("403 Forbidden", body).await).await;
    assert!(is_refusal(&error) && error.to_string().contains("SECRET"), "nothing to hide in: {error}");
    assert!(told(&error).contains("it answered 403 Forbidden (AuthenticationFailed);"), "{}", told(&error));

    let error = put("GCS", &answering("401 Unauthorized", "SECRET").await).await;
    assert!(is_refusal(&error), "{error}");
    assert!(told(&error).contains("it answered 401 Unauthorized;"), "{}", told(&error));

    let error = put("S3", &answering("404 Not Found", "<Error><Code>NoSuchBucket</Code></Error>").await).await;
    assert!(!is_refusal(&error), "{error}");
    assert!(told(&error).contains("404 Not Found (NoSuchBucket)"), "{}", told(&error));
}

/// The clock is quick: the delays between tries are not waited for.
#[tokio::test(start_paused = true)]
async fn a_silent_network_is_told_without_a_url() {
    for cloud in ["S3", "AZURE", "GCS"] {
        // Nobody listens on port 1.
        let error = put(cloud, "127.0.0.1:1").await;
        assert!(!is_refusal(&error), "{error}");
        let told = told(&error);
        assert!(told.contains("at host:1: no "), "{told}");
    }
}
