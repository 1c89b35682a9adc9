//! Lines of bounded length.

use std::io::{BufRead, ErrorKind, Result};

/// What was read of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Line {
    /// All of it.
    Whole,
    /// It was longer than the limit, and skipped.
    TooLong,
}

/// Reads the next line, without its break, into `buffer`; none at the end.
pub(crate) fn next(
    log: &mut impl BufRead,
    buffer: &mut Vec<u8>,
    limit: usize,
) -> Result<Option<Line>> {
    buffer.clear();
    let mut line = Line::Whole;
    let mut is_empty = true;
    loop {
        let available = match log.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if available.is_empty() {
            return Ok((!is_empty).then_some(line));
        }
        is_empty = false;
        let end = available.iter().position(|byte| *byte == b'\n');
        let part = &available[..end.unwrap_or(available.len())];
        if buffer.len() + part.len() > limit {
            line = Line::TooLong;
            buffer.clear();
        }
        if line == Line::Whole {
            buffer.extend_from_slice(part);
        }
        let used = part.len() + usize::from(end.is_some());
        log.consume(used);
        if end.is_some() {
            return Ok(Some(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::{Line, next};

    #[test]
    fn long_lines_are_skipped_whole() {
        let text = b"ab\nabcdefghij\n\ncd";
        for size in 1..20 {
            let mut log = BufReader::with_capacity(size, &text[..]);
            let mut buffer = Vec::new();
            let mut lines = Vec::new();
            while let Some(line) = next(&mut log, &mut buffer, 4).unwrap() {
                lines.push((line, String::from_utf8(buffer.clone()).unwrap()));
            }
            let whole = |text: &str| (Line::Whole, text.to_owned());
            let skipped = (Line::TooLong, String::new());
            assert_eq!(lines, [whole("ab"), skipped, whole(""), whole("cd")], "buffer of {size}");
            assert!(buffer.capacity() <= 64);
        }
    }
}
