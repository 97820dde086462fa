/**
 * Compares ways to do one job, in one run, as ratios. Prints tables and writes nothing by default.
 *
 *   npm run bench                    every *.bench.ts
 *   npm run bench -- drive           the files whose name contains "drive"
 *   npm run bench -- --json FILE     writes the figures, too
 *   npm run bench -- --rounds 3      fewer or more rounds
 */
import { readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { measure, type Bench, type Figure } from './harness.ts'
import { toTable } from './table.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' }, rounds: { type: 'string', default: '9' } }
})
const rounds = { warmup: 2, measured: Math.max(1, Number(values.rounds)) }

const files = readdirSync(dirname(fileURLToPath(import.meta.url)))
  .filter((file) => file.endsWith('.bench.ts'))
  .filter((file) => positionals.length === 0 || positionals.some((word) => file.includes(word)))
  .sort()

const machine = `Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`
process.stdout.write(`${machine}\nMedians of ${rounds.measured} rounds; for each unit of work\n`)

const results: Record<string, { title: string; figures: Figure[]; notes: readonly string[] }> = {}
for (const file of files) {
  const { bench } = (await import(`./${file}`)) as { bench: Bench }
  const { figures, notes } = await measure(bench, rounds)
  results[file.replace('.bench.ts', '')] = { title: bench.title, figures, notes }
  process.stdout.write(`\n${bench.title}\n\n${toTable(figures)}\n`)
  if (notes.length > 0) process.stdout.write(`\n${notes.join('\n')}\n`)
}
process.stdout.write(`\n${Math.round(performance.now() / 1000)} s\n`)

if (values.json !== undefined) {
  await writeFile(values.json, JSON.stringify({ machine, rounds, results }, null, 2) + '\n')
}
