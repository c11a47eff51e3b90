//! Networks made by real plugins: those of the newest release, and those that the machine has installed.
//!
//! Every test runs in a process, and in user, mount and network namespaces, of its own ([`sandbox`]); what
//! it makes there dies with it, and the machine's own network is never touched. Each is run once with the
//! newest plugins (`::newest::`), built by Go from the module beside this file, and once with the installed
//! ones (`::installed::`, Debian: `containernetworking-plugins`); see [`plugins`]. What the library says is
//! held against what the kernel says ([`kernel`]), and packets are sent ([`exchange`]).
//!
//! A test that the machine cannot run prints a line `skipped ...` with the reason.

#![allow(clippy::unwrap_used, clippy::expect_used)]

/// The tests of a module: functions that get a [`host::Host`]. `both` run with each set of plugins.
macro_rules! rules {
    (both: $($both:ident)*; newest: $($newest:ident)*;) => {
        mod newest {
            $(rules!(@test Newest $both);)*
            $(rules!(@test Newest $newest);)*
        }
        mod installed {
            $(rules!(@test Installed $both);)*
        }
    };
    (@test $set:ident $name:ident) => {
        #[test]
        fn $name() {
            let test = concat!(module_path!(), "::", stringify!($name));
            crate::sandbox::run(test, crate::plugins::Set::$set, crate::sandbox::As::Root, super::$name);
        }
    };
}

mod exchange;
mod host;
mod kernel;
mod netns;
mod node;
mod plugins;
mod sandbox;
mod sys;

mod bandwidth;
mod bridge;
mod cached;
mod chain;
mod check;
mod concurrent;
mod delete;
mod examples;
mod failure;
mod firewall;
mod gc;
mod identity;
mod ipam;
mod links;
mod networks;
mod networks_storm;
mod own;
mod portmap;
mod render;
mod runtimes;
mod status;
mod tuning;
mod versions;
