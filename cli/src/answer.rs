//! What a command answers on stdout.

use std::io::{IsTerminal as _, Write as _};

use cni::{Result, Status};
use serde::Serialize;

use crate::table::{self, Part};
use crate::{Program, failure, json};

/// An answer, for programs and for people.
pub(crate) struct Answer {
    json: String,
    form: Form,
    /// What is to be said beside, on stderr.
    note: Option<String>,
    /// When the answer itself tells of failures: of which kind the first one is.
    failed: Option<Status>,
}

enum Form {
    /// What people read.
    Parts(Vec<Part>),
    /// The same, and JSON when stdout is no terminal.
    PartsOnTerminal(Vec<Part>),
    /// Text as it is, also for programs.
    Text(String),
}

impl Answer {
    /// Nothing to tell: `{}`.
    pub(crate) fn nothing() -> Answer {
        Answer { json: "{}".to_owned(), form: Form::Parts(Vec::new()), note: None, failed: None }
    }

    /// A value, and what people see of it.
    ///
    /// # Errors
    /// As [`json::encode`].
    pub(crate) fn new(value: &impl Serialize, parts: Vec<Part>) -> Result<Answer> {
        Ok(Answer { json: json::encode(value)?, form: Form::Parts(parts), note: None, failed: None })
    }

    /// A JSON text that is printed unless stdout is a terminal.
    pub(crate) fn of_result(json: String, parts: Vec<Part>, always_table: bool) -> Answer {
        let form = if always_table { Form::Parts(parts) } else { Form::PartsOnTerminal(parts) };
        Answer { json, form, note: None, failed: None }
    }

    /// A text of its own kind: a script, a page.
    pub(crate) fn text(text: String) -> Answer {
        Answer { json: String::new(), form: Form::Text(text), note: None, failed: None }
    }

    /// The same, and something to say beside.
    pub(crate) fn noting(self, note: impl Into<String>) -> Answer {
        Answer { note: Some(note.into()), ..self }
    }

    /// The same, which tells of a failure of that kind.
    pub(crate) fn failed(self, failed: Option<Status>) -> Answer {
        Answer { failed, ..self }
    }

    /// Prints it, and returns the exit code.
    pub(crate) fn print(&self, program: &Program, json: bool) -> u8 {
        let terminal = std::io::stdout().is_terminal();
        match &self.form {
            Form::Text(text) => write_out(text),
            Form::PartsOnTerminal(_) if !terminal => write_lines(&json::indent(&self.json)),
            _ if json => write_lines(&json::indent(&self.json)),
            Form::Parts(parts) | Form::PartsOnTerminal(parts) => write_lines(&table::render(parts, terminal)),
        }
        if let Some(note) = self.note.as_ref().filter(|_| !json) {
            write_err(&format!("{}: {note}\n", program.name));
        }
        self.failed.map_or(0, failure::code_of)
    }
}

/// Writes an answer and the end of its last line; nothing at all for an empty one.
fn write_lines(text: &str) {
    if !text.is_empty() {
        write_out(&format!("{text}\n"));
    }
}

/// Writes to stdout. Whoever closed it does not want to know.
pub(crate) fn write_out(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Writes to stderr, at once.
pub(crate) fn write_err(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
