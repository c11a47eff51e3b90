//! The network of the command line.

use std::path::Path;

use cni::{NetworkConfigList, Result, conf};

use crate::Call;

impl Call<'_> {
    /// The network that was named: in the directory of configurations, or a file. Names have no `/`.
    pub(crate) fn network(&self) -> Result<NetworkConfigList> {
        // The command line without one is refused where it is needed.
        let name = self.text("network").unwrap_or_default();
        match name.contains('/') {
            true => from_file(Path::new(name)),
            false => conf::load_network_conf(&self.settings.conf_dir, name),
        }
    }
}

fn from_file(path: &Path) -> Result<NetworkConfigList> {
    if path.extension().is_some_and(|extension| extension == "conf" || extension == "json") {
        let plugin = conf::plugin_conf_from_file(path)?;
        return conf::conf_list_from_conf(&plugin).map_err(|error| {
            let message = format!("{} (in {})", error.message(), path.display());
            error.at_path(path).with(|facts| facts.message = message)
        });
    }
    conf::network_conf_from_file(path)
}
