//! A case, played from its first step to its last.

use serde::Deserialize;

use super::case::Case;
use super::json::Json;
use super::original::Original;
use super::ours;
use super::world::{Cache, Run, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Original,
    Ours,
}

/// What one step left behind.
#[derive(Clone, Debug)]
pub struct Played {
    pub side: Side,
    pub answer: Answer,
    pub runs: Vec<Run>,
    pub cache: Cache,
}

/// What a call returned.
#[derive(Clone, Debug)]
pub struct Answer {
    pub value: Json,
    pub error: Option<Failure>,
    pub panic: Option<String>,
    /// What successful plugins wrote to stderr.
    pub stderr: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Failure {
    pub text: String,
    /// Whether the configuration was refused before the operation began.
    pub loading: bool,
    pub code: u64,
    pub msg: String,
    pub details: String,
    /// Ours alone: the name of the status, and how many causes there are.
    #[serde(skip)]
    pub status: &'static str,
    #[serde(skip)]
    pub causes: usize,
}

/// A case that was played.
pub struct Play {
    /// The caches before the first step.
    pub before: Cache,
    pub steps: Vec<Played>,
}

/// Plays all steps; `who` tells by whom each is played.
pub fn play(case: &Case, world: &World, original: &mut Original, who: impl Fn(usize) -> Side) -> Play {
    world.make(case);
    let before = world.cache();
    let mut steps = Vec::new();
    for (index, step) in case.steps.iter().enumerate() {
        let side = who(index);
        let answer = match side {
            Side::Original => original.answer(case, step, world),
            Side::Ours => ours::answer(case, step, world),
        };
        steps.push(Played { side, answer, runs: world.runs(), cache: world.cache() });
    }
    Play { before, steps }
}
