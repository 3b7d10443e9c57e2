//! Escapes within a JSON text: checked once, then undone.

/// Where an escape is wrong, and what would be right there.
pub(super) struct BadEscape {
    pub at: usize,
    pub expected: &'static str,
}

const ESCAPE: BadEscape = BadEscape { at: 0, expected: "an escape" };
const PAIR: BadEscape = BadEscape { at: 0, expected: "a pair of surrogates" };

/// Checks the escapes of `bytes[from..to]`, the inside of a text.
pub(super) fn check(bytes: &[u8], from: usize, to: usize) -> Result<(), BadEscape> {
    let text = bytes.get(..to).unwrap_or_default();
    let mut at = from;
    while let Some(found) = text.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'\\')) {
        at += found;
        let (_, length) = escaped(text.get(at..).unwrap_or_default())
            .map_err(|error| BadEscape { at: at + error.at, ..error })?;
        at += length;
    }
    Ok(())
}

/// Appends a text whose escapes have been checked, with its escapes undone.
pub(super) fn unescape(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        let (plain, escape) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Ok((char, length)) = escaped(escape) else { return };
        out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
        rest = escape.get(length..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

/// The character that the escape at the beginning of `text` stands for, and the escape's length.
fn escaped(text: &[u8]) -> Result<(char, usize), BadEscape> {
    let char = match text.get(1) {
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode(text),
        _ => return Err(BadEscape { at: 1, ..ESCAPE }),
    };
    Ok((char, 2))
}

fn unicode(text: &[u8]) -> Result<(char, usize), BadEscape> {
    let unit = hex(text, 2)?;
    if let Some(char) = char::from_u32(unit) {
        return Ok((char, 6));
    }
    // Only surrogates are no characters: the first of a pair must have its second at once.
    if unit >= 0xdc00 || text.get(6..8) != Some(b"\\u") {
        return Err(PAIR);
    }
    let second = hex(text, 8)?;
    let char =
        (0xdc00..0xe000).contains(&second).then(|| 0x10000 + ((unit - 0xd800) << 10) + (second - 0xdc00));
    char.and_then(char::from_u32).map(|char| (char, 12)).ok_or(PAIR)
}

fn hex(text: &[u8], at: usize) -> Result<u32, BadEscape> {
    (at..at + 4).try_fold(0, |value, at| {
        let digit = text.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        digit.map(|digit| value << 4 | digit).ok_or(BadEscape { at, expected: "a hexadecimal digit" })
    })
}
