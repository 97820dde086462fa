/** What is made of the figures: who measures is not here. */
import { readFileSync } from 'node:fs'
import test from 'tape'
import { draw, growth } from './growth.ts'
import { measure, type Bench, type Figure } from './harness.ts'
import { measured, withMeasured } from './publish.ts'
import type { Results } from './results.ts'
import { toTable } from './table.ts'
import { asMarkdown, asText, isMet, targets } from './targets.ts'

const COUNTS = [1, 4, 16, 64, 256, 1024]

/** A run in which everything takes as long as with one Hyperdrive, but what is said. */
function resultsWith(figures: readonly Figure[]): Results {
  const scale = COUNTS.flatMap((count) =>
    ['entry', 'miss', 'list'].map((job) => ({
      job,
      subject: count === 1 ? '1 drive' : `${count} drives`,
      micros: job === 'miss' ? 3 : 60,
      ratio: job === 'miss' ? 0.05 : 1
    }))
  ).filter(({ job, subject }) => !figures.some((other) => other.job === job && other.subject === subject))
  const one = { job: 'entry', subject: 'one Hyperdrive', micros: 60, ratio: 1 }
  return { scale: { title: 'scale', figures: [one, ...scale, ...figures], costs: [], notes: [] } }
}

test('targets(results) says what is reached, what is missed and what was not measured', (t) => {
  const rows = targets(resultsWith([{ job: 'entry', subject: '64 drives', micros: 90, ratio: 1.5 }]))
  const row = (what: string) => rows.find((row) => row.what.includes(what))!
  t.same(row('a path that exists').measured, [1, 1, 1.5, 1])
  t.equal(isMet(row('a path that exists')), false)
  t.equal(isMet(row('does not exist')), true)
  t.equal(isMet(row('`get`')), null)
  t.equal(isMet({ ...row('does not exist'), asked: null }), null)
  t.equal(isMet({ ...row('does not exist'), asked: { atLeast: 0.1 } }), false)
  const markdown = asMarkdown(rows)
  t.match(markdown, /\| 1 \/ 16 \/ 64 \/ 256 \| at most 1\.1 \| 1 \/ 1 \/ 1\.5 \/ 1 \(missed\) \|/)
  t.match(markdown, /`get` of a 1 KiB file \| 64 \| at most 1\.25 \| – \|/)
  t.match(asText(rows), /^entry of a path that does not exist +1 \/ 16 \/ 64 \/ 256 +at most 0\.1 +0\.05/m)
  const saved = { job: 'toDisk', subject: 'HyperDriveDL', micros: 30, ratio: 1.25 }
  const loader = { title: 'loader', figures: [saved], costs: [], notes: [] }
  const toDisk = targets({ ...resultsWith([]), loader }).find(({ what }) => what.includes('mirror-drive'))!
  t.same(toDisk.measured, [0.8], 'turn by turn')
  t.end()
})

test('draw(series) puts more drives further right, higher costs higher up, and names apart', (t) => {
  const svg = draw(growth(resultsWith([{ job: 'list', subject: '1024 drives', micros: 600, ratio: 10 }])))
  const line = (color: string) =>
    [...svg.matchAll(new RegExp(`class="dot ${color}" cx="([\\d.]+)" cy="([\\d.]+)"`, 'g'))].map(
      ([, x, y]) => ({ x: Number(x), y: Number(y) })
    )
  const [entry, list, miss] = [line('a'), line('b'), line('c')]
  t.same([entry.length, list.length, miss.length], [6, 6, 6])
  t.ok(entry.every(({ x }, i) => i === 0 || x > entry[i - 1]!.x))
  t.ok(list[5]!.y < list[4]!.y, 'ten times as much is higher')
  t.ok(entry.every(({ y }, i) => y < miss[i]!.y))
  const heights = [...svg.matchAll(/class="name \w+" x="\d+" y="([\d.]+)"/g)].map(([, y]) => Number(y))
  t.equal(heights.length, 4, 'the peer was not measured')
  t.ok(heights.sort((a, b) => a - b).every((y, i) => i === 0 || y - heights[i - 1]! >= 16))
  t.notOk(/NaN|undefined|Infinity/.test(svg))
  t.end()
})

test('withMeasured(readme, text) replaces what was there', (t) => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const once = withMeasured(readme, 'first')
  const twice = withMeasured(once, 'second')
  t.match(twice, /npm run bench` -->\n\nsecond\n\n<!-- \/measured -->/)
  t.notOk(twice.includes('first\n\n<!-- /measured'))
  t.throws(() => withMeasured('no place', 'text'), /no place/)
  const report = {
    machine: 'Node',
    date: '2026-01-01',
    rounds: { warmup: 0, measured: 1 },
    scale: { files: 100_000 },
    results: resultsWith([])
  }
  t.match(measured(report), /^!\[.*\]\(test\/bench\/figures\/growth\.svg\)\n\n100,000 files/)
  t.end()
})

test('measure(bench, rounds, scale) compares who does a job, and takes a time that it is given', async (t) => {
  const given = (micros: number) => async () => ({ units: 2, micros })
  const bench: Bench = {
    title: 'of the harness',
    prepare: async (_folder, { files }) => ({
      subjects: [
        { name: 'a', jobs: { both: given(20), seldom: async () => files } },
        { name: 'b', jobs: { both: given(60), own: given(8) } }
      ],
      fewer: { own: { warmup: 0, measured: 1 } },
      close: async () => undefined
    })
  }
  const { figures } = await measure(bench, { warmup: 1, measured: 3 }, { files: 7 })
  t.same(
    figures.filter(({ job }) => job !== 'seldom'),
    [
      { job: 'both', subject: 'a', micros: 10, ratio: 1 },
      { job: 'both', subject: 'b', micros: 30, ratio: 3 },
      { job: 'own', subject: 'b', micros: 4, ratio: 1 }
    ]
  )
  const lines = toTable(figures).split('\n')
  t.match(lines[1]!, /^both +10\.0 µs +30\.0 µs +3\.00x$/)
  t.match(lines[2]!, /^seldom +[\d.]+ µs$/)
})
