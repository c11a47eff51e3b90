//! Holds this library and the Go original together: plays a case with each, and compares everything.
//!
//! | module | what lives there |
//! |---|---|
//! | `case` | what a case is: plugins, files, steps; as JSON, so that it can be played again |
//! | `world` | the directory in which a case is played, the same path for both sides; its records |
//! | `original`, `ours` | one step played by the original (a server program), by this library |
//! | `play` | a whole case, by one side or by both in turns |
//! | `compare` | everything that both left behind, held together; `error`, `run`, `cached`: its parts |
//! | `rules` | the differences that are there on purpose, each with its row of the contract's table |
//! | `json` | JSON with the exact text of its numbers, and how two of them differ |
//! | `generate` | cases, at random |

pub mod case;
pub mod compare;
pub mod diff;
pub mod error;
pub mod exact;
pub mod generate;
pub mod json;
pub mod original;
pub mod ours;
pub mod play;
pub mod purpose;
pub mod rules;
pub mod runner;
pub mod smaller;
pub mod world;
