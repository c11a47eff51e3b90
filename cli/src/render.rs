//! `render`: what a command would run.

use std::fmt::Write as _;

use cni::cni::RenderedRequest;
use cni::{Result, RuntimeConf};

use crate::Call;
use crate::answer::Answer;
use crate::json;
use crate::table::Part;

pub(crate) fn render(call: &Call<'_>) -> Result<Answer> {
    let list = call.network()?;
    let command = call.text("for").unwrap_or("add").to_uppercase();
    let rt = match command.as_str() {
        // These are about no container.
        "GC" | "STATUS" => RuntimeConf::default(),
        _ => call.container(&list)?,
    };
    let requests = call.cni.render_network_list(&command, &list, &rt)?;
    let answer = Answer::new(&requests, requests.iter().map(part).collect())?;
    Ok(match requests.is_empty() {
        true => answer.noting("nothing would run: the network's version or its configuration rules it out"),
        false => answer,
    })
}

/// One request as a reader would type it.
fn part(request: &RenderedRequest) -> Part {
    let mut lines = String::new();
    for (name, value) in &request.env {
        let _ = writeln!(lines, "{name}={value}");
    }
    lines += &json::indent(request.stdin.get());
    if request.needs_prev_result {
        lines += "\n# and prevResult, which the plugin before it returns";
    }
    Part::Text(request.path.clone(), lines)
}
