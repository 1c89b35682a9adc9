//! Files that a kubeconfig is or names: they are read up to a bound, whatever they are. A
//! size that is asked for first says nothing of a pipe, or of a file that grows.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use http::HeaderValue;

/// A kubeconfig of thousands of clusters is shorter.
pub(crate) const LONGEST_KUBECONFIG: u64 = 64 << 20;
/// All authorities of the public web are a fraction of it.
pub(crate) const LONGEST_CERTIFICATES: u64 = 4 << 20;
/// A token with the groups of its user is much shorter.
const LONGEST_TOKEN: u64 = 1 << 20;

/// What is in a file.
///
/// # Errors
/// When it cannot be read, or is longer than so many bytes.
pub(crate) fn read(path: &Path, longest: u64) -> Result<Vec<u8>, String> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| format!("failed to read {shown}: {error}");
    let kind = std::fs::metadata(path).map_err(unreadable)?.file_type();
    let is_device = kind.is_char_device() || kind.is_block_device();
    if is_device && path != Path::new("/dev/null") {
        return Err(format!("{shown} is a device, no file"));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(longest + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    match bytes.len() as u64 > longest {
        true => Err(format!("{shown} is larger than {longest} bytes")),
        false => Ok(bytes),
    }
}

/// The text of a file in UTF-8, or in UTF-16 with the mark that Windows writes first.
///
/// # Errors
/// As [`read`]; and when it is no text.
pub(crate) fn text(path: &Path, longest: u64) -> Result<String, String> {
    let bytes = read(path, longest)?;
    let utf16 = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let (units, odd) = rest.as_chunks::<2>();
        let text = String::from_utf16(&units.iter().map(|pair| unit(*pair)).collect::<Vec<_>>());
        text.ok().filter(|_| odd.is_empty())
    };
    let text = match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        _ => String::from_utf8(bytes).ok(),
    };
    text.ok_or_else(|| format!("{} is no text in UTF-8 or UTF-16", path.display()))
}

/// Whether what is read of it is gone then.
pub(crate) fn is_pipe(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo())
}

/// The token that stands in a file.
///
/// # Errors
/// As [`text`]; and when it is empty.
pub(crate) fn token(path: &Path) -> Result<String, String> {
    match text(path, LONGEST_TOKEN)?.trim() {
        "" => Err(format!("{} holds no token", path.display())),
        token => Ok(token.to_owned()),
    }
}

/// The `Authorization` header of it.
///
/// # Errors
/// As [`token`]; and when it is none. Nothing of it is shown.
pub(crate) fn bearer(path: &Path) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token(path)?)).map_err(|_| {
        format!("{} holds a token with characters that no header may have", path.display())
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{bearer, read, text};

    fn file(name: &str, bytes: &[u8]) -> PathBuf {
        let path = std::env::temp_dir().join(format!("ironhull-{name}-{}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn a_file_is_read_to_its_end_or_its_bound() {
        let path = file("bound", b"12345");
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert!(read(&path, 4).unwrap_err().ends_with(" is larger than 4 bytes"));
        std::fs::remove_file(path).unwrap();
        assert!(read(Path::new("/dev/zero"), 5).unwrap_err().ends_with("is a device, no file"));
        assert_eq!(read(Path::new("/dev/null"), 5).unwrap(), b"");
        // The kernel says that this is empty.
        assert!(!read(Path::new("/proc/self/maps"), 1 << 20).unwrap().is_empty());
        assert!(read(Path::new("/proc/self/maps"), 5).unwrap_err().contains("larger than 5"));
    }

    #[test]
    fn text_is_read_as_editors_write_it() {
        for bytes in [
            &b"a\xc3\xa4"[..],
            b"\xef\xbb\xbfa\xc3\xa4",
            b"\xff\xfea\0\xe4\0",
            b"\xfe\xff\0a\0\xe4",
        ] {
            let path = file("text", bytes);
            assert_eq!(text(&path, 9).unwrap(), "aä");
            std::fs::remove_file(path).unwrap();
        }
        for bytes in [&b"\xe4"[..], b"\xff\xfea", b"\xef\xbb\xbf\xff"] {
            let path = file("no-text", bytes);
            assert!(text(&path, 9).unwrap_err().contains("is no text"));
            std::fs::remove_file(path).unwrap();
        }
    }

    #[test]
    fn a_token_is_what_a_file_holds_but_for_space_and_is_not_shown() {
        let path = file("token", b" hunter2\n");
        assert_eq!(bearer(&path).unwrap(), "Bearer hunter2");
        for (bytes, why) in [(&b" \n"[..], "holds no token"), (b"hunter2\nb", "no header may have")]
        {
            std::fs::write(&path, bytes).unwrap();
            let said = bearer(&path).unwrap_err();
            assert!(said.contains(why) && !said.contains("hunter2"), "{said}");
        }
        std::fs::remove_file(path).unwrap();
    }
}
