//! Answers as tables for people.

const BOLD: &str = "\x1b[1m";
const PLAIN: &str = "\x1b[0m";

/// A part of an answer: a table, or text under a heading.
pub(crate) enum Part {
    /// Headings and rows. A cell that is empty shows a dash.
    Table(Vec<&'static str>, Vec<Vec<String>>),
    /// A heading and the lines under it.
    Text(String, String),
}

impl Part {
    /// The part as text, with its heading in bold; nothing for a table without rows.
    fn render(&self, bold: bool) -> Option<String> {
        let heading = |text: &str| if bold { format!("{BOLD}{text}{PLAIN}") } else { text.to_owned() };
        match self {
            Part::Text(title, lines) => Some(format!("{}\n{}", heading(title), printable(lines))),
            Part::Table(_, rows) if rows.is_empty() => None,
            Part::Table(headings, rows) => {
                let cell =
                    |text: &String| if text.is_empty() { "-".to_owned() } else { printable_cell(text) };
                let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(cell).collect()).collect();
                let widths: Vec<usize> = headings
                    .iter()
                    .enumerate()
                    .map(|(column, heading)| {
                        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell));
                        cells.chain([heading.len()]).max().unwrap_or_default()
                    })
                    .collect();
                let headings: Vec<String> = headings.iter().map(|&heading| heading.to_owned()).collect();
                let mut lines = vec![heading(&line(&headings, &widths))];
                lines.extend(rows.iter().map(|row| line(row, &widths)));
                Some(lines.join("\n"))
            }
        }
    }
}

/// All parts, an empty line between them.
pub(crate) fn render(parts: &[Part], bold: bool) -> String {
    parts.iter().filter_map(|part| part.render(bold)).collect::<Vec<_>>().join("\n\n")
}

/// A number; 0 is as none.
pub(crate) fn number(number: i64) -> String {
    if number == 0 { String::new() } else { number.to_string() }
}

/// What there may be.
pub(crate) fn optional(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let padded = cells.iter().zip(widths).map(|(cell, width)| {
        let missing = width.saturating_sub(self::width(cell));
        format!("{cell}{}", " ".repeat(missing))
    });
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// The text for a terminal: what comes from configurations and plugins must not steer it.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}

fn printable_cell(text: &str) -> String {
    printable(&text.replace(['\n', '\t'], " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let rows = vec![row(["eth0", "1500"]), row(["l\u{f6}", ""]), row(["a\x1b[2Jb", "c\nd"])];
        let part = Part::Table(vec!["NAME", "MTU"], rows);
        let wanted = "NAME    MTU\neth0    1500\nl\u{f6}      -\na\u{fffd}[2Jb  c d";
        assert_eq!(render(&[part, Part::Table(vec!["X"], Vec::new())], false), wanted);
    }
}
