//! Stages put together from what policies are made of, one in ten with something of
//! another type than it wants.

use ironhull_testkit::rng::Rng;

use crate::Stage;

pub(crate) fn stages(seed: u64, n: usize) -> impl Iterator<Item = Stage> {
    let mut generator = Generator { rng: Rng::new(seed), variables: Vec::new(), depth: 0 };
    std::iter::repeat_with(move || generator.stage()).take(n)
}

struct Generator {
    rng: Rng,
    /// The variables declared so far with what they hold.
    variables: Vec<(String, Ty)>,
    depth: usize,
}

/// What an expression gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ty {
    Bool,
    Int,
    Text,
    List,
    Map,
    Object,
    Patch,
    Patches,
    Any,
}

const ALL: [Ty; 9] =
    [Ty::Bool, Ty::Int, Ty::Text, Ty::List, Ty::Map, Ty::Object, Ty::Patch, Ty::Patches, Ty::Any];

const BOOLS: &[&str] = &[
    "true",
    "object.t",
    "§i == §i",
    "§i < §i",
    "§t == §t",
    "§o == §o",
    "§p == §p",
    "has(object.§n)",
    "has(§o.§n)",
    "has(§p.value)",
    "has(§p.op)",
    "§b && §b",
    "§b || §b",
    "!§b",
    "§b ? §b : §b",
    "§l.all(x, x != §i)",
    "§t in §m",
    "§i in §l",
    "oldObject == null",
    "request.dryRun",
    "request.operation == 'CREATE'",
    "'devs' in request.userInfo.groups",
    "§d.allowed()",
    "§d.errored()",
    "params != null",
    "has(params.max)",
    "namespaceObject == null",
    "§a == §a",
];
const INTS: &[&str] = &[
    "1",
    "object.n",
    "object.spec.replicas",
    "oldObject.n",
    "params.max",
    "size(§t)",
    "size(§l)",
    "size(§m)",
    "§i + §i",
    "§i * 2",
    "§i / §i",
    "§b ? §i : §i",
    "int(§a)",
    "object.?nothing.orValue(§i)",
    "§o.§n",
    "optional.of(§i).value()",
    "object.big + §i",
];
const TEXTS: &[&str] = &[
    "'x'",
    "'k8s.io/a~b'",
    "object.s",
    "object.metadata.name",
    "request.name",
    "request.userInfo.username",
    "request.userInfo.groups[0]",
    "request.kind.kind",
    "namespaceObject.metadata.name",
    "§t + §t",
    "string(§i)",
    "jsonpatch.escapeKey(§t)",
    "§p.path",
    "§d.reason()",
    "§d.error()",
    "§t.lowerAscii()",
    "§b ? §t : §t",
    "object.m[§t]",
    "'/metadata/labels/' + jsonpatch.escapeKey(§t)",
];
const LISTS: &[&str] = &[
    "[§i, §i]",
    "[]",
    "object.l",
    "object.e",
    "object.l + §l",
    "§l.map(x, §i)",
    "§l.filter(x, x > §i)",
    "[?object.?n, §i]",
    "§b ? §l : §l",
    "[§i] + [§i]",
];
const MAPS: &[&str] = &[
    "{'a': §t}",
    "{}",
    "object.m",
    "object.metadata.labels",
    "{§t: §t, 'b': §t}",
    "{?'a': object.?s}",
    "request.userInfo.extra",
    "§b ? §m : §m",
];
const PATCHES: &[&str] = &[
    "JSONPatch{op: 'add', path: §t, value: §a}",
    "JSONPatch{op: §t, path: '/a/' + §t}",
    "JSONPatch{op: 'move', from: §t, path: §t}",
    "JSONPatch{op: 'test', path: §t, value: §o}",
    "JSONPatch{?value: object.?§n}",
    "JSONPatch{op: 'add', ?path: optional.of(§t), value: §l}",
    "JSONPatch{value: §m}",
    "§b ? §p : §p",
    "JSONPatch{}",
];
const PATCH_LISTS: &[&str] = &[
    "[§p]",
    "[§p, §p]",
    "§b ? [§p] : []",
    "object.l.map(x, JSONPatch{op: 'add', path: '/x/-', value: x})",
    "§l.map(x, §p)",
    "[§p] + [§p]",
    "[?optional.of(§p), §p]",
    "§b ? [§p] : [§p]",
    "object.m.map(k, JSONPatch{op: 'remove', path: '/m/' + jsonpatch.escapeKey(k)})",
];
const ANY: &[&str] = &[
    "§b",
    "§i",
    "§t",
    "§l",
    "§m",
    "§o",
    "null",
    "object.§n",
    "object.z",
    "object.nested",
    "dyn(§o)",
    "dyn(§p)",
    "dyn(§i)",
    "1.5",
    "2u",
    "b'x'",
    "object.f",
    "optional.of(§a)",
    "optional.none()",
    "duration('1s')",
    "timestamp('2024-01-01T00:00:00Z')",
    "quantity('1')",
    "[object.m]",
    "[{'a': §t}]",
    "[§l]",
    "{'a': §l}",
    "{1: §i}",
    "type(§a)",
    "§l.map(x, §o)",
    "[§o]",
    "{'k': §o}",
];
const DECISIONS: &[&str] = &[
    "§r.check('get')",
    "§r.check('fail')",
    "§r.check(§t)",
    "§z.path('/healthz').check('get')",
    "§z.path(§t).check('get')",
];
const RESOURCES: &[&str] = &[
    "authorizer.requestResource",
    "§z.group('').resource('pods')",
    "§z.group('apps').resource(§t)",
    "§z.group(§t).resource('x')",
    "§r.subresource('log')",
    "§r.namespace(§t)",
    "§r.name(§t)",
    "§r.fieldSelector('a=b')",
    "§r.labelSelector('a in (b,c)')",
    "§r.labelSelector('a in')",
];
const AUTHORIZERS: &[&str] = &[
    "authorizer",
    "authorizer",
    "authorizer.serviceAccount('ns', 'sa')",
    "authorizer.serviceAccount('ns', §t)",
];
const NAMES: &[&str] = &["a", "n", "s", "spec", "metadata", "nothing", "z"];

