//! Counters and durations of operations, for whoever collects them: no registry, nothing global.
//!
//! The names are those that containerd's users know: `network_plugin_operations_total` and so on, with the label
//! `operation_type`, which for whole calls has the values that it has there (`set_up_pod`, `tear_down_pod`,
//! `get_pod_network_status`). containerd's own exporter puts `containerd_cri_` before the names and the unit behind them
//! once more; that is the collector's business.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::types::json::ObjectWriter;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Operation {
    /// A container was to be set up.
    Setup,
    /// A container was to be removed.
    Remove,
    /// A container was to be checked.
    Check,
    /// The readiness of all networks was asked for.
    Status,
    /// ADD of one network.
    NetworkSetup,
    /// DEL of one network.
    NetworkRemove,
    /// CHECK of one network.
    NetworkCheck,
    /// STATUS of one network.
    NetworkStatus,
}

impl Operation {
    const ALL: [Operation; 8] = [
        Operation::Setup,
        Operation::Remove,
        Operation::Check,
        Operation::Status,
        Operation::NetworkSetup,
        Operation::NetworkRemove,
        Operation::NetworkCheck,
        Operation::NetworkStatus,
    ];

    /// The value of the label `operation_type`.
    pub fn name(self) -> &'static str {
        match self {
            Operation::Setup => "set_up_pod",
            Operation::Remove => "tear_down_pod",
            Operation::Check => "check_pod",
            Operation::Status => "get_pod_network_status",
            Operation::NetworkSetup => "add",
            Operation::NetworkRemove => "del",
            Operation::NetworkCheck => "check",
            Operation::NetworkStatus => "status",
        }
    }
}

/// The upper ends of the buckets, in microseconds and as the exposition format writes seconds.
const BUCKETS: [(u64, &str); 11] = [
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (50_000, "0.05"),
    (100_000, "0.1"),
    (250_000, "0.25"),
    (500_000, "0.5"),
    (1_000_000, "1"),
    (2_500_000, "2.5"),
    (5_000_000, "5"),
    (10_000_000, "10"),
];

/// Counters that any number of threads add to without waiting for each other.
#[derive(Debug, Default)]
pub struct Metrics([Counts; Operation::ALL.len()]);

#[derive(Debug, Default)]
struct Counts {
    errors: AtomicU64,
    /// How many took at most as long as their bucket and longer than the one before; the last has no end.
    buckets: [AtomicU64; BUCKETS.len() + 1],
    microseconds: AtomicU64,
}

/// One operation's counters at one time.
struct Read {
    operation: Operation,
    total: u64,
    errors: u64,
    seconds: String,
    /// How many took at most that long.
    buckets: [u64; BUCKETS.len()],
}

