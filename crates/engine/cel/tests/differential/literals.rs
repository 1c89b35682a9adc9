//! Literals and variables of each type.

use super::generate::{Generator, quoted};
use super::grammar::Type;

impl Generator<'_> {
    pub(super) fn literal(&mut self, wanted: &Type, depth: usize) -> String {
        let depth = depth.saturating_sub(1);
        match wanted.name.as_str() {
            "Int" => self.choose(&[
                "0",
                "1",
                "2",
                "3",
                "-1",
                "5",
                "7",
                "100",
                "9223372036854775807",
                "-9223372036854775808",
                "1700000000",
                "i",
                "object.spec.replicas",
                "params.max",
                "size(s)",
                "l[0]",
            ]),
            "Uint" => self.choose(&[
                "0u",
                "1u",
                "2u",
                "7u",
                "18446744073709551615u",
                "9223372036854775808u",
            ]),
            "Double" => self.choose(&[
                "0.0",
                "1.0",
                "-1.5",
                "2.5",
                "1e21",
                "1e-7",
                "0.1",
                "1e308",
                "3.0",
                "d",
                "params.ratio",
                "9223372036854775807.0",
                "-0.0",
                "123456.789",
            ]),
            "Bool" => self.choose(&[
                "true",
                "false",
                "true",
                "false",
                "b",
                "object.spec.hostNetwork",
                "has(object.spec)",
                "has(object.status)",
            ]),
            "Str" => match self.rng.below(8) {
                0 => self.choose(&[
                    "s",
                    "object.metadata.name",
                    "object.spec.containers[0].image",
                    "params.names[0]",
                    "object.metadata.labels['app.kubernetes.io/name']",
                ]),
                1 => {
                    let kinds = [
                        "ip",
                        "cidr",
                        "url",
                        "name",
                        "semver",
                        "quantity",
                        "timestamp",
                        "duration",
                        "number",
                        "regex",
                    ];
                    let kind = *self.rng.pick(&kinds);
                    let pool = &self.grammar.pools[kind];
                    quoted(self.rng.pick::<String>(pool))
                }
                _ => {
                    let pool = &self.grammar.pools["plain"];
                    quoted(self.rng.pick::<String>(pool))
                }
            },
            "Bytes" => self.choose(&[
                "b''",
                "b'a'",
                "b'abc'",
                "b'\\xff'",
                "b'h\\303\\251'",
                "bytes(s)",
                "b'hello'",
            ]),
            "Dur" => self.choose(&[
                "duration('0s')",
                "duration('1h30m')",
                "duration('-1.5s')",
                "duration('90s')",
                "duration('1ms')",
                "duration('2562047h47m16.854775807s')",
            ]),
            "Ts" => self.choose(&[
                "timestamp('2024-01-01T00:00:00Z')",
                "timestamp('2024-02-29T12:34:56.789Z')",
                "timestamp('2024-06-15T23:30:00-07:00')",
                "timestamp('0001-01-01T00:00:00Z')",
                "timestamp('9999-12-31T23:59:59Z')",
                "timestamp(1700000000)",
            ]),
            "Null" => self.choose(&["null", "oldObject", "n"]),
            "Type" => self.choose(&[
                "int",
                "string",
                "list",
                "map",
                "type",
                "bool",
                "double",
                "uint",
                "bytes",
                "null_type",
                "google.protobuf.Timestamp",
            ]),
            "Dyn" => self.choose(&[
                "object",
                "oldObject",
                "object.spec",
                "object.metadata.labels",
                "object.spec.containers",
                "params",
                "dyn(1)",
                "dyn('a')",
                "dyn([1, 2])",
                "dyn({'k': 1})",
                "u",
                "l",
                "m",
                "n",
                "object.metadata.missing",
                "object.spec.containers[0].ports",
                "dyn(1u)",
                "dyn(1.0)",
            ]),
            "Quantity" => format!("quantity({})", self.string("quantity")),
            "Url" => format!("url({})", self.string("url")),
            "Ip" => format!("ip({})", self.string("ip")),
            "Cidr" => format!("cidr({})", self.string("cidr")),
            "Semver" => format!("semver({})", self.string("semver")),
            "Format" => self.choose(&[
                "format.dns1123Label()",
                "format.uuid()",
                "format.uri()",
                "format.named('date').value()",
                "format.labelValue()",
                "format.qualifiedName()",
                "format.datetime()",
                "format.byte()",
            ]),
            "List" => {
                if wanted.parameters[0].name == "Int" && self.rng.chance(15) {
                    return "l".into();
                }
                let n_items = [0, 1, 2, 2, 3, 3][self.rng.below(6)];
                let before =
                    std::mem::replace(&mut self.in_literal, wanted.parameters[0].name != "Dyn");
                let items: Vec<String> =
                    (0..n_items).map(|_| self.expression(&wanted.parameters[0], depth)).collect();
                self.in_literal = before;
                format!("[{}]", items.join(", "))
            }
            "Map" | "Map1" => {
                if self.rng.chance(12) {
                    return "{}".into();
                }
                let key = match wanted.parameters[0].name.as_str() {
                    "Str" => self.choose(&["'k'", "'k'", "'a'", "'héllo'", "s"]),
                    "Int" => self.choose(&["0", "1", "2", "-1", "i"]),
                    _ => self.expression(&wanted.parameters[0], depth),
                };
                format!("{{{key}: {}}}", self.expression(&wanted.parameters[1], depth))
            }
            "Opt" => {
                if self.rng.chance(25) {
                    return "optional.none()".into();
                }
                format!("optional.of({})", self.expression(&wanted.parameters[0], depth))
            }
            name => {
                let chosen = self.any_type(0);
                assert!(wanted.is_variable(), "no literal of type {name}");
                self.literal(&chosen, depth)
            }
        }
    }

    fn choose(&mut self, texts: &[&str]) -> String {
        if self.in_literal {
            let is_dyn = |text: &str| {
                text.len() == 1 && text.starts_with(char::is_alphabetic)
                    || text.contains('.') && text.starts_with(['o', 'p'])
                    || text == "l[0]"
            };
            let typed: Vec<&str> = texts.iter().copied().filter(|text| !is_dyn(text)).collect();
            if !typed.is_empty() {
                return (*self.rng.pick(&typed)).to_owned();
            }
        }
        (*self.rng.pick(texts)).to_owned()
    }
}
