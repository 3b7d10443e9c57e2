//! The usual cause of a breach, guessed from what it looks like. Owns the sentences.

use super::Law;
use super::trial::{Finding, Outcome};
use crate::description::{Description, Kind};

/// What a breach looks like beside its law.
pub struct Looks {
    /// Both sides are presented, and alike.
    pub same_rows: bool,
    /// Some presented float differs by less than a millionth.
    pub floats_close: bool,
    /// The same events break `associative`, too: merge alone is at fault.
    pub merge_alone: bool,
    /// A step of the pure law that needs an earlier call to differ.
    pub after_calls: bool,
}

fn same_multiset(left: &[u8], right: &[u8]) -> bool {
    let sorted = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        bytes.sort_unstable();
        bytes
    };
    sorted(left) == sorted(right)
}

pub fn of(finding: &Finding, looks: &Looks, description: &Description) -> &'static str {
    let outcomes = (&finding.left.outcome, &finding.right.outcome);
    let has_float = description.outputs.iter().any(|field| field.kind == Kind::Float);
    match finding.law {
        Law::Split if finding.cell.is_none() => {
            "a verdict that depends on the events beside it: a check for duplicates within one call, a \
             count of rows; put it into the state, or use an ordered machine"
        }
        Law::Split | Law::Associative if looks.floats_close => {
            "a sum of f64, which rounds by the order of its terms: use ExactSum, a decimal or an integer"
        }
        Law::Split | Law::Associative | Law::OrderFree if looks.same_rows => match outcomes {
            (Outcome::State(left), Outcome::State(right)) if left.len() != right.len() => {
                "merge keeps what fold does not: a list that grows with every merge, a part that is not \
                 brought into its one form"
            }
            (Outcome::State(left), Outcome::State(right)) if same_multiset(left, right) => {
                "equal values with other bytes: a hash map written in its own order, an unsorted list; \
                 write states in one canonical order"
            }
            _ => "a part of the state that no output shows, and that counts calls, rows or merges",
        },
        Law::Associative if description.initial.is_some() => {
            "a merge onto an anchored state that adds something of its own each time, or a floating state \
             that has run before its turn"
        }
        Law::Split | Law::Associative if looks.merge_alone && has_float => {
            "an average of averages: keep a sum and a count, and divide in present"
        }
        Law::Split | Law::Associative if looks.merge_alone => {
            "a merge that needs to know how much stands behind each side, such as an average of averages \
             or a newest of which only the value is kept"
        }
        Law::Split => "a fold that looks at the size of its call, or a merge that adds something of its own",
        Law::Associative => "a merge that treats its left and its right side differently",
        Law::Pure if looks.after_calls => {
            "memory of an earlier call: a static, a global counter, a cache, the seed of a hash map"
        }
        Law::Pure => {
            "a clock, randomness, an address, the order of a hash map, or a look at the cells beside"
        }
        Law::Total => {
            "a case that the code holds to be impossible: an unwrap, an index, an overflow, an assertion"
        }
        Law::Monotone => "a fold that needs a second row: a window over rows, a division by rows minus one",
        Law::OrderFree => {
            "a merge in which the right side wins: declare order = log, or decide by a time and @offset"
        }
    }
}
