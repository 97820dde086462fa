/** Blocks `start` to `end` of a core. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** The same blocks in order, as spans of which no two touch. */
export function union(spans: readonly Span[]): Span[] {
  const joined: { start: number; end: number }[] = []
  for (const { start, end } of [...spans].sort((a, b) => a.start - b.start)) {
    if (start >= end) continue
    const last = joined.at(-1)
    if (last && start <= last.end) last.end = Math.max(last.end, end)
    else joined.push({ start, end })
  }
  return joined
}

/**
 * The blocks of `spans` that are not in `others`.
 *
 * @param spans - in order, of which no two touch
 * @param others - the same
 */
export function difference(spans: readonly Span[], others: readonly Span[]): Span[] {
  const rest: Span[] = []
  let next = 0
  for (const { start, end } of spans) {
    let at = start
    while (next < others.length && others[next]!.end <= at) next++
    for (let i = next; i < others.length && others[i]!.start < end; i++) {
      const other = others[i]!
      if (at < other.start) rest.push({ start: at, end: other.start })
      at = Math.max(at, other.end)
    }
    if (at < end) rest.push({ start: at, end })
  }
  return rest
}

/**
 * Whether any block is in both.
 *
 * @param spans - in order, of which no two touch
 */
export function overlaps(spans: readonly Span[], { start, end }: Span): boolean {
  let low = 0
  let high = spans.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (spans[middle]!.end <= start) low = middle + 1
    else high = middle
  }
  return low < spans.length && spans[low]!.start < end && start < end
}
