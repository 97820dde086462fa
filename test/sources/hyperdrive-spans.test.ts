import fc from 'fast-check'
import test from 'tape'
import { difference, overlaps, union, type Span } from '../../lib/sources/hyperdrive/spans.ts'

const span = (start: number, end: number): Span => ({ start, end })

test('union(spans): in order, joined where they touch', (t) => {
  t.same(union([]), [])
  t.same(union([span(5, 7), span(1, 2), span(2, 3)]), [span(1, 3), span(5, 7)])
  t.same(union([span(1, 9), span(2, 3), span(4, 4)]), [span(1, 9)])
  t.same(union([span(3, 3), span(5, 4)]), [], 'what is empty is nothing')
  t.end()
})

test('difference(spans, others): what is only in the first', (t) => {
  t.same(difference([span(0, 10)], []), [span(0, 10)])
  t.same(difference([span(0, 10)], [span(0, 10)]), [])
  t.same(difference([span(0, 10)], [span(2, 3), span(5, 20)]), [span(0, 2), span(3, 5)])
  t.same(difference([span(0, 2), span(4, 6), span(8, 10)], [span(1, 9)]), [span(0, 1), span(9, 10)])
  t.end()
})

const spans = fc.array(
  fc.tuple(fc.nat(30), fc.nat(5)).map(([start, length]) => span(start, start + length)),
  { maxLength: 8 }
)
const blocks = (of: readonly Span[]) => new Set(of.flatMap(({ start, end }) => [...range(start, end)]))
function* range(start: number, end: number) {
  for (let i = start; i < end; i++) yield i
}

test('union, difference and overlaps do with spans what sets do with blocks', (t) => {
  fc.assert(
    fc.property(spans, spans, (some, others) => {
      const [a, b] = [blocks(some), blocks(others)]
      const same = (found: readonly Span[], wanted: Set<number>) => {
        const apart = found.every((next, i) => i === 0 || found[i - 1]!.end < next.start)
        return apart && blocks(found).size === wanted.size && [...wanted].every((i) => blocks(found).has(i))
      }
      const rest = new Set([...a].filter((block) => !b.has(block)))
      return (
        same(union(some), a) &&
        same(difference(union(some), union(others)), rest) &&
        others.every((one) => overlaps(union(some), one) === [...blocks([one])].some((i) => a.has(i)))
      )
    }),
    { numRuns: 2000 }
  )
  t.pass('2000 times')
  t.end()
})
