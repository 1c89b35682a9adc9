//! The product as a whole: the house's walls and the command line, driven as
//! people drive it.
#![cfg(test)]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests run the product's binary"
)]

mod access;
mod access_gaps;
mod access_logs;
mod admins;
mod certificates;
mod charts;
mod cli;
mod cluster;
mod cluster_facts;
mod cluster_faults;
mod complete;
mod documentation;
mod dumps;
mod escalations;
mod fix;
mod groups;
mod impersonation;
mod kubelets;
mod layers;
mod made;
mod node_secrets;
mod noise;
mod outside;
mod packs;
mod peers;
mod policies;
mod policy_reads;
mod progress;
mod prove;
mod readme;
mod reviews;
mod rubbish;
mod scale;
mod schema;
mod snapshots;
mod unknown;
mod unseen;
mod watch;
mod watch_times;
