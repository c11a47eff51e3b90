//! What crosses the border in a form of its own: durations and JSON.

use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// A time in seconds, by the name of the argument; an endless one is none.
pub(crate) fn seconds(name: &str, value: Option<f64>) -> PyResult<Option<Duration>> {
    match value {
        None => Ok(None),
        Some(seconds) if seconds.is_nan() || seconds < 0.0 => {
            Err(PyValueError::new_err(format!("{name} is {seconds}: expected seconds, 0 or more")))
        }
        // What no clock can count to is endless.
        Some(seconds) => Ok(Duration::try_from_secs_f64(seconds).ok()),
    }
}

/// The JSON text of a Python value, by the package's own rules.
pub(crate) fn to_json(value: &Bound<'_, PyAny>) -> PyResult<String> {
    static ENCODE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    ENCODE.import(value.py(), "libcni._json", "encode")?.call1((value,))?.extract()
}

/// The Python value of a JSON text.
pub(crate) fn from_json<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    static DECODE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    DECODE.import(py, "libcni._json", "decode")?.call1((text,))
}

/// The JSON text of an answer of the core.
pub(crate) fn print(answer: &impl serde::Serialize) -> ::cni::Result<String> {
    serde_json::to_string(answer).map_err(|error| {
        ::cni::Error::new(::cni::Status::Internal, format!("failed to print an answer: {error}"))
    })
}
