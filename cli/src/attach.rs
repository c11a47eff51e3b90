//! `add`, `check` and `del`.

use std::time::Duration;

use cni::{Context, Error, NetworkConfigList, Result, RuntimeConf, Status};

use crate::answer::Answer;
use crate::settings::has_flag;
use crate::{Call, result};

/// How long the cleaning up behind an interrupted ADD may take.
const CLEAN_UP: Duration = Duration::from_secs(30);

pub(crate) fn add(call: &Call<'_>) -> Result<Answer> {
    let list = call.network()?;
    let rt = call.container(&list)?;
    // What was attached before is not ours to undo.
    let is_new = matches!(call.cni.get_network_list_cached_config(&list, &rt), Ok(None));
    let result = call.cni.add_network_list(call.context, &list, &rt).map_err(|error| {
        let undo = error.status() == Status::Cancelled && is_new && !call.settings.options.rollback;
        if undo { clean_up(call, &list, &rt, error) } else { error }
    })?;
    let always_table = has_flag(call.matches, "table");
    Ok(Answer::of_result(result.to_json(), result::parts(&result), always_table))
}

/// Deletes what an interrupted ADD has made; a failure is told beside the interruption.
fn clean_up(call: &Call<'_>, list: &NetworkConfigList, rt: &RuntimeConf, interrupted: Error) -> Error {
    let undone = Context::with_timeout(CLEAN_UP).and_then(|ctx| call.cni.del_network_list(&ctx, list, rt));
    match undone {
        Ok(()) => interrupted,
        Err(error) => {
            let failed = error.context("failed to delete what the interrupted ADD has made");
            interrupted.with(|facts| facts.causes.push(failed))
        }
    }
}

pub(crate) fn check(call: &Call<'_>) -> Result<Answer> {
    let list = call.network()?;
    let rt = call.container(&list)?;
    call.cni.check_network_list(call.context, &list, &rt)?;
    Ok(Answer::nothing())
}

pub(crate) fn del(call: &Call<'_>) -> Result<Answer> {
    let list = call.network()?;
    let rt = call.container(&list)?;
    call.cni.del_network_list(call.context, &list, &rt)?;
    Ok(Answer::nothing())
}
