//! JSON texts.

use super::grammar::Writer;

impl Writer<'_> {
    /// JSON, mostly sound.
    pub(super) fn json(&mut self, depth: usize) -> String {
        let members: Vec<String> = (0..self.rng.below(5))
            .map(|index| {
                let key = if self.rng.chance(5) { 0 } else { index };
                format!("\"k{key}\":{}", self.json_value(depth))
            })
            .collect();
        let text = format!("{{{}}}", members.join(*self.rng.pick(&[",", ", ", ",\n\t"])));
        match self.rng.below(20) {
            0 => text.clone() + &text,
            1 => format!("{text}\n{text}\n{text}"),
            2 => format!("{text} {text} {{\"a\":"),
            3 => text.replacen(':', " :\t", 1),
            4 => text.replacen('"', "", 1),
            5 => text + " x",
            6 => format!("{text}\n---\na: 1"),
            7 => format!(" \n{text}"),
            _ => text,
        }
    }

    fn json_value(&mut self, depth: usize) -> String {
        self.hit("json value");
        match self.rng.below(8) {
            0 if depth > 0 => self.json(depth - 1),
            1 if depth > 0 => {
                let items: Vec<String> =
                    (0..self.rng.below(4)).map(|_| self.json_value(depth - 1)).collect();
                format!("[{}]", items.join(","))
            }
            _ => {
                let values = [
                    "1",
                    "-1",
                    "1.0",
                    "1.5",
                    "1e3",
                    "1E-2",
                    "-0",
                    "0",
                    "01",
                    "1.",
                    ".5",
                    "+1",
                    "9223372036854775808",
                    "123456789012345678901234567890",
                    "1e400",
                    "true",
                    "false",
                    "null",
                    "True",
                    "nul",
                    "\"\"",
                    "\"a\"",
                    "\"\\u00e9\\n\"",
                    "\"\\ud83d\\ude00\"",
                    "\"\\ud83d\"",
                    "\"\\ude00\\ud83d x\"",
                    "\"\\/\"",
                    "\"\\x41\"",
                    "\"a\tb\"",
                    "\"é\"",
                    "'a'",
                    "2024-01-01",
                ];
                let n = if self.rng.chance(30) { values.len() } else { 8 };
                values[self.rng.below(n)].to_owned()
            }
        }
    }
}
