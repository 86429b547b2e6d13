//! From a file to the event that announces it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use messages::{Envelope, LoadId, MessageId, SourceFileDiscovered};
use runtime::{Contracts, raw_folder::FoundFile};
use sha2::{Digest, Sha256};

/// Who announces.
pub(crate) const SENDER: &str = "millrace/watcher";

/// The event for a file whose content has `content_hash`. The same file gives the same LOAD_ID and the same message id,
/// whoever announces it and however often.
pub fn announcement(file: &FoundFile, content_hash: &str, contracts: &Contracts) -> Envelope {
    let load_id = LoadId::for_file(&file.uri, file.size_bytes, file.modified_at, content_hash);
    let id = MessageId::derived(file.modified_at, load_id.as_str());
    let event = SourceFileDiscovered {
        load_id,
        source: contracts.for_file(&file.uri).ok().map(|contract| contract.source.clone()),
        uri: file.uri.clone(),
        file_id: (!file.leads_outside).then(|| format!("sha256:{content_hash}")),
        size_bytes: file.size_bytes,
        modified_at: file.modified_at,
        as_of: file.modified_at,
        command_id: id,
        run_files: 1,
        table_files: 1,
    };
    Envelope::new(SENDER, event).with_id(id)
}

/// The sha256 of a file's content, in hexadecimal. Blocks.
pub fn hash_file(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hasher.finalize())),
            read => hasher.update(&buffer[..read]),
        }
    }
}

/// The hash that stands for a link that must not be followed: that of where it leads to.
pub(crate) fn hash_link(path: &Path) -> io::Result<String> {
    Ok(hex(&Sha256::digest(std::fs::read_link(path)?.as_os_str().as_encoded_bytes())))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
