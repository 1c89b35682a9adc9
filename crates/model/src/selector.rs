//! Label selectors (`metav1.LabelSelector`, and plain maps as Services have).

use crate::value::{Kind, Node};

/// Whether a selector selects labels. The selector is a `LabelSelector`
/// (`matchLabels`, `matchExpressions`) or a plain map of labels; an empty one
/// selects everything. An expression with an unknown operator selects nothing,
/// as the API server would refuse it.
pub fn selects(selector: Node<'_>, labels: Option<Node<'_>>) -> bool {
    let label = |key: &str| labels.and_then(|labels| labels.get(key)).and_then(Node::as_str);
    let structured = selector.get("matchLabels").is_some_and(|node| node.kind() != Kind::String)
        || selector.get("matchExpressions").is_some_and(|node| node.kind() != Kind::String);
    if !structured {
        return selector.entries().all(|(key, value)| label(key) == value.as_str());
    }
    let equal = selector
        .get("matchLabels")
        .is_none_or(|wanted| wanted.entries().all(|(key, value)| label(key) == value.as_str()));
    equal
        && selector.get("matchExpressions").is_none_or(|expressions| {
            expressions.items().all(|expression| expression_selects(expression, &label))
        })
}

/// What a selector says of labels of which only some are known; none where others decide.
/// An empty one selects everything.
pub fn selects_knowing(selector: Node<'_>, known: &[(&str, &str)]) -> Option<bool> {
    let label = |key: &str| known.iter().find(|(own, _)| *own == key).map(|(_, value)| *value);
    let equal = selector.get("matchLabels").into_iter().flat_map(Node::entries);
    let equal = equal.map(|(key, value)| label(key).map(|own| Some(own) == value.as_str()));
    let expressions = selector.get("matchExpressions").into_iter().flat_map(Node::items);
    let expressions = expressions.map(|expression| {
        let key = expression.get("key").and_then(Node::as_str)?;
        label(key).map(|_| expression_selects(expression, &label))
    });
    let mut known = Some(true);
    for one in equal.chain(expressions) {
        match one {
            Some(true) => {}
            Some(false) => return Some(false),
            None => known = None,
        }
    }
    known
}

fn expression_selects<'l>(expression: Node<'_>, label: &impl Fn(&str) -> Option<&'l str>) -> bool {
    let value = expression.get("key").and_then(Node::as_str).and_then(label);
    let listed = || {
        expression.get("values").is_some_and(|values| {
            values.items().any(|item| value.is_some() && item.as_str() == value)
        })
    };
    match expression.get("operator").and_then(Node::as_str) {
        Some("In") => listed(),
        Some("NotIn") => !listed(),
        Some("Exists") => value.is_some(),
        Some("DoesNotExist") => value.is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{selects, selects_knowing};
    use crate::value::Value;

    fn check(selector: &str, labels: &str) -> bool {
        let selector: Value = serde_json::from_str(selector).unwrap();
        let labels: Value = serde_json::from_str(labels).unwrap();
        selects(selector.root(), Some(labels.root()))
    }

    #[test]
    fn both_forms_select() {
        let labels = r#"{"app":"web","tier":"front"}"#;
        assert!(check("{}", labels));
        assert!(check(r#"{"app":"web"}"#, labels));
        assert!(!check(r#"{"app":"db"}"#, labels));
        assert!(check(r#"{"matchLabels":{"app":"web"}}"#, labels));
        assert!(check(
            r#"{"matchExpressions":[{"key":"tier","operator":"In","values":["front","x"]}]}"#,
            labels
        ));
        assert!(check(
            r#"{"matchExpressions":[{"key":"zone","operator":"NotIn","values":["a"]}]}"#,
            labels
        ));
        assert!(!check(
            r#"{"matchExpressions":[{"key":"app","operator":"DoesNotExist"}]}"#,
            labels
        ));
        assert!(!check(r#"{"matchExpressions":[{"key":"app","operator":"Near"}]}"#, labels));
    }

    #[test]
    fn what_is_not_known_of_labels_decides_only_where_nothing_else_does() {
        let check = |selector: &str| {
            let selector: Value = serde_json::from_str(selector).unwrap();
            selects_knowing(selector.root(), &[("app", "web")])
        };
        assert_eq!(check("{}"), Some(true));
        assert_eq!(check(r#"{"matchLabels":{"app":"web"}}"#), Some(true));
        assert_eq!(check(r#"{"matchLabels":{"app":"web","tier":"x"}}"#), None);
        assert_eq!(check(r#"{"matchLabels":{"app":"db","tier":"x"}}"#), Some(false));
        let expression = |key: &str, operator: &str| {
            format!(
                r#"{{"matchExpressions":[{{"key":"tier","operator":"Exists"}},{{"key":"{key}","operator":"{operator}","values":["web"]}}]}}"#
            )
        };
        assert_eq!(check(&expression("app", "NotIn")), Some(false));
        assert_eq!(check(&expression("app", "In")), None);
        assert_eq!(check(&expression("zone", "DoesNotExist")), None);
    }
}
