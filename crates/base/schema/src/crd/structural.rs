//! A structural schema, read from the definition's document.

use ironhull_model::{Kind, Node, Value};

/// A rule of `x-kubernetes-validations`.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// The expression.
    pub rule: String,
    /// What to say when it does not hold.
    pub message: String,
    /// An expression that says it.
    pub message_expression: String,
    /// `FieldValueInvalid`, `FieldValueForbidden`, `FieldValueRequired`, `FieldValueDuplicate`.
    pub reason: String,
    /// The field to blame, relative to the schema's node.
    pub field_path: String,
    /// Whether `oldSelf` is an optional, so that the rule runs on creation too.
    pub optional_old_self: bool,
    /// Where it stands in the definition.
    pub pointer: String,
}

/// What is said about members that no property names.
#[derive(Clone, Debug, Default)]
pub enum Additional {
    /// Nothing: they are pruned.
    #[default]
    None,
    /// Anything may stand there.
    Any,
    /// Each has this schema.
    Schema(Box<Structural>),
}

/// A schema's node.
#[expect(clippy::struct_excessive_bools, reason = "these are the flags of the schema")]
#[derive(Clone, Debug, Default)]
pub struct Structural {
    /// `object`, `array`, `string`, `integer`, `number`, `boolean`, or empty.
    pub ty: String,
    /// Members by name, sorted.
    pub properties: Vec<(String, Structural)>,
    /// Items of a list.
    pub items: Option<Box<Structural>>,
    /// Other members.
    pub additional: Additional,
    /// Whether null is a value.
    pub nullable: bool,
    /// `x-kubernetes-int-or-string`.
    pub int_or_string: bool,
    /// `x-kubernetes-preserve-unknown-fields`.
    pub preserve: bool,
    /// `x-kubernetes-embedded-resource`.
    pub embedded: bool,
    /// `x-kubernetes-list-type`.
    pub list_type: String,
    /// `x-kubernetes-list-map-keys`.
    pub list_keys: Vec<String>,
    /// `x-kubernetes-map-type`.
    pub map_type: String,
    /// What is filled in.
    pub default: Option<Value>,
    /// Allowed values; none when everything is.
    pub allowed: Vec<Value>,
    /// Format of text or numbers.
    pub format: String,
    /// A regular expression that text matches.
    pub pattern: String,
    /// Bounds.
    pub bounds: Bounds,
    /// Members that must be there.
    pub required: Vec<String>,
    /// Each must hold.
    pub all_of: Vec<Structural>,
    /// One must hold.
    pub any_of: Vec<Structural>,
    /// Exactly one must hold.
    pub one_of: Vec<Structural>,
    /// Must not hold.
    pub not: Option<Box<Structural>>,
    /// `x-kubernetes-validations`.
    pub rules: Vec<Rule>,
}

/// Bounds of numbers, text, lists and maps.
#[derive(Clone, Debug, Default)]
pub struct Bounds {
    /// Largest number.
    pub maximum: Option<f64>,
    /// Whether the largest is itself too large.
    pub exclusive_maximum: bool,
    /// Smallest number.
    pub minimum: Option<f64>,
    /// Whether the smallest is itself too small.
    pub exclusive_minimum: bool,
    /// What a number is a multiple of.
    pub multiple_of: Option<f64>,
    /// Most characters.
    pub max_length: Option<i64>,
    /// Least characters.
    pub min_length: Option<i64>,
    /// Most items.
    pub max_items: Option<i64>,
    /// Least items.
    pub min_items: Option<i64>,
    /// Most members.
    pub max_properties: Option<i64>,
    /// Least members.
    pub min_properties: Option<i64>,
}