impl Metrics {
    /// Counts one operation.
    pub fn record(&self, operation: Operation, succeeded: bool, took: Duration) {
        let counts = &self.0[operation as usize];
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS.iter().position(|(end, _)| microseconds <= *end).unwrap_or(BUCKETS.len());
        counts.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        counts.microseconds.fetch_add(microseconds, Ordering::Relaxed);
        if !succeeded {
            counts.errors.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn read(&self) -> impl Iterator<Item = Read> {
        Operation::ALL.into_iter().map(|operation| {
            let counts = &self.0[operation as usize];
            let mut buckets = [0; BUCKETS.len()];
            let mut total = 0;
            for (at, bucket) in counts.buckets.iter().enumerate() {
                total += bucket.load(Ordering::Relaxed);
                if let Some(place) = buckets.get_mut(at) {
                    *place = total;
                }
            }
            let microseconds = counts.microseconds.load(Ordering::Relaxed);
            Read {
                operation,
                total,
                errors: counts.errors.load(Ordering::Relaxed),
                seconds: format!("{}.{:06}", microseconds / 1_000_000, microseconds % 1_000_000),
                buckets,
            }
        })
    }

    /// The counters as an object: for each operation `total`, `errors`, `durationSeconds` (the sum) and `buckets` (how
    /// many took at most so many seconds).
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(4 << 10);
        let mut operations = ObjectWriter::open(&mut out);
        for Read { operation, total, errors, seconds, buckets } in self.read() {
            let mut counts = ObjectWriter::open(operations.key(operation.name()));
            // Writing to a string cannot fail, here and below.
            let _ = write!(counts.key("total"), "{total}");
            let _ = write!(counts.key("errors"), "{errors}");
            counts.key("durationSeconds").push_str(&seconds);
            let mut ends = ObjectWriter::open(counts.key("buckets"));
            for ((_, end), count) in BUCKETS.iter().zip(buckets) {
                let _ = write!(ends.key(end), "{count}");
            }
            ends.close();
            counts.close();
        }
        operations.close();
        out
    }

    /// The counters in the text format of Prometheus, version 0.0.4.
    pub fn to_prometheus(&self) -> String {
        let mut out = String::with_capacity(8 << 10);
        let family = |out: &mut String, name: &str, kind: &str, help: &str| {
            // Writing to a string cannot fail.
            let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        };
        let name = "network_plugin_operations_total";
        family(&mut out, name, "counter", "Cumulative number of network operations by operation type.");
        for Read { operation, total, .. } in self.read() {
            let _ = writeln!(out, "{name}{{operation_type=\"{}\"}} {total}", operation.name());
        }
        let name = "network_plugin_operations_errors_total";
        family(
            &mut out,
            name,
            "counter",
            "Cumulative number of failed network operations by operation type.",
        );
        for Read { operation, errors, .. } in self.read() {
            let _ = writeln!(out, "{name}{{operation_type=\"{}\"}} {errors}", operation.name());
        }
        let name = "network_plugin_operations_duration_seconds";
        family(&mut out, name, "histogram", "Duration of network operations in seconds by operation type.");
        for Read { operation, total, seconds, buckets, .. } in self.read() {
            let operation = operation.name();
            for ((_, end), count) in BUCKETS.iter().zip(buckets) {
                let _ = writeln!(out, "{name}_bucket{{operation_type=\"{operation}\",le=\"{end}\"}} {count}");
            }
            let _ = writeln!(out, "{name}_bucket{{operation_type=\"{operation}\",le=\"+Inf\"}} {total}");
            let _ = writeln!(out, "{name}_sum{{operation_type=\"{operation}\"}} {seconds}");
            let _ = writeln!(out, "{name}_count{{operation_type=\"{operation}\"}} {total}");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn nothing_is_lost_under_many_threads() {
        let metrics = Metrics::default();
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let metrics = &metrics;
                scope.spawn(move || {
                    for at in 0..1000 {
                        metrics.record(Operation::Setup, thread != 0, Duration::from_millis(at));
                    }
                });
            }
        });
        let json: serde_json::Value = serde_json::from_str(&metrics.to_json()).unwrap();
        let setup = &json["set_up_pod"];
        assert_eq!((setup["total"].as_u64(), setup["errors"].as_u64()), (Some(8000), Some(1000)));
        assert_eq!(setup["durationSeconds"], 3996.0);
        assert_eq!(
            (setup["buckets"]["0.005"].as_u64(), setup["buckets"]["1"].as_u64()),
            (Some(48), Some(8000))
        );
        assert_eq!(json["get_pod_network_status"]["total"], 0);
    }

    /// The lines of the exposition format: families with their type, then nothing but samples of theirs.
    #[test]
    fn the_text_is_that_of_prometheus() {
        let metrics = Metrics::default();
        metrics.record(Operation::NetworkRemove, false, Duration::from_micros(10_001));
        metrics.record(Operation::NetworkRemove, true, Duration::from_secs(60));
        let text = metrics.to_prometheus();
        assert!(text.ends_with('\n'));
        let (mut family, mut kind) = ("", "");
        let mut samples = std::collections::BTreeMap::new();
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                family = help.split_once(' ').unwrap().0;
            } else if let Some(of) = line.strip_prefix("# TYPE ") {
                let (name, of_kind) = of.split_once(' ').unwrap();
                assert_eq!(name, family);
                kind = of_kind;
            } else {
                let (name, rest) = line.split_once('{').unwrap();
                let suffixes: &[&str] =
                    if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
                assert!(suffixes.iter().any(|suffix| name == format!("{family}{suffix}")), "{line}");
                let (labels, value) = rest.split_once("} ").unwrap();
                for label in labels.split(',') {
                    let (name, value) = label.split_once('=').unwrap();
                    assert!(["operation_type", "le"].contains(&name), "{line}");
                    assert!(value.starts_with('"') && value.ends_with('"'), "{line}");
                }
                let value: f64 = value.parse().unwrap();
                assert!(
                    samples.insert(line.rsplit_once(' ').unwrap().0.to_owned(), value).is_none(),
                    "{line}"
                );
            }
        }
        let of = |name: &str, more: &str| {
            let key = format!("network_plugin_operations_{name}{{operation_type=\"del\"{more}}}");
            samples[&key]
        };
        assert_eq!((of("total", ""), of("errors_total", "")), (2.0, 1.0));
        assert_eq!(of("duration_seconds_bucket", ",le=\"0.01\""), 0.0);
        assert_eq!(of("duration_seconds_bucket", ",le=\"0.025\""), 1.0);
        assert_eq!(of("duration_seconds_bucket", ",le=\"10\""), 1.0);
        assert_eq!(of("duration_seconds_bucket", ",le=\"+Inf\""), 2.0);
        assert_eq!(of("duration_seconds_sum", ""), 60.010_001);
    }
}
