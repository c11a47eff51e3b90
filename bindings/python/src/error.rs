//! From the core's errors to the package's exceptions.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// The exception of an error, made by `libcni.errors` of everything that the error knows. `cause` is what a
/// callback raised, if that is how the call failed.
pub(crate) fn exception(py: Python<'_>, error: &::cni::Error, cause: Option<PyErr>) -> PyErr {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    // The exact text, apart: to Python objects and back it is not the same.
    let result = error.facts().result.as_ref().map(|result| result.get());
    let facts = (error.to_json(), result, cause.map(|cause| cause.into_value(py)));
    let made = MAKE.import(py, "libcni.errors", "from_json").and_then(|make| make.call1(facts));
    match made {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}

/// The answer of the core, or the exception of its error.
pub(crate) fn raise<T>(py: Python<'_>, answer: ::cni::Result<T>) -> PyResult<T> {
    answer.map_err(|error| exception(py, &error, None))
}
