//! `validate`: whether networks could be used, without using them.

use std::path::Path;

use cni::{Error, Result, Status, conf};
use serde::Serialize;

use crate::Call;
use crate::answer::Answer;
use crate::listing::{hidden_by, no_networks_in};
use crate::table::Part;

#[derive(Serialize)]
struct Capabilities {
    capabilities: Vec<String>,
}

#[derive(Serialize)]
struct Validated {
    networks: Vec<One>,
}

/// One file, and the network in it as far as it could be read.
#[derive(Serialize)]
struct One {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<String>,
    valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    capabilities: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Error>,
}

pub(crate) fn validate(call: &Call<'_>) -> Result<Answer> {
    if call.text("network").is_none() {
        return validate_all(call);
    }
    let list = call.network()?;
    let capabilities = call.cni.validate_network_list(call.context, &list)?;
    let row = vec![list.name().to_owned(), "valid".to_owned(), capabilities.join(" ")];
    let table = Part::Table(vec!["NETWORK", "VALID", "CAPABILITIES"], vec![row]);
    Answer::new(&Capabilities { capabilities }, vec![table])
}

/// Every file of the directory, in file name order.
fn validate_all(call: &Call<'_>) -> Result<Answer> {
    let loaded = conf::load_network_confs(&call.settings.conf_dir)?;
    let mut networks = Vec::new();
    for (path, list) in &loaded.networks {
        let valid = match hidden_by(&loaded, path, list.name()) {
            Some(other) => Err(is_hidden(list.name(), path, other)),
            None => call.cni.validate_network_list(call.context, list),
        };
        let (capabilities, error) = match valid {
            Ok(capabilities) => (Some(capabilities), None),
            // What has ended one has ended all.
            Err(error) if matches!(error.status(), Status::Cancelled | Status::Timeout) => return Err(error),
            Err(error) => (None, Some(error)),
        };
        let (path, network) = (path.display().to_string(), Some(list.name().to_owned()));
        networks.push(One { path, network, valid: error.is_none(), capabilities, error });
    }
    for (path, error) in loaded.errors {
        let (path, error) = (path.display().to_string(), Some(error));
        networks.push(One { path, network: None, valid: false, capabilities: None, error });
    }
    networks.sort_by(|one, other| one.path.cmp(&other.path));
    let failed = networks.iter().find_map(|one| one.error.as_ref()).map(Error::status);
    let row = |one: &One| {
        let capabilities = one.capabilities.as_deref().unwrap_or_default().join(" ");
        let valid = if one.valid { "valid" } else { "NOT VALID" };
        let why = one.error.as_ref().map_or_else(String::new, |error| error.message().to_owned());
        vec![one.network.clone().unwrap_or_default(), valid.to_owned(), capabilities, one.path.clone(), why]
    };
    let rows = networks.iter().map(row).collect();
    let table = Part::Table(vec!["NETWORK", "VALID", "CAPABILITIES", "FILE", "WHY NOT"], rows);
    let nothing = networks.is_empty();
    let answer = Answer::new(&Validated { networks }, vec![table])?.failed(failed);
    Ok(match nothing {
        true => answer.noting(no_networks_in(&call.settings.conf_dir)),
        false => answer,
    })
}

/// A network of which nobody hears when it is asked for by its name.
fn is_hidden(name: &str, path: &Path, other: &Path) -> Error {
    let message = format!("the network {name} is already that of {}, which is used instead", other.display());
    Error::new(Status::InvalidConfig, message).at_path(path)
}
