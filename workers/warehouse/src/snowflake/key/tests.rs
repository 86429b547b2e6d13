use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::*;

/// A folder in which the real `openssl` makes keys.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs `openssl` there and gives what it printed.
    fn openssl(&self, line: &str) -> String {
        let mut command = Command::new("openssl");
        let done = command.args(line.split(' ')).current_dir(self.0.path()).stdin(Stdio::null()).output().unwrap();
        assert!(done.status.success(), "openssl {line}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    fn read(&self, name: &str, passphrase: Option<&str>) -> Result<PrivateKey, KeyFault> {
        let secret = passphrase.map(Secret::new);
        PrivateKey::read(&self.path(name), secret.as_ref()).map_err(|error| {
            let text = format!("{error} {error:?}");
            assert!(text.contains(name), "names the file: {text}");
            assert!(!passphrase.is_some_and(|passphrase| text.contains(passphrase)), "shows the passphrase: {text}");
            error.fault
        })
    }
}

const PASS: &str = "correct horse";

#[test]
fn reads_what_openssl_writes() {
    let folder = Folder::new();
    folder.openssl("genrsa -out pkcs8 2048");
    folder.openssl("rsa -traditional -in pkcs8 -out pkcs1");
    // The second is the command of Snowflake's manual, the fourth what OpenSSL 1.0 wrote.
    let ways = [
        "aes256",
        "des3",
        "aes-128-cbc",
        "des3 -v2prf hmacWithSHA1",
        "aes192 -v2prf hmacWithSHA512",
        "aes256 -iter 10000",
    ];
    std::fs::write(folder.path("pass"), PASS).unwrap();
    let mut files = vec![("pkcs8".to_owned(), None), ("pkcs1".to_owned(), None)];
    for (number, way) in ways.into_iter().enumerate() {
        folder.openssl(&format!(
            "pkcs8 -topk8 -v2 {way} -in pkcs8 -inform PEM -out encrypted{number} -passout file:pass"
        ));
        files.push((format!("encrypted{number}"), Some(PASS)));
    }
    folder.openssl("pkcs8 -topk8 -scrypt -in pkcs8 -out scrypt -passout file:pass");
    files.push(("scrypt".into(), Some(PASS)));
    folder.openssl("pkey -in pkcs8 -pubout -out public");
    let public = PublicKey::read(&folder.path("public")).unwrap();
    let body: String = folder.openssl("pkey -in pkcs8 -pubout").lines().filter(|line| !line.contains("---")).collect();
    assert_eq!(public.base64(), body);
    folder.openssl("pkey -in pkcs8 -pubout -outform DER -out der");
    folder.openssl("dgst -sha256 -binary -out hash der");
    assert_eq!(public.fingerprint(), format!("SHA256:{}", folder.openssl("base64 -A -in hash")));

    for (file, passphrase) in files {
        let key = folder.read(&file, passphrase).unwrap_or_else(|fault| panic!("{file}: {fault:?}"));
        assert_eq!(key.public(), &public, "{file}");
        let pem = key.into_pem();
        assert!(!format!("{pem:?}").contains("BEGIN"));
        let token = snowflake_jwt::generate_jwt_token(pem.reveal(), "MYORG-PLANT.LOADER").unwrap();
        assert!(claims(&token).contains(public.fingerprint()), "{file}");
    }
}

