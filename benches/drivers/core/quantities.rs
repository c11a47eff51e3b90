//! What is measured, on the samples that every contestant gets.

use std::error::Error;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cni::exec::{Exec, ExecRequest, FindRequest, Outcome, Termination};
use cni::plugin::{Plugin, Request};
use cni::types::command::Command;
use cni::types::network::NetworkConfigList;
use cni::{CacheDir, Cni, CniOptions, CniResult, Context, RuntimeConf, conf};

type Once<'a> = Box<dyn FnMut() -> Result<(), Box<dyn Error>> + 'a>;

/// The directory of samples: `list.json`, a list of several plugins; `one.json`, a list of one; `rt.json`, what CHECK is given,
/// with its prevResult; `result-VERSION.json`.
pub struct Samples {
    directory: PathBuf,
    list: Vec<u8>,
    one: NetworkConfigList,
    rt: RuntimeConf,
    cni: Cni,
    /// The same, with the plugin of `one` inside the process.
    with_plugin: Cni,
    context: Context,
}

impl Samples {
    pub fn read(directory: &Path) -> Result<Samples, Box<dyn Error>> {
        let read = |name: &str| std::fs::read(directory.join(name));
        let text = |name: &str| std::fs::read_to_string(directory.join(name));
        let result = text("result-1.0.0.json")?;
        let options = CniOptions { cache_dir: CacheDir::Nowhere, ..CniOptions::default() };
        let cni = Cni::with_exec(options, Instantly { result: result.clone() });
        let one = conf::network_conf_from_bytes(&read("one.json")?)?;
        let plugin = Arc::new(Trivial { result: CniResult::from_json(&result)? });
        Ok(Samples {
            directory: directory.to_owned(),
            list: read("list.json")?,
            rt: RuntimeConf::from_json(&text("rt.json")?)?,
            with_plugin: cni.with_plugin(one.plugins()[0].plugin_type(), plugin),
            one,
            cni,
            context: Context::background(),
        })
    }

    /// One of the quantities, to be run any number of times.
    pub fn quantity(&self, what: &str) -> Result<Once<'_>, Box<dyn Error>> {
        Ok(match what.split('-').collect::<Vec<_>>()[..] {
            ["list"] => Box::new(|| {
                black_box(conf::network_conf_from_bytes(black_box(&self.list))?);
                Ok(())
            }),
            ["request"] => {
                Box::new(|| Ok(self.cni.check_network_list(&self.context, &self.one, &self.rt)?))
            }
            ["add"] => Box::new(|| self.add(&self.cni)),
            ["add", "inside"] => Box::new(|| self.add(&self.with_plugin)),
            ["result"] => {
                let text = self.result("1.0.0")?;
                Box::new(move || {
                    black_box(CniResult::from_json(black_box(&text))?);
                    Ok(())
                })
            }
            ["convert", from, to] => {
                let (text, to) = (self.result(from)?, to.to_owned());
                Box::new(move || {
                    black_box(CniResult::from_json(black_box(&text))?.into_version(&to)?.to_json());
                    Ok(())
                })
            }
            _ => return Err(format!("no such quantity: {what}").into()),
        })
    }

    fn add(&self, cni: &Cni) -> Result<(), Box<dyn Error>> {
        black_box(cni.add_network_list(&self.context, &self.one, &self.rt)?);
        Ok(())
    }

    fn result(&self, version: &str) -> Result<String, std::io::Error> {
        std::fs::read_to_string(self.directory.join(format!("result-{version}.json")))
    }
}

/// Finds every plugin, and each succeeds at once.
struct Instantly {
    /// What ADD prints.
    result: String,
}

impl Exec for Instantly {
    fn find_in_path(&self, request: &FindRequest<'_>) -> cni::Result<PathBuf> {
        Ok(request.plugin.into())
    }

    fn exec_plugin(&self, request: &ExecRequest<'_>) -> cni::Result<Outcome> {
        black_box(request);
        Ok(Outcome {
            termination: Termination::Exited(0),
            interruption: None,
            stdout: if request.command == Command::Add { self.result.clone().into() } else { Vec::new() },
            stderr: Vec::new(),
            pid: None,
            duration: Duration::ZERO,
        })
    }
}

/// A plugin that does nothing.
struct Trivial {
    result: CniResult,
}

impl Plugin for Trivial {
    fn add(&self, _: &Request<'_>) -> cni::Result<CniResult> {
        Ok(self.result.clone())
    }

    fn del(&self, _: &Request<'_>) -> cni::Result<()> {
        Ok(())
    }
}
