//! Remembered attachments as callers without Rust types get them: an array, written while the files are read.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;

use crate::cache::Found;
use crate::types::json::push_string;

/// The array so far.
#[derive(Default)]
pub(super) struct Listed {
    out: String,
    /// Where the last configuration was written, and which one it was.
    config: Option<(u64, Range<usize>)>,
}

impl Listed {
    /// The same text as that of an [`Attachment`](crate::types::attachment::Attachment) by itself.
    pub(super) fn add(&mut self, found: &Found<'_>) {
        let mut before = if self.out.is_empty() { "[{\"containerId\":" } else { ",{\"containerId\":" };
        for (text, behind) in [
            (&found.container_id, ",\"networkName\":"),
            (&found.network_name, ",\"ifName\":"),
            (&found.if_name, ",\"netns\":"),
            (&found.netns, ",\"config\":"),
        ] {
            self.out.push_str(before);
            push_string(&mut self.out, text);
            before = behind;
        }
        self.out.push_str(before);
        self.add_config(found);

        self.out.push_str(",\"cniArgs\":[");
        for (index, (name, value)) in found.args.iter().enumerate() {
            self.out.push_str(if index == 0 { "[" } else { ",[" });
            push_string(&mut self.out, name);
            self.out.push(',');
            push_string(&mut self.out, value);
            self.out.push(']');
        }
        self.out.push_str("],\"capabilityArgs\":{");
        for (index, (name, value)) in found.capability_args.iter().enumerate() {
            self.out.push_str(if index == 0 { "" } else { "," });
            push_string(&mut self.out, name);
            self.out.push(':');
            self.out.push_str(value.get());
        }
        self.out.push_str("}}");
    }

    fn add_config(&mut self, found: &Found<'_>) {
        let start = self.out.len();
        match &self.config {
            Some((which, written)) if *which == found.config.changes() => {
                self.out.extend_from_within(written.clone());
            }
            _ => {
                let bytes = found.config.bytes();
                let json: Option<&RawValue> = serde_json::from_slice(bytes).ok();
                self.out.push_str(json.map_or("null", RawValue::get));
                self.out.push_str(",\"configBytes\":\"");
                STANDARD.encode_string(bytes, &mut self.out);
                self.out.push('"');
            }
        }
        self.config = Some((found.config.changes(), start..self.out.len()));
    }

    pub(super) fn close(mut self) -> String {
        self.out.push_str(if self.out.is_empty() { "[]" } else { "]" });
        self.out
    }

    /// The array of several, one behind the other.
    pub(super) fn join(parts: impl IntoIterator<Item = Listed>) -> Listed {
        parts.into_iter().reduce(Listed::followed_by).unwrap_or_default()
    }

    fn followed_by(mut self, next: Listed) -> Listed {
        match next.out.strip_prefix('[') {
            Some(attachments) if !self.out.is_empty() => {
                self.out.push(',');
                self.out.push_str(attachments);
                self
            }
            Some(_) => next,
            None => self,
        }
    }
}
