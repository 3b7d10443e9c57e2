package bifocal

import "slices"

// leafMax is how many entries a leaf has at most: an insertion moves half a leaf and, once in half a
// leaf of insertions, half of the list of leaves. That is cheap up to millions of entries.
const leafMax = 64

// sorted is a map in ascending order, in short leaves. The zero value is empty. Go's own map has no
// order, and its order of iteration must never reach the bytes of a state.
type sorted[K Value, S any] struct {
	// leaves are not empty.
	leaves [][]entry[K, S]
	size   int
}

type entry[K Value, S any] struct {
	key   K
	value S
}

// find is where the key is, or where it belongs.
func (s *sorted[K, S]) find(key K) (leaf, at int, found bool) {
	low, high := 0, len(s.leaves)-1
	// The first leaf whose last key is not below the sought one, else the last leaf.
	for low < high {
		middle := (low + high) / 2
		if last := s.leaves[middle]; compare(last[len(last)-1].key, key) < 0 {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if len(s.leaves) == 0 {
		return 0, 0, false
	}
	entries := s.leaves[low]
	from, to := 0, len(entries)
	for from < to {
		middle := (from + to) / 2
		switch order := compare(entries[middle].key, key); {
		case order == 0:
			return low, middle, true
		case order < 0:
			from = middle + 1
		default:
			to = middle
		}
	}
	return low, from, false
}

func (s *sorted[K, S]) get(key K) *S {
	if leaf, at, found := s.find(key); found {
		return &s.leaves[leaf][at].value
	}
	return nil
}

// entry is the value of the key, a zero one if it is new. The pointer holds until the next insertion.
func (s *sorted[K, S]) entry(key K) (value *S, isNew bool) {
	leaf, at, found := s.find(key)
	if !found {
		leaf, at = s.makeRoom(leaf, at)
		s.leaves[leaf] = slices.Insert(s.leaves[leaf], at, entry[K, S]{key: key})
		s.size++
	}
	return &s.leaves[leaf][at].value, !found
}

// makeRoom splits a leaf that is full; it returns where the place is now.
func (s *sorted[K, S]) makeRoom(leaf, at int) (int, int) {
	if len(s.leaves) == 0 {
		s.leaves = append(s.leaves, nil)
	}
	entries := s.leaves[leaf]
	if len(entries) < leafMax {
		return leaf, at
	}
	upper := append(make([]entry[K, S], 0, leafMax), entries[leafMax/2:]...)
	clear(entries[leafMax/2:])
	s.leaves[leaf] = entries[:leafMax/2]
	s.leaves = slices.Insert(s.leaves, leaf+1, upper)
	if at <= leafMax/2 {
		return leaf, at
	}
	return leaf + 1, at - leafMax/2
}

// push appends a key that should be above all others; false if it is not.
func (s *sorted[K, S]) push(key K) (*S, bool) {
	last := len(s.leaves) - 1
	if last >= 0 {
		if entries := s.leaves[last]; compare(entries[len(entries)-1].key, key) >= 0 {
			return nil, false
		}
	}
	if last < 0 || len(s.leaves[last]) == leafMax {
		s.leaves = append(s.leaves, nil)
		last++
	}
	s.leaves[last] = append(s.leaves[last], entry[K, S]{key: key})
	s.size++
	return &s.leaves[last][len(s.leaves[last])-1].value, true
}

// all is every entry, ascending.
func (s *sorted[K, S]) all(yield func(K, *S) bool) {
	for _, leaf := range s.leaves {
		for i := range leaf {
			if !yield(leaf[i].key, &leaf[i].value) {
				return
			}
		}
	}
}
