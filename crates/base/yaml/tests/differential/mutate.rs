//! Manifests that were changed a little.

use ironhull_testkit::rng::Rng;

use super::grammar::Mix;
use super::pools::PLAIN;

/// A manifest with one to three small changes.
pub(crate) fn mutated(rng: &mut Rng, manifests: &[String], mix: &mut Mix) -> String {
    let mut text = rng.pick(manifests).clone();
    for _ in 0..=rng.below(3) {
        text = mutate(rng, &text, mix);
    }
    text
}

fn mutate(rng: &mut Rng, text: &str, mix: &mut Mix) -> String {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    if lines.is_empty() {
        return text.to_owned();
    }
    let at = rng.below(lines.len());
    let other = rng.below(lines.len());
    let line = lines[at].clone();
    let boundary = |rng: &mut Rng, line: &str| {
        let places: Vec<usize> =
            line.char_indices().map(|(at, _)| at).chain([line.len()]).collect();
        places[rng.below(places.len())]
    };
    let feature = match rng.below(14) {
        0 => {
            lines[at] = format!(" {line}");
            "deeper line"
        }
        1 => {
            lines[at] = line.strip_prefix(" ").map_or_else(|| line.clone(), str::to_owned);
            "shallower line"
        }
        2 => {
            lines.insert(at, line);
            "repeated line"
        }
        3 => {
            lines.remove(at);
            "removed line"
        }
        4 => {
            lines.swap(at, other);
            "swapped lines"
        }
        5 | 6 => {
            let place = boundary(rng, &line);
            let pool = [
                ":", "-", "#", "'", "\"", "[", "]", "{", "}", ",", "&a ", "*a", "!", "|", ">", "%",
                "@", "`", "\t", " ", "\n", "?", "\\", "\r", "<<: ", "\u{7}", "\u{85}", "\u{2028}",
                "\u{feff}", "---\n", "...\n",
            ];
            let inserted: &str = pool[rng.below(pool.len())];
            lines[at].insert_str(place, inserted);
            "inserted character"
        }
        7 | 8 => {
            let place = boundary(rng, &line);
            if let Some(c) = line[place..].chars().next() {
                lines[at].replace_range(place..place + c.len_utf8(), "");
            }
            "removed character"
        }
        9 => {
            let place = boundary(rng, &line);
            lines[at].truncate(place);
            lines.truncate(at + 1);
            "cut text"
        }
        10 => {
            lines[at] = line.replacen(": ", ": &x ", 1);
            if other > at {
                lines[other] = lines[other].replacen(": ", ": *x ", 1);
            }
            "anchor and alias"
        }
        11 => {
            if let Some((head, _)) = line.split_once(": ") {
                let (_, values) = PLAIN[rng.below(PLAIN.len())];
                lines[at] = format!("{head}: {}\n", values[rng.below(values.len())]);
            }
            "other value"
        }
        12 => {
            lines[at] = line.replacen("  ", "\t", 1);
            "tab for spaces"
        }
        _ => {
            lines[at] = line.trim_end().to_owned() + "\r\n";
            "crlf on one line"
        }
    };
    *mix.entry(feature).or_default() += 1;
    lines.concat()
}