impl Generator {
    fn stage(&mut self) -> Stage {
        self.variables.clear();
        let used_for =
            *self.rng.pick(&["condition", "condition", "mutation", "mutation", "message"]);
        let n_variables = self.rng.below(4);
        let mut variables = Vec::new();
        for at in 0..n_variables {
            let ty = ALL[[0, 1, 2, 3, 4, 8][self.rng.below(6)]];
            let text = self.without_patches(ty);
            let name = format!("v{at}");
            variables.push((name.clone(), text));
            self.variables.push((name, ty));
        }
        let n_expressions = 1 + self.rng.below(3);
        let expressions = (0..n_expressions)
            .map(|_| match used_for {
                "mutation" if self.rng.chance(50) => self.of(Ty::Object),
                "mutation" => self.of(Ty::Patches),
                "message" => self.without_patches(Ty::Text),
                _ => self.without_patches(Ty::Bool),
            })
            .collect();
        Stage {
            minor: 28 + self.rng.below(10) as u32,
            used_for: used_for.to_owned(),
            world: (*self.rng.pick(&["create", "update", "delete"])).to_owned(),
            variables,
            expressions,
            budget: if self.rng.chance(5) { 60 } else { 10_000_000 },
            rule: format!("generated {used_for}s"),
        }
    }

    /// Mostly an expression that needs no mutation's environment.
    fn without_patches(&mut self, ty: Ty) -> String {
        let needs = |text: &str| {
            ["Object", "JSONPatch", "jsonpatch"].iter().any(|name| text.contains(name))
        };
        for _ in 0..20 {
            let text = self.of(ty);
            if !needs(&text) {
                return text;
            }
        }
        self.of(ty)
    }

