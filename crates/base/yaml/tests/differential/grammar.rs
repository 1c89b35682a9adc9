//! Generated texts: trees of nodes written in every style.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ironhull_testkit::rng::Rng;

use super::pools::{PLAIN, QUOTED, TAGS};

/// How often each feature was written.
pub(crate) type Mix = BTreeMap<&'static str, usize>;

/// Writes one document.
pub(crate) struct Writer<'r> {
    pub(super) rng: &'r mut Rng,
    mix: &'r mut Mix,
    anchors: Vec<String>,
    /// In how many of 100 places something is wrong.
    wild: usize,
}

pub(crate) fn document(rng: &mut Rng, mix: &mut Mix) -> String {
    let wild = *rng.pick(&[0, 0, 0, 1, 4, 12]);
    let mut writer = Writer { rng, mix, anchors: Vec::new(), wild };
    let mut text = String::new();
    if writer.rng.chance(4) {
        text.push('\u{feff}');
        writer.hit("bom");
    }
    let n = *writer.rng.pick(&[1, 1, 1, 1, 2, 3]);
    for index in 0..n {
        if index > 0 || writer.rng.chance(15) {
            let pool = [
                "---\n",
                "---\n",
                "---\n",
                "--- # note\n",
                "---  \n",
                "---\t\n",
                "--- x\n",
                "----\n",
                "...\n",
                "...\n---\n",
                "---\n---\n",
                " ---\n",
                "--- {a: 1}\n",
            ];
            let all = if writer.rng.chance(25) { pool.len() } else { 5 };
            text += pool[writer.rng.below(all)];
            writer.hit("separator");
        }
        if writer.rng.chance(3) {
            let directives = [
                "%YAML 1.1\n",
                "%YAML 1.2\n",
                "%TAG !e! tag:e,2000:\n",
                "%FOO bar\n",
                "%YAML 1.1 # x\n---\n",
                "%TAG !e! tag:e,2000:\n---\n",
            ];
            text += *writer.rng.pick(&directives);
            writer.hit("directive");
        }
        writer.anchors.clear();
        if writer.rng.chance(7) {
            text += &writer.json(3);
            writer.hit("json document");
        } else {
            writer.node(0, 4, &mut text);
        }
        if !text.ends_with('\n') {
            text.push('\n');
        }
    }
    if writer.rng.chance(10) {
        text.pop();
        writer.hit("no newline at the end");
    }
    if writer.rng.chance(6) {
        text = text.replace('\n', "\r\n");
        writer.hit("crlf");
    } else if writer.rng.chance(2) {
        text = text.replace('\n', "\r");
        writer.hit("cr alone");
    }
    text
}

