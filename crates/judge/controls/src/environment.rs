//! What a control's expressions see: variables, helpers and host functions.

use std::sync::Arc;

use ironhull_cel::{Env, Issue, Program, Type};
use ironhull_model::Minor;
use ironhull_schema::{FieldType, Schema};

use crate::control::Applies;
use crate::host;

/// The slots of the variables that every control has, in order; joins, `let`s
/// and `each` bindings follow.
pub mod slot {
    /// The whole object.
    pub const OBJECT: usize = 0;
    /// The `PodSpec`, for `applies: pods`.
    pub const POD: usize = 1;
    /// The metadata of the pod template.
    pub const META: usize = 2;
    /// The Namespace object the subject is in.
    pub const NAMESPACE: usize = 3;
    /// The control's parameters.
    pub const PARAMS: usize = 4;
    /// The facts named in `needs` and `helps`, by name.
    pub const FACTS: usize = 5;
    /// How many there are.
    pub const COUNT: usize = 6;
}

/// Helpers: compile-time macros over plain CEL, so that what uses them stays
/// portable. (name, parameters, body)
pub const HELPERS: &[(&str, &[&str], &str)] = &[
    // Every container of a pod, in the order in which Pod Security visits them.
    (
        "containers",
        &["pod"],
        "pod.?initContainers.orValue([]) + pod.?containers.orValue([]) + pod.?ephemeralContainers.orValue([])",
    ),
    // A path as a list of its components would join it, with a trailing slash:
    // no doubled slashes or dots, and /var/run is /run.
    ("cleanPath", &["path"], "joinedPath(path.split('/').filter(s, s != '' && s != '.'))"),
    ("joinedPath", &["parts"], "(parts.size() == 0 ? '/' : '/' + parts.join('/') + '/')"),
    ("resolvedPath", &["path"], "outOfVar(cleanPath(path))"),
    ("outOfVar", &["clean"], "(clean.startsWith('/var/run/') ? clean.substring(4) : clean)"),
    // Whether a path is one of the paths, inside one, or holds one.
    ("overlaps", &["path", "paths"], "overlapsClean(resolvedPath(path), paths)"),
    ("overlapsClean", &["clean", "paths"], "paths.exists(q, isInEither(clean, resolvedPath(q)))"),
    ("isInEither", &["clean", "other"], "(clean.startsWith(other) || other.startsWith(clean))"),
    // Whether a path is one of the paths or inside one.
    ("within", &["path", "paths"], "withinClean(resolvedPath(path), paths)"),
    ("withinClean", &["clean", "paths"], "paths.exists(q, clean.startsWith(resolvedPath(q)))"),
    // Parts of an image reference (distribution/reference): the first component
    // is a registry only if it looks like a host.
    ("imageDigest", &["image"], "(image.contains('@') ? image.split('@')[1] : '')"),
    // Most have no digest to take away first.
    ("imageTag", &["image"], "(image.contains('@') ? tagOf(image.split('@')[0]) : tagOf(image))"),
    (
        "tagOf",
        &["name"],
        "(name.lastIndexOf(':') > name.lastIndexOf('/') ? name.substring(name.lastIndexOf(':') + 1) : '')",
    ),
    (
        "imageRegistry",
        &["image"],
        "(image.contains('/') && (image.split('/')[0].contains('.') || image.split('/')[0].contains(':') || \
          image.split('/')[0] == 'localhost') ? image.split('/')[0] : 'docker.io')",
    ),
    // An image's name without tag and digest, and with what a runtime adds to a
    // short one: `docker.io/library/nginx`.
    (
        "imageName",
        &["image"],
        "(image.split('@')[0].lastIndexOf(':') > image.split('@')[0].lastIndexOf('/') ? \
          image.split('@')[0].substring(0, image.split('@')[0].lastIndexOf(':')) : image.split('@')[0])",
    ),
    (
        "isQualified",
        &["image"],
        "(image.contains('/') && (image.split('/')[0].contains('.') || image.split('/')[0].contains(':') || \
          image.split('/')[0] == 'localhost'))",
    ),
    (
        "imageRepository",
        &["image"],
        "((isQualified(image) ? '' : image.contains('/') ? 'docker.io/' : 'docker.io/library/') + imageName(image))",
    ),
    // The names of the ConfigMaps without which a pod does not start, each once, but for
    // the one that Kubernetes makes in every namespace.
    (
        "configMapNames",
        &["pod"],
        "configMapReferences(pod).filter(n, !(n in ['', 'kube-root-ca.crt'])).distinct()",
    ),
    (
        "configMapReferences",
        &["pod"],
        "(pod.?volumes.orValue([]).filter(v, has(v.configMap) && !v.configMap.?optional.orValue(false))\
          .map(v, v.configMap.?name.orValue('')) + \
          containers(pod).map(c, c.?envFrom.orValue([])\
            .filter(e, has(e.configMapRef) && !e.configMapRef.?optional.orValue(false))\
            .map(e, e.configMapRef.?name.orValue(''))).flatten() + \
          containers(pod).map(c, c.?env.orValue([])\
            .filter(e, has(e.valueFrom) && has(e.valueFrom.configMapKeyRef) && !e.valueFrom.configMapKeyRef.?optional.orValue(false))\
            .map(e, e.valueFrom.configMapKeyRef.?name.orValue(''))).flatten())",
    ),
    // The pod spec of an object that holds one, for related objects.
    (
        "podOf",
        &["object"],
        "(object.kind == 'Pod' ? object.?spec : object.kind == 'CronJob' ? \
          object.?spec.?jobTemplate.?spec.?template.?spec : object.?spec.?template.?spec)",
    ),
    // The name of the ServiceAccount of an object that holds a pod spec.
    ("accountOf", &["object"], "podOf(object).?serviceAccountName.orValue('')"),
    // The volumes of an object that holds a pod spec.
    ("volumesOf", &["object"], "podOf(object).?volumes.orValue([])"),
    // The containers of a pod that run a component of Kubernetes.
    ("component", &["pod", "program"], "pod.?containers.orValue([]).filter(c, runs(c, program))"),
    // The containers of a control plane's etcd; applications may have one of their own.
    (
        "clusterStore",
        &["pod", "meta", "object"],
        "component(pod, 'etcd').filter(c, object.metadata.?namespace.orValue('') == 'kube-system' || \
          meta.?labels.?component.orValue('') == 'etcd' || meta.?labels.?tier.orValue('') == 'control-plane')",
    ),
    // Whether the text of a boolean flag switches it on.
    ("isOn", &["text"], "(text in ['1', 't', 'T', 'TRUE', 'true', 'True'])"),
    // The items of a flag that is a list.
    ("flagItems", &["container", "name"], "flag(container, name).orValue('').split(',')"),
    // The minor of a Kubernetes version such as v1.37.1+k3s1; -1 of what is none.
    (
        "minorOf",
        &["version"],
        "(version.matches('^v?[0-9]+[.][0-9]+') ? int(version.split('.')[1].find('^[0-9]+')) : -1)",
    ),
    // Whether a Node runs Windows.
    (
        "isWindowsNode",
        &["node"],
        "(node.?status.?nodeInfo.?operatingSystem.orValue('') == 'windows')",
    ),
    // Whether a pod is for Windows.
    ("isWindows", &["pod"], "(pod.?os.?name.orValue('') == 'windows')"),
];

