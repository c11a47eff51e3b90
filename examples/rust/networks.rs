//! networks CONF_DIR NETNS: attach a network namespace to all networks of a directory, print its addresses, detach it.

use std::time::Duration;

use cni::networks::{Container, DirLoad, Networks, NetworksOptions, Origin};
use cni::{Cni, CniOptions, Context};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let [_, dir, netns] = args.as_slice() else {
        return Err("usage: networks CONF_DIR NETNS".into());
    };

    let all = Origin::Dir { path: Some(dir.into()), load: DirLoad::All };
    let options = NetworksOptions { sources: vec![all.into()], ..NetworksOptions::default() };
    let networks = Networks::new(Cni::new(CniOptions::default()), options)?;
    let container = Container { container_id: "c1".into(), netns: netns.clone(), ..Container::default() };
    let ctx = Context::with_timeout(Duration::from_secs(30))?;

    let result = networks.setup(&ctx, &container)?;
    for (name, interface) in result.interfaces() {
        for address in interface.ips.iter().filter_map(|ip| ip.address) {
            println!("{name} {address}");
        }
    }
    networks.remove(&ctx, &container)?;
    Ok(())
}
