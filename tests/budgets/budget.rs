//! The budgets in `budgets.txt`, and how a count is held to one.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

pub const FILE: &str = "tests/budgets/budgets.txt";

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/budgets/budgets.txt");

const HEAD: &str = "\
# What one operation may cost. Written by `make budgets`, held by `make test-budgets`; see tests/budgets/main.rs.
#
# System calls are those of the caller and of the new process until it executes the plugin; calls that depend on how fast the
# plugin answers (ppoll, read) are by themselves and not part of the total. Allocations and instructions are of the release
# build: \"operations\" with real processes, \"numbers\" without any.
";

/// One count: what it belongs to, its name, and how exactly it is known.
pub struct Count {
    pub section: String,
    pub name: String,
    pub value: u64,
    pub exactness: Exactness,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Exactness {
    /// The same in every run.
    Exact,
    /// The same in every run, and part of a total that sees to it that the budget is not too large.
    Part,
    /// Depends on who is faster.
    Varying,
    /// Depends a little on the compiler and the processor.
    Near,
}

impl Count {
    /// The most that a budget allows.
    fn most(&self, budget: u64) -> u64 {
        match self.exactness {
            Exactness::Exact | Exactness::Part => budget,
            // Enough to notice one call for each byte, or a loop that waits for nothing.
            Exactness::Varying => budget * 2 + 2,
            Exactness::Near => budget + budget / 20,
        }
    }

    /// The least with which the budget is still honest: nine tenths.
    fn least(&self, budget: u64) -> u64 {
        match self.exactness {
            Exactness::Exact | Exactness::Near => (budget * 9).div_ceil(10),
            Exactness::Part | Exactness::Varying => 0,
        }
    }
}

/// How a budget is not kept.
pub struct Verdict<'a> {
    count: &'a Count,
    budget: Option<u64>,
}

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Count { section, name, value, .. } = self.count;
        match self.budget {
            None => write!(f, "{section}: {name}: is {value}, and has no budget"),
            Some(budget) if *value > budget => {
                let (more, most) = (value - budget, self.count.most(budget));
                write!(f, "{section}: {name}: grew by {more}, from {budget} to {value} (allowed: {most})")
            }
            Some(budget) => {
                write!(f, "{section}: {name}: fell to {value}: well done; tighten its budget, {budget}")
            }
        }
    }
}

/// By section and name.
pub struct Budgets(BTreeMap<String, BTreeMap<String, u64>>);

impl Budgets {
    /// What is committed: `[section]` lines, and below each its names with a number.
    pub fn read() -> Budgets {
        let text = std::fs::read_to_string(PATH).unwrap_or_default();
        let mut sections: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        let mut section = String::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section = name.to_owned();
                continue;
            }
            let budget =
                line.split_once(' ').and_then(|(name, number)| Some((name, number.trim().parse().ok()?)));
            let (name, number) = budget.unwrap_or_else(|| panic!("{FILE}: not a budget: {line}"));
            sections.entry(section.clone()).or_default().insert(name.to_owned(), number);
        }
        Budgets(sections)
    }

    /// Those that are not within their budgets.
    pub fn judge<'a>(&'a self, counts: &'a [Count]) -> impl Iterator<Item = Verdict<'a>> {
        counts.iter().filter_map(|count| {
            let budget = self.0.get(&count.section).and_then(|section| section.get(&count.name)).copied();
            let kept = budget
                .is_some_and(|budget| (count.least(budget)..=count.most(budget)).contains(&count.value));
            (!kept).then_some(Verdict { count, budget })
        })
    }

    /// Makes these counts the budgets of their sections.
    pub fn put(&mut self, counts: &[Count]) {
        counts.iter().for_each(|count| drop(self.0.remove(&count.section)));
        for count in counts {
            self.0.entry(count.section.clone()).or_default().insert(count.name.clone(), count.value);
        }
    }

    pub fn write(&self) {
        let mut text = HEAD.to_owned();
        for (section, budgets) in &self.0 {
            write!(text, "\n[{section}]\n").unwrap();
            for (name, number) in budgets {
                writeln!(text, "{name:24}{number:>9}").unwrap();
            }
        }
        std::fs::write(PATH, text).unwrap();
    }
}
