//! Fewer of what still shows a fault. Owns the search; knows nothing of what is searched.

/// The delta debugging of Zeller and Hildebrandt (2002): items of which none can be left out without
/// losing the fault. `fails` answers for a part of `items` in the same order; no more than
/// `tests_max` questions are asked.
pub fn minimal<T: Clone, E>(
    items: Vec<T>,
    tests_max: usize,
    fails: &mut impl FnMut(&[T]) -> Result<bool, E>,
) -> Result<Vec<T>, E> {
    let (mut items, mut pieces, mut tests) = (items, 2, 0);
    while items.len() > 1 && tests < tests_max {
        let length = items.len().div_ceil(pieces).max(1);
        let mut smaller = None;
        for from in (0..items.len()).step_by(length) {
            let to = items.len().min(from + length);
            let (before, rest) = items.split_at(from);
            let (piece, after) = rest.split_at(to - from);
            // The piece alone is the greatest step, where there are but two pieces it is also the
            // complement of the other.
            let complement = [before, after].concat();
            for (candidate, pieces) in [(piece.to_vec(), 2), (complement, pieces.max(3) - 1)] {
                tests += 1;
                if candidate.len() < items.len() && !candidate.is_empty() && fails(&candidate)? {
                    smaller = Some((candidate, pieces));
                    break;
                }
            }
            if smaller.is_some() || tests >= tests_max {
                break;
            }
        }
        match smaller {
            Some((candidate, of)) => {
                items = candidate;
                pieces = of;
            }
            None if length == 1 => break,
            None => pieces = (pieces * 2).min(items.len()),
        }
    }
    Ok(items)
}

/// All ways to choose some, but not all, of a few items, fewest first; within a size in order.
pub fn choices<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    let mut masks: Vec<u32> = (1..(1u32 << items.len().min(CHOICES_OF_MAX)) - 1).collect();
    masks.sort_by_key(|mask| (mask.count_ones(), *mask));
    let chosen = |mask: u32| {
        let picked = items.iter().enumerate().filter(move |(i, _)| mask >> i & 1 == 1);
        picked.map(|(_, item)| item.clone()).collect()
    };
    masks.into_iter().map(chosen).collect()
}

/// More items than these have too many choices; [`choices`] leaves out what stands behind them.
pub const CHOICES_OF_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn shrunk(items: Vec<u32>, fails: impl Fn(&[u32]) -> bool) -> Vec<u32> {
        minimal(items, 10_000, &mut |items: &[u32]| Ok::<bool, Infallible>(fails(items))).unwrap()
    }

    #[test]
    fn what_is_left_is_what_the_fault_needs() {
        for needed in [vec![0], vec![999], vec![3, 500, 998], vec![17, 18], (0..40).map(|i| i * 25).collect()]
        {
            let found =
                shrunk((0..1000).collect(), |items| needed.iter().all(|needed| items.contains(needed)));
            assert_eq!(found, needed);
        }
    }

    #[test]
    fn questions_are_bounded() {
        let mut asked = 0;
        let fails = &mut |items: &[u32]| {
            asked += 1;
            Ok::<bool, Infallible>(items.len() > 500)
        };
        minimal((0..1000).collect(), 64, fails).unwrap();
        assert!(asked <= 64, "{asked}");
    }

    #[test]
    fn choices_come_smallest_first_and_never_all() {
        let all = choices(&[1, 2, 3]);
        assert_eq!(all, [vec![1], vec![2], vec![3], vec![1, 2], vec![1, 3], vec![2, 3]]);
        assert_eq!(choices::<u32>(&[1]), Vec::<Vec<u32>>::new());
    }
}
