import test from 'tape'
import { random } from '../availability/links.ts'
import { Ranges, type Range } from '../../lib/overlay/ranges.ts'

const LENGTH = 40

const between = (ranges: Ranges, start = 0, end = Infinity): Range[] => [...ranges.between(start, end)]

test('add(range) joins what overlaps and what touches, in whatever order it comes', (t) => {
  const ranges = new Ranges()
  ranges.add({ start: 10, end: 20 })
  ranges.add({ start: 30, end: 40 })
  ranges.add({ start: 5, end: 6 })
  t.same(between(ranges), [
    { start: 5, end: 6 },
    { start: 10, end: 20 },
    { start: 30, end: 40 }
  ])
  ranges.add({ start: 20, end: 25 })
  ranges.add({ start: 6, end: 10 })
  t.same(between(ranges), [
    { start: 5, end: 25 },
    { start: 30, end: 40 }
  ])
  ranges.add({ start: 7, end: 7 })
  ranges.add({ start: 12, end: 13 })
  ranges.add({ start: 24, end: 31 })
  t.same(between(ranges), [{ start: 5, end: 40 }])
  ranges.clear()
  t.same(between(ranges), [])
  t.end()
})

test('cut(end) drops what lies behind, and shortens what lies across', (t) => {
  const ranges = new Ranges()
  for (const start of [0, 20, 40]) ranges.add({ start, end: start + 10 })
  ranges.cut(45)
  t.same(between(ranges).at(-1), { start: 40, end: 45 })
  ranges.cut(30)
  t.same(between(ranges).at(-1), { start: 20, end: 30 }, 'at the end of a range')
  ranges.cut(20)
  t.same(between(ranges), [{ start: 0, end: 10 }], 'at the start of one')
  ranges.cut(0)
  t.same(between(ranges), [])
  ranges.cut(0)
  t.same(between(ranges), [], 'of nothing')
  t.end()
})

test('between(start, end) gives parts of ranges, none of them empty', (t) => {
  const ranges = new Ranges()
  for (const start of [0, 20, 40]) ranges.add({ start, end: start + 10 })
  t.same(between(ranges, 5, 45), [
    { start: 5, end: 10 },
    { start: 20, end: 30 },
    { start: 40, end: 45 }
  ])
  t.same(between(ranges, 10, 20), [])
  t.same(between(ranges, 9, 21), [
    { start: 9, end: 10 },
    { start: 20, end: 21 }
  ])
  t.same(between(ranges, 50), [])
  t.end()
})

test('random steps on ranges agree with a list of places', (t) => {
  let wrong = 0
  for (let seed = 0; seed < 300; seed++) {
    const next = random(seed)
    const upTo = (n: number) => Math.floor(next() * (n + 1))
    const ranges = new Ranges()
    const model = Array.from({ length: LENGTH }, () => false)
    for (let step = 0; step < 20; step++) {
      const [a, b] = [upTo(LENGTH), upTo(LENGTH)]
      if (next() < 0.25) {
        ranges.cut(a)
        model.fill(false, a)
      } else {
        const range = { start: Math.min(a, b), end: Math.max(a, b) }
        ranges.add(range)
        model.fill(true, range.start, range.end)
      }
      const c = upTo(LENGTH)
      const d = c + 1 + upTo(LENGTH)
      if (JSON.stringify(between(ranges, c, d)) !== JSON.stringify(runs(model, c, d))) {
        t.fail(`seed ${seed}, step ${step}: between(${c}, ${d})`)
        wrong++
        break
      }
    }
  }
  t.equal(wrong, 0)
  t.end()
})

/** The places that are set, as ranges of which no two touch. */
function runs(model: readonly boolean[], start: number, end: number): Range[] {
  const found: Range[] = []
  for (let i = start; i < end; i++) {
    if (!model[i]) continue
    const last = found.at(-1)
    if (last?.end === i) found[found.length - 1] = { start: last.start, end: i + 1 }
    else found.push({ start: i, end: i + 1 })
  }
  return found
}