/// Environments for every supported minor.
pub struct Environments {
    bases: Vec<Scope>,
}

impl Default for Environments {
    fn default() -> Environments {
        Environments::of(Schema::supported())
    }
}

impl Environments {
    /// Environments for some minors only.
    pub fn of(minors: impl IntoIterator<Item = Minor>) -> Environments {
        Environments { bases: minors.into_iter().map(Scope::new).collect() }
    }

    /// For the newest of these scopes one for each kind of the subjects, where they are
    /// of several: in them `object` has the kind's type. A kind without schema makes
    /// all of them say nothing.
    pub fn of_kinds(scopes: &[Scope], applies: &Applies) -> Vec<Scope> {
        let Some(newest) = scopes.iter().max_by_key(|scope| scope.minor) else {
            return Vec::new();
        };
        let kinds: Vec<(&str, &str)> = match applies {
            Applies::Kinds(kinds) => {
                kinds.iter().map(|(group, kind)| (&**group, &**kind)).collect()
            }
            Applies::Pods => ironhull_schema::POD_KINDS.to_vec(),
            Applies::Any | Applies::Cluster => Vec::new(),
        };
        if kinds.len() < 2 {
            return Vec::new();
        }
        let typed = kinds.iter().map(|(group, kind)| {
            let mut scope = newest.clone();
            let ty = scope.kind_type(group, kind);
            scope.env.variable("object", ty);
            scope
        });
        typed.collect()
    }

