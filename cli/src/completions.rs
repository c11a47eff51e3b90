//! `completions`: generated from the command line.

use clap_complete::Shell;
use cni::{Error, Result, Status};

use crate::answer::Answer;
use crate::{Call, Program, commands};

pub(crate) fn completions(call: &Call<'_>) -> Result<Answer> {
    let shell = call
        .matches
        .get_one::<Shell>("shell")
        .copied()
        .ok_or_else(|| Error::new(Status::InvalidArgument, "which shell?"))?;
    let mut script = Vec::new();
    // A shell completes the arguments of one word: the program's.
    clap_complete::generate(shell, &mut commands::command(&Program::CNITOOL), "cnitool", &mut script);
    Ok(Answer::text(String::from_utf8_lossy(&script).into_owned()))
}
