/**
 * Runs the test files, each in a process of its own so that none can lean on another: as many at once as there are cores, and one more, for
 * some of them wait for most of their time.
 *
 *   npm test                 everything but *.slow.test.ts
 *   npm run test:slow        only *.slow.test.ts
 *   npm run test:unit        what needs one process: all of them but test/integration
 *   npm run test:integration test/integration, in processes of their own, *.slow.test.ts too
 *   npm run coverage         both of these
 *   npm test -- resolve      the files whose path contains "resolve"
 */
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join, relative, sep } from 'node:path'
import { finished } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** So long the output of a test is waited for that has ended, in milliseconds. */
const LEFT_BEHIND = 5000

const here = dirname(fileURLToPath(import.meta.url))
const words = process.argv.slice(2)
const slow = words.includes('--slow')
const [unit, integration] = [words.includes('--unit'), words.includes('--integration')]
const wanted = words.filter((word) => !word.startsWith('--'))

const files = readdirSync(here, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts') && (integration || file.endsWith('.slow.test.ts') === slow))
  .filter((file) => unit === integration || isIntegration(file) === integration)
  .filter((file) => !file.split(sep).includes('node_modules'))
  .filter((file) => wanted.length === 0 || wanted.some((word) => file.includes(word)))
  .sort()

const counts = { passed: 0, failed: 0, files: 0 }
const queue = [...files]
await Promise.all(Array.from({ length: availableParallelism() + 1 }, work))
process.stdout.write(`\n${files.length} files in ${Math.round(performance.now() / 1000)} s\n`)
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed\n`)
if (counts.failed > 0 || counts.passed === 0) process.exitCode = 1

function isIntegration(file: string): boolean {
  return file.split(sep)[0] === 'integration'
}

async function work(): Promise<void> {
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) await run(file)
}

async function run(file: string): Promise<void> {
  const started = performance.now()
  const path = relative(process.cwd(), join(here, file))
  const child = spawn(process.execPath, ['--import', 'tsx', path], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve))
  // What it has said is read to its end, unless a process that it left behind keeps that open.
  const rest = Promise.all([child.stdout, child.stderr].map((stream) => finished(stream)))
  await Promise.race([rest, setTimeout(LEFT_BEHIND, undefined, { ref: false })]).catch(() => undefined)
  child.stdout.destroy()
  child.stderr.destroy()

  const passed = Number(/^# pass +(\d+)$/m.exec(output)?.[1] ?? 0)
  const failed = Number(/^# fail +(\d+)$/m.exec(output)?.[1] ?? 0)
  // A file that dies or asserts nothing has failed, whatever it had counted until then.
  const dead = failed === 0 && (code !== 0 || passed === 0)
  counts.passed += passed
  counts.failed += failed + (dead ? 1 : 0)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  if (failed === 0 && !dead) process.stdout.write(`ok ${path} (${passed} passed, ${seconds} s)\n`)
  else process.stdout.write(`not ok ${path} (exit ${code}, ${seconds} s)\n${failures(output)}\n${output}\n`)
}

/** What failed, ahead of the whole output: a record of a run that keeps only its beginning still says why. */
function failures(output: string): string {
  const said: string[] = []
  let title = ''
  let within = false
  for (const line of output.split('\n')) {
    if (line.startsWith('# ')) title = line
    if (line.startsWith('not ok')) {
      said.push(title, line)
      within = true
    } else if (within) {
      said.push(line)
      if (line === '  ...') within = false
    }
  }
  return said.join('\n')
}
