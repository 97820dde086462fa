/**
 * Compares ways to do one job, in one run, as ratios, and prints tables. A whole run writes its figures, the picture of them and the table
 * of the README; no other does.
 *
 *   npm run bench                    every *.bench.ts, then writes
 *   npm run bench -- drive           the files whose name contains "drive"
 *   npm run bench -- --json FILE     writes the figures there, too
 *   npm run bench -- --rounds 3      fewer or more rounds
 *   npm run bench -- --files 5000    fewer files, to see that it runs
 *   npm run bench -- --print         writes nothing
 */
import { readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { measure, type Bench, type Findings } from './harness.ts'
import { publish, type Report } from './publish.ts'
import { toTable } from './table.ts'
import { asText, targets } from './targets.ts'

const FILES = 100_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    rounds: { type: 'string', default: '9' },
    files: { type: 'string', default: String(FILES) },
    print: { type: 'boolean', default: false }
  }
})
const rounds = { warmup: 2, measured: Math.max(1, Number(values.rounds)) }
const scale = { files: Math.max(1000, Number(values.files)) }

const files = readdirSync(dirname(fileURLToPath(import.meta.url)))
  .filter((file) => file.endsWith('.bench.ts'))
  .filter((file) => positionals.length === 0 || positionals.some((word) => file.includes(word)))
  .sort()

const machine = `Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`
process.stdout.write(`${machine}\nMedians of ${rounds.measured} rounds; for each unit of work\n`)

const results: Record<string, { title: string } & Findings> = {}
for (const file of files) {
  const { bench } = (await import(`./${file}`)) as { bench: Bench }
  const started = performance.now()
  const found = await measure(bench, rounds, scale)
  results[file.replace('.bench.ts', '')] = { title: bench.title, ...found }
  const seconds = Math.round((performance.now() - started) / 1000)
  const lines = [
    ...found.costs.map(({ what, value, unit }) => `${what}: ${Number(value.toPrecision(3))} ${unit}`),
    ...found.notes
  ]
  process.stdout.write(`\n${bench.title} (${seconds} s)\n\n${toTable(found.figures)}\n`)
  if (lines.length > 0) process.stdout.write(`\n${lines.join('\n')}\n`)
}

const report: Report = { machine, date: new Date().toISOString().slice(0, 10), rounds, scale, results }
const rows = targets(results).filter(({ measured }) => measured.some((value) => value !== null))
if (rows.length > 0) process.stdout.write(`\n${asText(rows)}\n`)
if (values.json !== undefined) await writeFile(values.json, JSON.stringify(report, null, 2) + '\n')
const whole = positionals.length === 0 && scale.files === FILES
if (whole && !values.print) {
  await publish(report)
  process.stdout.write('\nwritten to test/bench/figures and README.md\n')
}
process.stdout.write(`\n${Math.round(performance.now() / 1000)} s\n`)
