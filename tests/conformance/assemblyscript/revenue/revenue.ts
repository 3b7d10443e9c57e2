// Hourly revenue per merchant and currency of completed orders, written from `wit/transform.wit` alone: no SDK and
// no generated bindings. Records are read and written at the offsets that the canonical ABI gives them.

// ---- Memory: that of one call. It goes when the result has been read, and is taken again from the start. ----

let top: usize = __heap_base;

function allocate(size: usize): usize {
  const at = (top + 15) & ~15;
  top = at + size;
  const pages = <i32>((top + 0xffff) >>> 16);
  if (pages > memory.size() && memory.grow(pages - memory.size()) < 0) unreachable();
  return at;
}

/** The same, all zero: memory is taken again by a second call in one instance. */
function cleared(size: usize): usize {
  const at = allocate(size);
  memory.fill(at, 0, size);
  return at;
}

export function cabi_realloc(old: usize, oldSize: usize, alignment: usize, newSize: usize): usize {
  const at = allocate(newSize);
  memory.copy(at, old, min(oldSize, newSize));
  return at;
}

function release(): void {
  top = __heap_base;
}

// ---- The boundary ----

/** The address and the length of a UTF-8 text. */
class Text {
  constructor(public at: usize, public length: usize) {}
}
