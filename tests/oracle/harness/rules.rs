//! The differences that are there on purpose. Whatever is not one of these fails.

use std::collections::BTreeMap;
use std::fmt;

/// A tolerated difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    NumbersThroughFloats,
    NumbersTooLargeForFloats,
    UnknownResultKeysStay,
    IdentifiersAreChecked,
    DropInDirectoryStaysInside,
    CorruptFileStaysUntilDeleted,
    TupleInsideCounts,
    UnreadableIsNotAbsent,
    EffectiveListIsCached,
    GcDeletesWithCachedList,
    CheckNeedsAnAttachment,
    NotExecutableIsSkipped,
    ArgsAreChecked,
    BrokenFileHidesNoOther,
    ImpossibleConversionIsAnError,
    ListWithoutPlugins,
    TailsOfTexts,
    MoreIsTold,
    CacheFilesOfOthers,
    CodesOf32Bits,
    NoAddressIsNoText,
}

impl Rule {
    /// Where the contract says so: the row of its table of deliberate differences, and what it says.
    pub fn reason(self) -> (&'static str, &'static str) {
        use Rule as R;
        match self {
            R::NumbersThroughFloats => ("1", "Go's numbers pass through a 64-bit float"),
            R::NumbersTooLargeForFloats => ("1", "Go refuses a number that no 64-bit float holds"),
            R::UnknownResultKeysStay => {
                ("2", "unknown result keys are kept while the version stays the same")
            }
            R::IdentifiersAreChecked => {
                ("3", "empty identifiers, '/' and NUL are refused by every operation")
            }
            R::DropInDirectoryStaysInside => ("3", "a network name cannot lead out of its directory"),
            R::CorruptFileStaysUntilDeleted => {
                ("4", "a corrupt cache file goes with a DEL that succeeds, and not while it may be written")
            }
            R::TupleInsideCounts => ("5", "the tuple inside a cache file is checked"),
            R::UnreadableIsNotAbsent => ("6", "a cache file that cannot be read is an error"),
            R::EffectiveListIsCached => ("7", "drop-in plugins are in the cached list"),
            R::GcDeletesWithCachedList => ("8", "GC deletes with the cached list"),
            R::CheckNeedsAnAttachment => ("9", "CHECK without a cached result is NOT_ADDED"),
            R::NotExecutableIsSkipped => ("14", "a file that may not be executed is skipped"),
            R::ArgsAreChecked => ("15", "CNI_ARGS are checked on ADD"),
            R::BrokenFileHidesNoOther => ("16", "a broken file does not hide other networks"),
            R::ImpossibleConversionIsAnError => ("17", "an impossible conversion is an error, not a panic"),
            R::ListWithoutPlugins => ("20", "ADD of a list without plugins is INVALID_CONFIG"),
            R::TailsOfTexts => ("21", "texts end in our own words where Go's packages speak"),
            R::MoreIsTold => ("21", "behind the text, the file or what was found is named"),
            R::CacheFilesOfOthers => ("24", "files of iSulad are used, files of another kind are not"),
            R::NoAddressIsNoText => (
                "PROPOSED",
                "an address that was not given is left out, where Go prints \"<nil>\" and cannot read it back",
            ),
            R::CodesOf32Bits => {
                ("-", "C ABI: `uint32_t libcni_error_code`; larger codes count as the largest")
            }
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (row, why) = self.reason();
        write!(formatter, "row {row}: {why}")
    }
}

/// How often each rule was needed.
#[derive(Clone, Debug, Default)]
pub struct Tally(BTreeMap<Rule, usize>);

impl Tally {
    pub fn note(&mut self, rule: Rule) {
        *self.0.entry(rule).or_default() += 1;
    }

    pub fn has(&self, rule: Rule) -> bool {
        self.0.contains_key(&rule)
    }

    pub fn add(&mut self, other: &Tally) {
        for (rule, count) in &other.0 {
            *self.0.entry(*rule).or_default() += count;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (rule, count) in &self.0 {
            writeln!(formatter, "{count:8} x {rule}")?;
        }
        Ok(())
    }
}
