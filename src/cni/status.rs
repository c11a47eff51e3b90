//! STATUS of a network (specification, section 2, "STATUS").

use super::call::{Call, Parameters};
use super::{Cni, Target};
use crate::conf::Injected;
use crate::context::Context;
use crate::error::Result;
use crate::types::command::Command;
use crate::types::network::NetworkConfigList;
use crate::version::{self, Version};

impl Cni {
    /// STATUS: asks every plugin whether it is ready for ADD. Below version 1.1.0 nothing runs.
    ///
    /// # Errors
    /// The first plugin's that is not, as it gave it: code 50, not available; 51, not available and
    /// existing containers may have limited connectivity.
    pub fn get_status_network_list(&self, ctx: &Context, list: &NetworkConfigList) -> Result<()> {
        // A malformed version has no STATUS.
        if !Version::parse(&list.cni_version).is_ok_and(|version| version >= version::WITH_GC_AND_STATUS) {
            return Ok(());
        }
        let target = Target::list(list);
        let deadline = self.deadline(ctx);
        let ctx = &ctx.until(deadline);
        let call = Call::new(self, ctx, Command::Status, &Parameters::none(), deadline);
        let injected = Injected { name: &list.name, cni_version: &list.cni_version, ..Injected::default() };
        for index in 0..list.plugins.len() {
            call.step(&target, index, &injected)
                .map_err(|error| target.in_plugin(Command::Status, index, error))?;
        }
        Ok(())
    }
}
