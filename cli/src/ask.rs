//! What plugins say of themselves: `status` and `version`.

use cni::cni::VersionInfo;
use cni::{Result, version};
use serde::Serialize;

use crate::Call;
use crate::answer::Answer;
use crate::table::Part;

pub(crate) fn status(call: &Call<'_>) -> Result<Answer> {
    let list = call.network()?;
    call.cni.get_status_network_list(call.context, &list)?;
    Ok(Answer::nothing())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Versions<'a> {
    version: &'a str,
    cni_version: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    plugins: Vec<Versioned<'a>>,
}

#[derive(Serialize)]
struct Versioned<'a> {
    plugin: &'a str,
    #[serde(flatten)]
    info: VersionInfo,
}

pub(crate) fn version(call: &Call<'_>) -> Result<Answer> {
    let plugins = call.matches.get_many::<String>("plugin").into_iter().flatten();
    let plugins: Vec<Versioned<'_>> = plugins
        .map(|plugin| Ok(Versioned { plugin, info: call.cni.get_version_info(call.context, plugin)? }))
        .collect::<Result<_>>()?;
    let own = env!("CARGO_PKG_VERSION");
    let parts = match plugins.is_empty() {
        true => vec![Part::Table(
            vec!["LIBCNI", "SPECIFICATION"],
            vec![vec![own.to_owned(), version::CURRENT.to_owned()]],
        )],
        false => {
            let row =
                |each: &Versioned<'_>| vec![each.plugin.to_owned(), each.info.supported_versions.join(" ")];
            vec![Part::Table(vec!["PLUGIN", "SUPPORTED VERSIONS"], plugins.iter().map(row).collect())]
        }
    };
    Answer::new(&Versions { version: own, cni_version: version::CURRENT, plugins }, parts)
}