impl Structural {
    /// Reads a schema; what is not understood is left out.
    pub fn read(node: Node<'_>) -> Structural {
        let text = |name| node.get(name).and_then(Node::as_str).unwrap_or_default().to_owned();
        let flag = |name| node.get(name).and_then(Node::as_bool) == Some(true);
        let texts = |name: &str| -> Vec<String> {
            let items = node.get(name).into_iter().flat_map(Node::items);
            items.filter_map(Node::as_str).map(str::to_owned).collect()
        };
        let schemas = |name: &str| -> Vec<Structural> {
            node.get(name).into_iter().flat_map(Node::items).map(Structural::read).collect()
        };
        let one = |name: &str| {
            node.get(name)
                .filter(|inner| inner.kind() == Kind::Map)
                .map(|inner| Box::new(Structural::read(inner)))
        };
        let mut properties: Vec<(String, Structural)> = node
            .get("properties")
            .into_iter()
            .flat_map(Node::entries)
            .map(|(name, inner)| (name.to_owned(), Structural::read(inner)))
            .collect();
        properties.sort_by(|a, b| a.0.cmp(&b.0));
        let additional = match node.get("additionalProperties") {
            Some(inner) if inner.kind() == Kind::Map => {
                Additional::Schema(Box::new(Structural::read(inner)))
            }
            Some(inner) if inner.as_bool() == Some(true) => Additional::Any,
            _ => Additional::None,
        };
        Structural {
            ty: text("type"),
            properties,
            items: one("items"),
            additional,
            nullable: flag("nullable"),
            int_or_string: flag("x-kubernetes-int-or-string"),
            preserve: flag("x-kubernetes-preserve-unknown-fields"),
            embedded: flag("x-kubernetes-embedded-resource"),
            list_type: text("x-kubernetes-list-type"),
            list_keys: texts("x-kubernetes-list-map-keys"),
            map_type: text("x-kubernetes-map-type"),
            default: node.get("default").filter(|default| !default.is_null()).map(Node::to_value),
            allowed: node
                .get("enum")
                .into_iter()
                .flat_map(Node::items)
                .map(Node::to_value)
                .collect(),
            format: text("format"),
            pattern: text("pattern"),
            bounds: Bounds::read(node),
            required: texts("required"),
            all_of: schemas("allOf"),
            any_of: schemas("anyOf"),
            one_of: schemas("oneOf"),
            not: one("not"),
            rules: node
                .get("x-kubernetes-validations")
                .into_iter()
                .flat_map(Node::items)
                .map(Rule::read)
                .collect(),
        }
    }

    /// The schema of a property.
    pub fn property(&self, name: &str) -> Option<&Structural> {
        self.properties
            .binary_search_by(|(known, _)| known.as_str().cmp(name))
            .ok()
            .map(|at| &self.properties[at].1)
    }

    /// The schema of a member: its property's, or that of the others.
    pub fn member(&self, name: &str) -> Option<&Structural> {
        self.property(name).or(match &self.additional {
            Additional::Schema(schema) => Some(schema),
            _ => None,
        })
    }

    /// Whether there is a rule in this schema or below it.
    pub fn has_rules(&self) -> bool {
        let additional = match &self.additional {
            Additional::Schema(schema) => schema.has_rules(),
            _ => false,
        };
        !self.rules.is_empty()
            || additional
            || self.items.as_ref().is_some_and(|items| items.has_rules())
            || self.properties.iter().any(|(_, property)| property.has_rules())
            || self.all_of.iter().any(Structural::has_rules)
    }
}

impl Rule {
    fn read(node: Node<'_>) -> Rule {
        let text = |name| node.get(name).and_then(Node::as_str).unwrap_or_default().to_owned();
        Rule {
            rule: text("rule"),
            message: text("message"),
            message_expression: text("messageExpression"),
            reason: text("reason"),
            field_path: text("fieldPath"),
            optional_old_self: node.get("optionalOldSelf").and_then(Node::as_bool) == Some(true),
            pointer: node.pointer().to_string(),
        }
    }
}

impl Bounds {
    fn read(node: Node<'_>) -> Bounds {
        let number = |name| node.get(name).and_then(Node::as_f64);
        let whole = |name| node.get(name).and_then(Node::as_i64);
        let flag = |name| node.get(name).and_then(Node::as_bool) == Some(true);
        Bounds {
            maximum: number("maximum"),
            exclusive_maximum: flag("exclusiveMaximum"),
            minimum: number("minimum"),
            exclusive_minimum: flag("exclusiveMinimum"),
            multiple_of: number("multipleOf"),
            max_length: whole("maxLength"),
            min_length: whole("minLength"),
            max_items: whole("maxItems"),
            min_items: whole("minItems"),
            max_properties: whole("maxProperties"),
            min_properties: whole("minProperties"),
        }
    }
}
