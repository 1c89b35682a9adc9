//! Who can reach whom: NetworkPolicies as the API defines them, and what leads
//! into the cluster from outside. It knows no control.

pub mod range;
