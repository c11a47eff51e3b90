//! quickstart NETWORK.conflist NETNS: attach a network namespace to a network, print the result, detach it.

use std::path::Path;
use std::time::Duration;

use cni::{Cni, CniOptions, Context, RuntimeConf, conf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let [_, file, netns] = args.as_slice() else {
        return Err("usage: quickstart NETWORK.conflist NETNS".into());
    };

    let cni = Cni::new(CniOptions::default());
    let list = conf::network_conf_from_file(Path::new(file))?;
    let rt = RuntimeConf {
        container_id: "c1".into(),
        netns: netns.clone(),
        if_name: "eth0".into(),
        ..RuntimeConf::default()
    };
    let ctx = Context::with_timeout(Duration::from_secs(30))?;

    let result = cni.add_network_list(&ctx, &list, &rt)?;
    println!("{}", result.to_json());
    cni.del_network_list(&ctx, &list, &rt)?;
    Ok(())
}