    fn of(&mut self, ty: Ty) -> String {
        let ty = if self.rng.chance(2) { *self.rng.pick(&ALL) } else { ty };
        self.depth += 1;
        let text = self.expression(ty);
        self.depth -= 1;
        text
    }

    fn expression(&mut self, ty: Ty) -> String {
        if self.rng.chance(25) {
            let fitting: Vec<String> = self
                .variables
                .iter()
                .filter(|(_, known)| *known == ty)
                .map(|(name, _)| format!("variables.{name}"))
                .collect();
            if !fitting.is_empty() {
                return self.rng.pick(&fitting).clone();
            }
        }
        match ty {
            Ty::Bool => self.template(BOOLS),
            Ty::Int => self.template(INTS),
            Ty::Text => self.template(TEXTS),
            Ty::List => self.template(LISTS),
            Ty::Map => self.template(MAPS),
            Ty::Object => self.object("Object", 0),
            Ty::Patch => self.template(PATCHES),
            Ty::Patches => self.template(PATCH_LISTS),
            Ty::Any => self.template(ANY),
        }
    }

    /// An object literal whose inner objects mostly have the right names.
    fn object(&mut self, name: &str, level: usize) -> String {
        let n_fields = if level > 2 { self.rng.below(2) } else { self.rng.below(4) };
        let fields: Vec<String> = (0..n_fields)
            .map(|_| {
                let field = *self.rng.pick(&["a", "b", "spec", "metadata", "labels"]);
                let inner = match self.rng.below(20) {
                    0 => "Object.wrong".to_owned(),
                    _ => format!("{name}.{field}"),
                };
                match self.rng.below(9) {
                    0..=2 => format!("{field}: {}", self.object(&inner, level + 1)),
                    3 => format!("{field}: [{}]", self.object(&inner, level + 1)),
                    4 => format!("?{field}: object.?{}", self.rng.pick(NAMES)),
                    5 => format!("{field}: {}", self.of(Ty::Map)),
                    6 => format!("{field}: {}", self.of(Ty::Any)),
                    7 => format!("?{field}: optional.of({})", self.of(Ty::Int)),
                    _ => format!("{field}: {}", self.of(Ty::Text)),
                }
            })
            .collect();
        format!("{name}{{{}}}", fields.join(", "))
    }

    fn template(&mut self, templates: &[&str]) -> String {
        // Deep down only what is simple.
        let simple: Vec<&str> =
            templates.iter().copied().filter(|text| !text.contains('§')).collect();
        let template = if self.depth > 4 && !simple.is_empty() {
            *self.rng.pick(&simple)
        } else {
            *self.rng.pick(templates)
        };
        let mut text = String::new();
        let mut parts = template.split('§');
        text += parts.next().unwrap_or_default();
        for part in parts {
            let mut chars = part.chars();
            text += &match chars.next() {
                Some('b') => self.grouped(Ty::Bool),
                Some('i') => self.grouped(Ty::Int),
                Some('t') => self.grouped(Ty::Text),
                Some('l') => self.grouped(Ty::List),
                Some('m') => self.grouped(Ty::Map),
                Some('o') => self.grouped(Ty::Object),
                Some('p') => self.grouped(Ty::Patch),
                Some('a') => self.grouped(Ty::Any),
                Some('d') => self.nested(DECISIONS),
                Some('r') => self.nested(RESOURCES),
                Some('z') => self.nested(AUTHORIZERS),
                _ => (*self.rng.pick(NAMES)).to_owned(),
            };
            text += chars.as_str();
        }
        text
    }

    fn nested(&mut self, templates: &[&str]) -> String {
        self.depth += 1;
        let text = self.template(templates);
        self.depth -= 1;
        text
    }

    fn grouped(&mut self, ty: Ty) -> String {
        let text = self.of(ty);
        if text.contains(' ') && !text.ends_with(['}', ']', ')']) {
            format!("({text})")
        } else {
            text
        }
    }
}
