//! What a runtime says of one container.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::case::{Runtime, Trace};
use super::{CONTAINER_IDS, INTERFACE_NAMES, json, one_of};

pub fn runtime() -> BoxedStrategy<Runtime> {
    let container_id = prop_oneof![
        30 => one_of(&["c1", "c2", "0123456789abcdef"]),
        2 => one_of(&CONTAINER_IDS),
    ];
    let if_name = prop_oneof![
        30 => one_of(&["eth0", "net1"]),
        2 => one_of(&INTERFACE_NAMES),
    ];
    let netns = one_of(&["/run/netns/x", "", "/proc/1/ns/net", "a b=c"]);
    let arg = prop_oneof![
        12 => (one_of(&["IgnoreUnknown", "K8S_POD_NAME", "K", ""]), one_of(&["1", "true", "pod-x", "", "a b", "\u{e9}", "x=y"])),
        1 => (one_of(&["a;b", "a=b", "K"]), one_of(&["v;w", "1"])),
    ];
    (container_id, if_name, netns, vec(arg, 0..3), json::arguments(false))
        .prop_map(|(container_id, if_name, netns, cni_args, capability_args)| Runtime {
            container_id,
            netns,
            if_name,
            cni_args,
            capability_args,
            cache_dir: String::new(),
        })
        .boxed()
}

pub fn trace() -> BoxedStrategy<Option<Trace>> {
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned();
    proptest::option::weighted(
        0.1,
        (one_of(&["", "k=v", "k=v,l=w"]), one_of(&["", "a=b"]), prop::bool::weighted(0.8)).prop_map(
            move |(tracestate, baggage, valid)| Trace {
                traceparent: if valid { parent.clone() } else { String::new() },
                tracestate,
                baggage,
            },
        ),
    )
    .boxed()
}