fn claims(token: &str) -> String {
    use base64::Engine;
    let claims = token.split('.').nth(1).unwrap();
    String::from_utf8(base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

/// Secret stores write a key's body on one line, and editors end lines in CR LF.
#[test]
fn lines_may_be_of_any_length() {
    let folder = Folder::new();
    folder.openssl("genrsa -out pkcs8 2048");
    let text = std::fs::read_to_string(folder.path("pkcs8")).unwrap();
    let body: String = text.lines().filter(|line| !line.starts_with("---")).collect();
    let begin = "-----BEGIN PRIVATE KEY-----\n";
    std::fs::write(folder.path("line"), format!("{begin}{body}\n-----END PRIVATE KEY-----")).unwrap();
    std::fs::write(folder.path("crlf"), format!("a note\r\n{}", text.replace('\n', "\r\n"))).unwrap();
    let public = folder.read("pkcs8", None).unwrap().public().clone();
    for name in ["line", "crlf"] {
        assert_eq!(folder.read(name, None).unwrap().public(), &public, "{name}");
    }
}

#[test]
fn says_what_is_wrong_with_a_key() {
    let folder = Folder::new();
    folder.openssl("genrsa -out pkcs8 2048");
    std::fs::write(folder.path("pass"), PASS).unwrap();
    for way in ["aes256", "des3"] {
        folder.openssl(&format!("pkcs8 -topk8 -v2 {way} -in pkcs8 -out {way} -passout file:pass"));
        assert_eq!(folder.read(way, None).unwrap_err(), KeyFault::PassphraseMissing);
        // One in 256 wrong passphrases leaves a padding that looks right.
        for number in 0..300 {
            let wrong = format!("wrong passphrase {number}");
            assert_eq!(folder.read(way, Some(&wrong)).unwrap_err(), KeyFault::PassphraseWrong, "{way} {number}");
        }
    }
    folder.openssl("pkcs8 -topk8 -v1 PBE-SHA1-3DES -in pkcs8 -out pbes1 -passout file:pass");
    folder.openssl("rsa -traditional -aes256 -in pkcs8 -out proctype -passout file:pass");
    for name in ["pbes1", "proctype"] {
        assert_eq!(folder.read(name, Some(PASS)).unwrap_err(), KeyFault::Encryption, "{name}");
    }
    assert_eq!(folder.read("pkcs8", Some(PASS)).unwrap_err(), KeyFault::PassphraseForNothing);

    folder.openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec8");
    folder.openssl("ec -in ec8 -out ec1");
    folder.openssl("genpkey -algorithm ED25519 -out ed");
    folder.openssl("pkcs8 -topk8 -v2 aes256 -in ed -out edpass -passout file:pass");
    for (name, passphrase) in [("ec8", None), ("ec1", None), ("ed", None), ("edpass", Some(PASS))] {
        assert_eq!(folder.read(name, passphrase).unwrap_err(), KeyFault::NotRsa, "{name}");
    }
    folder.openssl("genrsa -out short 1024");
    assert_eq!(folder.read("short", None).unwrap_err(), KeyFault::Short(1024));

    folder.openssl("pkey -in pkcs8 -pubout -out public");
    assert_eq!(folder.read("public", None).unwrap_err(), KeyFault::Other("public key".into()));
    folder.openssl("pkey -in pkcs8 -outform DER -out der");
    std::fs::write(folder.path("empty"), "").unwrap();
    for name in ["der", "empty", "pass"] {
        assert_eq!(folder.read(name, None).unwrap_err(), KeyFault::NoPem, "{name}");
    }
    assert!(matches!(folder.read("missing", None).unwrap_err(), KeyFault::Unreadable(_)));
    let text = std::fs::read_to_string(folder.path("pkcs8")).unwrap();
    std::fs::write(folder.path("cut"), text.replace(&text[200..400], "\n")).unwrap();
    assert!(matches!(folder.read("cut", None).unwrap_err(), KeyFault::Damaged | KeyFault::NoPem));
    let missing = PublicKey::read(&folder.path("pkcs8")).unwrap_err();
    assert_eq!(missing.fault, KeyFault::NotPublic("private key".into()));
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text: Vec<u8>, tag in "(ENCRYPTED |RSA |)PRIVATE KEY", der: Vec<u8>) {
        let _ = PrivateKey::parse(&text, None);
        let pem = pem::encode(&pem::Pem::new(tag, der));
        let _ = PrivateKey::parse(pem.as_bytes(), None);
        let _ = PrivateKey::parse(pem.as_bytes(), Some(&Secret::new("x")));
    }
}