    /// For each minor a scope in which `object`, `pod` and `meta` have the types
    /// of the subjects.
    pub fn typed(&self, applies: &Applies) -> Vec<Scope> {
        self.bases
            .iter()
            .map(|base| {
                let mut scope = base.clone();
                let (pods, object) = match applies {
                    Applies::Pods => (true, Type::Dyn),
                    Applies::Kinds(kinds) => match kinds.as_slice() {
                        [(group, kind)] => (false, scope.kind_type(group, kind)),
                        _ => (false, Type::Dyn),
                    },
                    Applies::Any | Applies::Cluster => (false, Type::Dyn),
                };
                scope.variable("object", object);
                let of = |name: &str| if pods { Type::Object(name.into()) } else { Type::Dyn };
                scope.variable("pod", of("io.k8s.api.core.v1.PodSpec"));
                scope.variable("meta", of("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"));
                scope.variable(
                    "namespaceObject",
                    Type::Object("io.k8s.api.core.v1.Namespace".into()),
                );
                scope.variable("params", Type::Dyn);
                scope.variable("facts", Type::Dyn);
                scope
            })
            .collect()
    }
}

/// The names that are in scope for one minor.
#[derive(Clone)]
pub struct Scope {
    /// The minor.
    pub minor: Minor,
    env: Env,
    names: Vec<Box<str>>,
    schema: Schema,
}

impl Scope {
    fn new(minor: Minor) -> Scope {
        let schema = Schema::of(minor);
        let mut env = Env::new(minor);
        env.types(Arc::new(Types(schema)));
        for (name, params, body) in HELPERS {
            let defined = env.define_macro(name, params, body);
            debug_assert!(defined.is_ok(), "helper {name}: {defined:?}");
        }
        for function in host::FUNCTIONS {
            env.host_function(function.name, &function.params(), function.result(), false);
        }
        Scope { minor, env, names: Vec::new(), schema }
    }

    /// Adds a variable behind the others.
    pub fn variable(&mut self, name: &str, ty: Type) {
        self.env.variable(name, ty);
        self.names.push(name.into());
    }

    /// The slot of a variable; the last one of that name.
    pub fn slot(&self, name: &str) -> Option<usize> {
        self.names.iter().rposition(|known| **known == *name)
    }

    /// Type-checks and compiles an expression.
    pub fn compile(&self, text: &str) -> Result<Program, Vec<Issue>> {
        ironhull_cel::compile(&self.env, text)
    }

    /// The type of objects of a kind; dynamic when the schemas do not have it.
    pub fn kind_type(&self, group: &str, kind: &str) -> Type {
        self.schema
            .kind_any_version(group, kind)
            .map_or(Type::Dyn, |info| Type::Object(self.schema.type_name(info.ty).into()))
    }
}

/// Kubernetes' schemas as CEL types. Ephemeral containers have the fields of
/// containers and are typed as such, so that lists of both can be joined.
struct Types(Schema);

impl ironhull_cel::TypeProvider for Types {
    fn field(&self, object: &str, field: &str) -> Option<Type> {
        let ty = self.0.type_named(object)?;
        self.0.field(ty, field).map(|field| cel_type(self.0, &field.ty))
    }
}

fn cel_type(schema: Schema, ty: &FieldType) -> Type {
    match ty {
        FieldType::String | FieldType::Bytes | FieldType::Time | FieldType::MicroTime => {
            Type::String
        }
        FieldType::Integer => Type::Int,
        FieldType::Number => Type::Double,
        FieldType::Boolean => Type::Bool,
        FieldType::IntOrString | FieldType::Quantity | FieldType::Any => Type::Dyn,
        FieldType::List(item) => Type::List(cel_type(schema, item).into()),
        FieldType::Map(item) => Type::Map(Type::String.into(), cel_type(schema, item).into()),
        FieldType::Type(ty) => {
            let name = schema.type_name(*ty);
            Type::Object(name.replace("core.v1.EphemeralContainer", "core.v1.Container").into())
        }
    }
}