impl Writer<'_> {
    pub(super) fn hit(&mut self, feature: &'static str) {
        *self.mix.entry(feature).or_default() += 1;
    }

    fn from(&mut self, pools: &[(&'static str, &[&'static str])]) -> &'static str {
        let (feature, values) = pools[self.rng.below(pools.len())];
        self.hit(feature);
        values[self.rng.below(values.len())]
    }

    fn plain(&mut self) -> &'static str {
        // Text that starts like an indicator is mostly wrong.
        let wild = self.rng.chance(10 + self.wild);
        let value = self.from(&PLAIN[..PLAIN.len() - usize::from(!wild)]);
        if !wild
            && (value.ends_with("inf")
                || value.ends_with("INF")
                || value.starts_with(".n")
                || value.starts_with(".N"))
        {
            return "x";
        }
        value
    }

    fn scalar(&mut self) -> String {
        if self.rng.chance(30) { self.from(QUOTED).to_owned() } else { self.plain().to_owned() }
    }

    fn properties(&mut self) -> String {
        let mut text = String::new();
        if self.rng.chance(6) {
            let name = format!("a{}", self.rng.below(4));
            _ = write!(text, "&{name} ");
            self.anchors.push(name);
            self.hit("anchor");
        }
        if self.rng.chance(3) {
            let n = if self.rng.chance(20 + self.wild) { TAGS.len() } else { 1 };
            text += TAGS[self.rng.below(n)];
            text.push(' ');
            self.hit("tag");
        }
        text
    }

    fn alias(&mut self) -> Option<String> {
        if self.anchors.is_empty() || !self.rng.chance(15) {
            return self.rng.chance(self.wild / 6).then(|| "*nope".to_owned());
        }
        self.hit("alias");
        Some(format!("*{}", self.anchors[self.rng.below(self.anchors.len())]))
    }

    fn spaces(indent: usize) -> String {
        " ".repeat(indent)
    }

    /// A node from the start of a line on, at `indent`.
    fn node(&mut self, indent: usize, depth: usize, text: &mut String) {
        match self.rng.below(10) {
            _ if depth == 0 => self.leaf_line(indent, text),
            0..=5 => self.mapping(indent, depth, text),
            6..=7 => self.sequence(indent, depth, text),
            _ => self.leaf_line(indent, text),
        }
    }

    fn leaf_line(&mut self, indent: usize, text: &mut String) {
        let value = self.inline(indent, 2);
        _ = writeln!(text, "{}{value}", Self::spaces(indent));
    }

    fn comment(&mut self, text: &mut String) {
        if self.rng.chance(5) {
            let pool = [" # note", "  #", "\t# tab", " #a: b"];
            *text += *self.rng.pick(&pool);
            self.hit("comment");
        }
        text.push('\n');
        if self.rng.chance(4) {
            let pool = ["\n", "# a line\n", "   # indented\n", "  \n", "\t\n", " \t\n"];
            *text += *self.rng.pick(&pool);
            self.hit("blank or comment line");
        }
    }

    fn mapping(&mut self, indent: usize, depth: usize, text: &mut String) {
        self.hit("block mapping");
        let n = 1 + self.rng.below(4);
        for index in 0..n {
            if self.rng.chance(self.wild / 3) {
                let bad = ["\t", " ", "  - ", "? ", ": ", "x\n", "@", "%"];
                *text += *self.rng.pick(&bad);
            }
            text.push_str(&Self::spaces(indent));
            if self.rng.chance(7) && !self.anchors.is_empty() {
                let name = self.anchors[self.rng.below(self.anchors.len())].clone();
                let values = [
                    format!("*{name}"),
                    format!("[*{name}, *{name}]"),
                    format!("[*{name}, {{m: 1}}]"),
                    "{m: 1, n: 2}".to_owned(),
                    "x".to_owned(),
                    format!("*{name} "),
                    String::new(),
                ];
                let n = if self.rng.chance(30) { values.len() } else { 1 };
                _ = writeln!(text, "<<: {}", values[self.rng.below(n)]);
                self.hit("merge key");
                continue;
            }
            let key = self.key(index);
            text.push_str(&key);
            text.push(':');
            self.value(indent, depth, text);
        }
    }

    fn key(&mut self, index: usize) -> String {
        let choice = self.rng.below(40);
        match choice {
            // These are mostly mistakes.
            0 | 3 | 6 if !self.rng.chance(10 + self.wild) => format!("k{index}"),
            0 => {
                self.hit("odd key");
                self.plain().to_owned()
            }
            1 => {
                self.hit("quoted key");
                self.from(QUOTED).to_owned()
            }
            2 => {
                self.hit("explicit key");
                format!("? k{index}\n")
            }
            3 => {
                self.hit("complex key");
                ["[a, b]", "{a: b}", "? [a]\n", "? - a\n"][self.rng.below(4)].to_owned()
            }
            4 => {
                self.hit("key with properties");
                self.anchors.push("k".to_owned());
                ["&k key", "!!str key", "!!int 12", "&k !!str 1", "!!str"][self.rng.below(5)]
                    .to_owned()
            }
            5 => {
                self.hit("repeated key");
                "k0".to_owned()
            }
            6 => {
                self.hit("alias key");
                "*k ".to_owned()
            }
            7 => {
                self.hit("space before the colon");
                format!("k{index} ")
            }
            8 => {
                self.hit("number or bool key");
                [
                    "n",
                    "yes",
                    "1",
                    "1.5",
                    "0x10",
                    "~",
                    "null",
                    "2024-01-01",
                    "1e30",
                    ".inf",
                    "18446744073709551615",
                ][self.rng.below(11)]
                .to_owned()
            }
            9 if self.rng.chance(20) => {
                self.hit("long key");
                "k".repeat(*self.rng.pick(&[1020, 1023, 1024, 1025, 1030]))
            }
            _ => format!("k{index}"),
        }
    }

    /// What stands behind a colon or dash.
    fn value(&mut self, indent: usize, depth: usize, text: &mut String) {
        let choice = self.rng.below(12);
        if depth > 0 && choice < 5 {
            let properties = self.properties();
            if !properties.is_empty() {
                text.push(' ');
                text.push_str(properties.trim_end());
            }
            self.comment(text);
            if choice == 4 {
                // A sequence may stand at its mapping's indentation.
                self.hit("indentless sequence");
                return self.sequence(indent, depth - 1, text);
            }
            let deeper = indent + 1 + self.rng.below(4);
            return self.node(deeper, depth - 1, text);
        }
        if choice < 7 {
            return self.block_scalar(indent, text);
        }
        let space = if self.rng.chance(4) { *self.rng.pick(&["\t", "  ", " \t", ""]) } else { " " };
        text.push_str(space);
        let value = self.inline(indent, 2);
        text.push_str(&value);
        self.comment(text);
    }

    fn sequence(&mut self, indent: usize, depth: usize, text: &mut String) {
        self.hit("block sequence");
        for _ in 0..=self.rng.below(3) {
            text.push_str(&Self::spaces(indent));
            text.push('-');
            match self.rng.below(8) {
                0 if depth > 0 => {
                    self.hit("mapping behind a dash");
                    let gap = 1 + self.rng.below(2);
                    text.push_str(&Self::spaces(gap));
                    let mut inner = String::new();
                    self.mapping(indent + 1 + gap, depth - 1, &mut inner);
                    text.push_str(inner.get(indent + 1 + gap..).unwrap_or(&inner));
                }
                1 if depth > 0 => {
                    self.hit("sequence behind a dash");
                    let mut inner = String::new();
                    self.sequence(indent + 2, depth - 1, &mut inner);
                    text.push(' ');
                    text.push_str(inner.get(indent + 2..).unwrap_or(&inner));
                }
                _ => self.value(indent, depth.saturating_sub(1), text),
            }
        }
    }

    fn block_scalar(&mut self, indent: usize, text: &mut String) {
        let folded = self.rng.chance(50);
        self.hit(if folded { "folded scalar" } else { "literal scalar" });
        let properties = self.properties();
        _ = write!(text, " {properties}{}", if folded { '>' } else { '|' });
        let chomp = *self.rng.pick(&["", "", "-", "+"]);
        self.hit(match chomp {
            "-" => "strip",
            "+" => "keep",
            _ => "clip",
        });
        let given = self.rng.chance(20);
        let deeper = 1 + self.rng.below(4);
        let wrong = usize::from(self.rng.chance(self.wild));
        let digit = if given { (deeper + wrong).to_string() } else { String::new() };
        if given {
            self.hit("indentation indicator");
        }
        text.push_str(&if self.rng.chance(50) {
            digit.clone() + chomp
        } else {
            chomp.to_owned() + &digit
        });
        if self.rng.chance(self.wild / 2) {
            text.push_str(self.rng.pick::<&str>(&["0", " x", "--", "#", " # note", "10"]));
        }
        text.push('\n');
        let indent = if indent == 0 && self.rng.chance(3) { 0 } else { indent + deeper };
        for _ in 0..self.rng.below(5) {
            let lines = [
                "text",
                "more: text",
                "- dash",
                "",
                "",
                " deeper",
                "\ttab",
                "# no comment",
                "é",
                "trailing ",
                "   ",
                "--- x",
                "a\u{85}b",
                "a\u{2028}b",
            ];
            let line = *self.rng.pick(&lines);
            if line.is_empty() {
                let blanks = self.rng.below(indent + 3);
                let blanks = if self.rng.chance(70) { 0 } else { blanks };
                text.push_str(&Self::spaces(blanks));
            } else {
                let off = if self.rng.chance(self.wild / 2) { self.rng.below(3) } else { 0 };
                text.push_str(&Self::spaces((indent + off).saturating_sub(off / 2 * 2)));
                text.push_str(line);
            }
            text.push('\n');
        }
    }

    /// A value on one line, or continued on the next ones.
    fn inline(&mut self, indent: usize, depth: usize) -> String {
        if let Some(alias) = self.alias() {
            return alias;
        }
        let properties = self.properties();
        match self.rng.below(12) {
            0 | 1 => properties + &self.flow_sequence(depth),
            2 | 3 => properties + &self.flow_mapping(depth),
            4 => {
                self.hit("text over lines");
                let gap = 1 + self.rng.below(3);
                let deeper = Self::spaces(indent + gap);
                let breaks = *self.rng.pick(&["\n", "\n", "\n\n", "\n \n\n", " \n", "\n\t"]);
                let (open, close) =
                    *self.rng.pick(&[("", ""), ("'", "'"), ("\"", "\""), ("\"", "\"")]);
                let escaped = if open == "\"" && self.rng.chance(30) { "\\" } else { "" };
                let deeper =
                    if !open.is_empty() && self.rng.chance(30) { String::new() } else { deeper };
                format!("{properties}{open}one two{escaped}{breaks}{deeper}three{close}")
            }
            _ => properties + &self.scalar(),
        }
    }

    fn flow_scalar(&mut self) -> String {
        if self.rng.chance(3) {
            let odd = [
                "a:b",
                "a:",
                ":a",
                "a,b",
                "\"q\":1",
                "'q':1",
                "?a",
                "-",
                "- a",
                "a?b",
                "x:y:z",
                "http://a",
                "*nope",
                "|",
                ">",
                "a #b",
                "a\n b",
                "a\n\n b",
                "# c\n",
                "\"a\n b\"",
            ];
            self.hit("odd flow scalar");
            return (*self.rng.pick(&odd)).to_owned();
        }
        self.scalar()
    }

    fn flow_node(&mut self, depth: usize) -> String {
        if let Some(alias) = self.alias() {
            return alias;
        }
        let properties = self.properties();
        let node = match self.rng.below(8) {
            0 if depth > 0 => self.flow_sequence(depth - 1),
            1 if depth > 0 => self.flow_mapping(depth - 1),
            _ => self.flow_scalar(),
        };
        properties + &node
    }

    fn flow_space(&mut self) -> &'static str {
        let all = ["", " ", "  ", "\n", "\n  ", "\t", " # c\n ", " \n"];
        let n = if self.rng.chance(10) { all.len() } else { 2 };
        all[self.rng.below(n)]
    }

    fn flow_sequence(&mut self, depth: usize) -> String {
        self.hit("flow sequence");
        let mut text = String::from("[");
        for index in 0..self.rng.below(4) {
            if index > 0 {
                text.push(',');
            }
            text += self.flow_space();
            if self.rng.chance(8) {
                self.hit("pair in a flow sequence");
                let key = self.flow_scalar();
                text += &format!("{key}: ");
            }
            text += &self.flow_node(depth);
            text += self.flow_space();
        }
        text + self.flow_end("]")
    }

    fn flow_end(&mut self, close: &'static str) -> &'static str {
        if self.rng.chance(self.wild) {
            return self.rng.pick::<&str>(&["", ",]", ",}", "]", "}", " x]", ",,]"]);
        }
        if self.rng.chance(4) {
            self.hit("trailing comma");
            return if close == "]" { ",]" } else { ",}" };
        }
        close
    }

    fn flow_mapping(&mut self, depth: usize) -> String {
        self.hit("flow mapping");
        let mut text = String::from("{");
        for index in 0..self.rng.below(4) {
            if index > 0 {
                text.push(',');
            }
            text += self.flow_space();
            let key = match self.rng.below(16) {
                0 => self.flow_scalar(),
                1 => "\"q\"".to_owned(),
                2 => "? k".to_owned(),
                3 => "<<".to_owned(),
                _ => format!("k{index}"),
            };
            text += &key;
            match self.rng.below(16) {
                0 => self.hit("flow key without value"),
                1 => text += ":",
                2 => {
                    text += ":";
                    text += &self.flow_node(depth);
                }
                3 => {
                    text += " : ";
                    text += &self.flow_node(depth);
                }
                _ => {
                    text += ": ";
                    text += &self.flow_node(depth);
                }
            }
            text += self.flow_space();
        }
        text + self.flow_end("}")
    }
}
