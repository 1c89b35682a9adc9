//! Constrained impersonation.

use super::super::{Gives, Name, Need, Way};
use super::{CORE, cluster, here, named, way, what};
use crate::impersonation::{AUTHENTICATION, SINCE};

/// Who acts as a member of a group acts as some user.
const CONSTRAINED_USER: Need =
    named(cluster(&[what(&["impersonate:user-info"], AUTHENTICATION, &["users"])]), Name::Some);

/// A way of constrained impersonation.
const fn constrained(way: Way) -> Way {
    Way { since: Some(SINCE), ..way }
}

/// Each, in the order in which they are tried.
pub(super) static WAYS: &[Way] = &[
    constrained(way(
        "constrained-group",
        "send as a member of a group what impersonate-on:user-info:VERB lets one",
        &[
            named(
                cluster(&[what(&["impersonate:user-info"], AUTHENTICATION, &["groups"])]),
                Name::Gained,
            ),
            CONSTRAINED_USER,
        ],
        &[Gives::AsGroups],
    )),
    constrained(way(
        "constrained-user",
        "send as a user what impersonate-on:user-info:VERB lets one",
        &[named(
            cluster(&[what(&["impersonate:user-info"], AUTHENTICATION, &["users"])]),
            Name::Gained,
        )],
        &[Gives::AsUsers],
    )),
    constrained(way(
        "constrained-account",
        "send as a ServiceAccount what impersonate-on:serviceaccount:VERB lets one",
        &[named(
            here(&[what(&["impersonate:serviceaccount"], AUTHENTICATION, &["serviceaccounts"])]),
            Name::Gained,
        )],
        &[Gives::AsAccounts],
    )),
    constrained(way(
        "constrained-node",
        "ask, as any node, for the tokens of its pods",
        &[
            named(
                cluster(&[what(&["impersonate:arbitrary-node"], AUTHENTICATION, &["nodes"])]),
                Name::Object,
            ),
            here(&[what(
                &["impersonate-on:arbitrary-node:create"],
                CORE,
                &["serviceaccounts/token"],
            )]),
        ],
        &[Gives::NodeAccounts],
    )),
    constrained(way(
        "constrained-own-node",
        "ask, as the node of one's own pod, for the tokens of its pods",
        &[
            // The answer counts for every node, and none is named.
            named(
                cluster(&[what(&["impersonate:associated-node"], AUTHENTICATION, &["nodes"])]),
                Name::Is("*"),
            ),
            here(&[what(
                &["impersonate-on:associated-node:create"],
                CORE,
                &["serviceaccounts/token"],
            )]),
        ],
        &[Gives::OwnNodes],
    )),
    constrained(way(
        "constrained-node-secrets",
        "read, as any node, the Secrets of its pods",
        &[
            named(
                cluster(&[what(&["impersonate:arbitrary-node"], AUTHENTICATION, &["nodes"])]),
                Name::Object,
            ),
            here(&[what(
                &[
                    "impersonate-on:arbitrary-node:get",
                    "impersonate-on:arbitrary-node:list",
                    "impersonate-on:arbitrary-node:watch",
                ],
                CORE,
                &["secrets"],
            )]),
        ],
        &[Gives::NodeSecrets],
    )),
    constrained(way(
        "constrained-own-node-secrets",
        "read, as the node of one's own pod, the Secrets of its pods",
        &[
            named(
                cluster(&[what(&["impersonate:associated-node"], AUTHENTICATION, &["nodes"])]),
                Name::Is("*"),
            ),
            here(&[what(
                &[
                    "impersonate-on:associated-node:get",
                    "impersonate-on:associated-node:list",
                    "impersonate-on:associated-node:watch",
                ],
                CORE,
                &["secrets"],
            )]),
        ],
        &[Gives::OwnNodeSecrets],
    )),
];
