//! What is packed, unpacked: gzip of one or many members, Zstandard of one or many frames, with a limit on what may come
//! out of it.

use std::io::{BufReader, ErrorKind, Read};

use flate2::bufread::MultiGzDecoder;
use messages::Failure;
use runtime::Compression;
use zstd::stream::read::Decoder as ZstdDecoder;

use super::file::Hashed;

/// A packed file may become so many times as large. Text seldom packs to less than a fiftieth; a file made to fill a disk
/// packs to a thousandth.
pub const MAX_UNPACKED_RATIO: u64 = 200;
/// Below so many bytes the ratio is not asked: a small file of blanks is no bomb.
pub const FREE_UNPACKED_BYTES: u64 = 16 << 20;
/// No packed file may become larger.
pub const MAX_UNPACKED_BYTES: u64 = 64 << 30;

/// The file's content, unpacked.
pub(super) struct Unpacked {
    how: How,
    bytes: u64,
    allowed_bytes: u64,
}

enum How {
    Plain(Box<Hashed>),
    Gzip(Box<MultiGzDecoder<BufReader<Hashed>>>),
    Zstd(Box<ZstdDecoder<'static, BufReader<Hashed>>>),
}

impl Unpacked {
    /// Unpacks `file` as its contract says; by its name, if the contract leaves that to the name.
    pub(super) fn new(file: Hashed, compression: Compression) -> Result<Self, Failure> {
        let allowed_bytes =
            (FREE_UNPACKED_BYTES + MAX_UNPACKED_RATIO.saturating_mul(file.size_bytes())).min(MAX_UNPACKED_BYTES);
        let how = match said(compression, file.uri()) {
            // Packed or not, a file without a byte has nothing in it.
            _ if file.size_bytes() == 0 => How::Plain(Box::new(file)),
            Compression::Gzip => How::Gzip(Box::new(MultiGzDecoder::new(BufReader::new(file)))),
            Compression::Zstd => {
                let uri = file.uri().to_owned();
                let decoder = ZstdDecoder::with_buffer(BufReader::new(file));
                How::Zstd(Box::new(
                    decoder.map_err(|error| Failure::transient(format!("{uri} can't be unpacked: {error}")))?,
                ))
            }
            Compression::None | Compression::Auto => How::Plain(Box::new(file)),
        };
        Ok(Self { how, bytes: 0, allowed_bytes })
    }

    /// The file.
    pub(super) fn file(&self) -> &Hashed {
        match &self.how {
            How::Plain(file) => file,
            How::Gzip(decoder) => decoder.get_ref().get_ref(),
            How::Zstd(decoder) => decoder.get_ref().get_ref(),
        }
    }

    /// Whether the bytes that come are those of the file.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.how, How::Plain(_))
    }

    /// Reads into `buffer`; 0 at the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let (read, name) = match &mut self.how {
            How::Plain(file) => return Hashed::read(file, buffer),
            How::Gzip(decoder) => (again(&mut **decoder, buffer), "gzip"),
            How::Zstd(decoder) => (again(&mut **decoder, buffer), "Zstandard"),
        };
        let count = read.map_err(|error| self.damaged(name, &error))?;
        self.bytes += count as u64;
        if self.bytes > self.allowed_bytes {
            return Err(Failure::permanent(format!(
                "{}: its {} bytes unpack to more than {}; it is not read on, lest it fill memory and disk; split the file, or \
                deliver it unpacked",
                self.file().uri(),
                self.file().size_bytes(),
                self.allowed_bytes
            )));
        }
        Ok(count)
    }

    fn damaged(&self, name: &str, error: &std::io::Error) -> Failure {
        if let Some(failure) = self.file().broken() {
            return failure.clone();
        }
        let uri = self.file().uri();
        let what = match error.kind() {
            ErrorKind::UnexpectedEof => "is cut short".into(),
            _ => format!("is damaged or no {name} ({error})"),
        };
        Failure::permanent(format!("{uri}: the {name} data {what}; deliver the file again"))
    }

    /// Bytes of the file and its hash, once all is read.
    pub(super) fn finish(self) -> Result<(u64, String), Failure> {
        match self.how {
            How::Plain(file) => file.finish(),
            How::Gzip(decoder) => decoder.into_inner().into_inner().finish(),
            How::Zstd(decoder) => decoder.finish().into_inner().finish(),
        }
    }
}

fn again(reader: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    loop {
        match reader.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// How the file is packed.
fn said(compression: Compression, uri: &str) -> Compression {
    let uri = uri.to_ascii_lowercase();
    match compression {
        Compression::Auto if uri.ends_with(".gz") => Compression::Gzip,
        Compression::Auto if uri.ends_with(".zst") => Compression::Zstd,
        Compression::Auto => Compression::None,
        said => said,
    }
}
