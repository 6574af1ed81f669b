//! Files that hold a key.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{ConfigError, hex_key};
use crate::store::EncryptionKey;

/// No key is longer, so a file that is none is not read to its end.
const LONGEST: u64 = 1024;

/// The key in the file at `path`, which the setting `name` names: 32 bytes in base64 or hex.
///
/// # Errors
/// There is none, or others than the owner of the file may read it.
pub fn key_file(name: &'static str, path: &Path) -> Result<EncryptionKey, ConfigError> {
    let unreadable = |error: io::Error| {
        let path = path.display();
        ConfigError::new(
            name,
            format!("must be a file that can be read: {path}: {error}"),
        )
    };
    let file = File::open(path).map_err(unreadable)?;
    if is_open_to_others(&file).map_err(unreadable)? {
        let path = path.display();
        let fix = format!("must be readable by its owner alone: chmod 600 {path}");
        return Err(ConfigError::new(name, fix));
    }
    let mut text = String::new();
    let read = file.take(LONGEST).read_to_string(&mut text);
    read.map_err(unreadable)?;
    key(text.trim()).ok_or_else(|| {
        let fix =
            "must be a file with 32 bytes in base64 or hex, as `openssl rand -base64 32` makes one";
        ConfigError::new(name, fix)
    })
}

fn key(text: &str) -> Option<EncryptionKey> {
    let bytes = hex_key(text).or_else(|| STANDARD.decode(text).ok()?.try_into().ok())?;
    Some(EncryptionKey::new(&bytes))
}

#[cfg(unix)]
fn is_open_to_others(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let file = file.metadata()?;
    // Of root's files the group may be the reader that root means: systemd and Kubernetes hand secrets out so.
    let others = if file.uid() == 0 { 0o037 } else { 0o077 };
    Ok(file.mode() & others != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &File) -> io::Result<bool> {
    Ok(false)
}
