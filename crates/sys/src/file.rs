//! Files that are replaced as a whole or not at all.

use std::fs::{File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Names that are tried beside a file: what an earlier process left may have one.
const MOST_NAMES: u32 = 100;

/// Puts `bytes` in the place of the file at `path`, or makes it: whoever reads it sees the
/// old bytes or the new ones. It is for its owner's eyes only unless `permissions` says
/// otherwise. A link at `path` is replaced, not followed.
///
/// # Errors
/// When they cannot be written; then the file is as it was, and nothing is beside it.
pub fn replace(path: &Path, bytes: &[u8], permissions: Option<Permissions>) -> std::io::Result<()> {
    let (beside, mut file) = create_beside(path)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| permissions.map_or(Ok(()), |set| file.set_permissions(set)))
        .and_then(|()| std::fs::rename(&beside, path));
    written.inspect_err(|_| _ = std::fs::remove_file(&beside))
}

/// A new file in the same folder, so that it can be renamed. It is never one that is there
/// already, which may be a link to somewhere else.
fn create_beside(path: &Path) -> std::io::Result<(PathBuf, File)> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut number = 0;
    loop {
        let beside = path.with_file_name(format!(".{name}.{}-{number}", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside) {
            Ok(file) => return Ok((beside, file)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                number += 1;
                if number == MOST_NAMES {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::replace;

    #[test]
    fn a_file_is_replaced_and_nothing_else() {
        let folder = std::env::temp_dir().join(format!("ironhull-replace-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (path, victim) = (folder.join("state"), folder.join("victim"));
        std::fs::write(&victim, "safe").unwrap();
        // Who knows the name that comes beside the file puts a link there.
        let trap = folder.join(format!(".state.{}-0", std::process::id()));
        symlink(&victim, &trap).unwrap();
        replace(&path, b"one", None).unwrap();
        replace(&path, b"two", None).unwrap();
        let read = |path| std::fs::read_to_string(path).unwrap();
        assert_eq!((read(&path), read(&victim)), ("two".to_owned(), "safe".to_owned()));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let wide = std::fs::Permissions::from_mode(0o644);
        replace(&path, b"three", Some(wide)).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o644);
        // What cannot be put in its place does not stay beside it.
        std::fs::create_dir(folder.join("in-the-way")).unwrap();
        replace(&folder.join("in-the-way"), b"x", None).unwrap_err();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 4);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
