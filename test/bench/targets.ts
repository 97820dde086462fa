import { ALL_ASKED, COLD } from './cold.bench.ts'
import { LOADER, LOADER_COSTS } from './loader.bench.ts'
import { ours, theirs } from './peer.bench.ts'
import { DRIVES_AWAY, ONE_AWAY } from './remote.bench.ts'
import { costOf, figureOf, type Results } from './results.ts'
import { COSTS } from './scale-costs.ts'
import { drives, IN_THREE } from './scale.bench.ts'

/** One line of what is asked of the library, with what it reaches. */
export interface Target {
  readonly what: string
  /** Over how many drives, one value for each; null where that says nothing. */
  readonly over: readonly string[] | null
  /** Null where nothing is asked. */
  readonly asked: { readonly atMost: number } | { readonly atLeast: number } | null
  /** Of one Hyperdrive where it has no unit. Null for what was not measured. */
  readonly measured: readonly (number | null)[]
  readonly unit: string
}

/** What is asked, in the order in which it is told. */
export function targets(results: Results): Target[] {
  const time = (job: string, subject: string) => figureOf(results, 'scale', job, subject)?.ratio ?? null
  const speed = (job: string, subject: string) => inverse(time(job, subject))
  // To the drive itself, and to mirror-drive: turn by turn, as above.
  const loading = (job: string) => inverse(figureOf(results, 'loader', job, LOADER)?.ratio ?? null)
  const micros = (bench: string, job: string, subject: string) =>
    figureOf(results, bench, job, subject)?.micros ?? null
  const cost = (what: string) => costOf(results, 'scale', what)
  const atScale = (
    what: string,
    counts: readonly number[],
    asked: Target['asked'],
    value: (subject: string) => number | null
  ): Target => ({
    what,
    over: counts.map(String),
    asked,
    measured: counts.map((count) => value(drives(count))),
    unit: ''
  })
  const single = (
    what: string,
    over: number | null,
    asked: Target['asked'],
    value: number | null,
    unit = ''
  ): Target => ({ what, over: over === null ? null : [String(over)], asked, measured: [value], unit })

  const READ = [1, 16, 64, 256]
  const away = (job: string, subject: string) =>
    divided(micros('remote', job, subject), micros('remote', 'list', ONE_AWAY))
  return [
    atScale('`entry` of a path that exists', READ, { atMost: 1.1 }, (of) => time('entry', of)),
    atScale('`stat` of a path that exists, to `entry`', READ, { atMost: 1.1 }, (of) => time('stat', of)),
    atScale('`entry` of a path that does not exist', READ, { atMost: 0.1 }, (of) => time('miss', of)),
    atScale('`get` of a 1 KiB file', [64], { atMost: 1.25 }, (of) => time('get', of)),
    atScale("whole `list('/')`, entries per second", [1, 16, 64], { atLeast: 0.9 }, (of) =>
      speed('list', of)
    ),
    atScale('`readdir` of 10,000 names, as fast', [1, 16], { atLeast: 8 }, (of) => speed('readdir', of)),
    atScale("first entry of `list('/')`", [64], { atMost: 3 }, (of) => time('first', of)),
    atScale('`put` of a 1 KiB file', [64], { atMost: 1.5 }, (of) => time('put', of)),
    atScale('`createReadStream` of 256 MiB, as fast', [64], { atLeast: 0.95 }, (of) => speed('stream', of)),
    single('every path in 3 of the drives: `entry`', 64, { atMost: 3.3 }, time('entry', IN_THREE)),
    single("50 ms away: `readdir('/')`, to one `list`", 4, { atMost: 2 }, away('readdir', DRIVES_AWAY)),
    single("50 ms away: Hyperdrive's own `readdir('/')`", 1, null, away('readdir', ONE_AWAY)),
    single(
      'first `entry` without a locator, to asking all at once',
      64,
      { atMost: 1 },
      divided(micros('cold', 'first', COLD), micros('cold', 'first', ALL_ASKED))
    ),
    single(
      'growth of `entry` from 16 drives to 1,024',
      1024,
      { atMost: 1.3 },
      divided(micros('scale', 'entry', drives(1024)), micros('scale', 'entry', drives(16)))
    ),
    single(COSTS.bytesPerEntry, 64, { atMost: 24 }, cost(COSTS.bytesPerEntry), 'bytes'),
    single(COSTS.rate, 64, { atLeast: 100_000 }, cost(COSTS.rate), 'entries'),
    single(COSTS.firstRate, 64, null, cost(COSTS.firstRate), 'entries'),
    single(COSTS.heldUp, 64, { atMost: 10 }, cost(COSTS.heldUp), 'ms'),
    single(COSTS.opening, 64, { atMost: 1 }, perDrive(micros('cold', 'open', COLD)), 'ms'),
    single(COSTS.rssPerDrive, 64, null, cost(COSTS.rssPerDrive), 'KiB'),
    single(COSTS.rssPerEntries, 64, null, cost(COSTS.rssPerEntries), 'MiB'),
    single('loader: `getStream` of 300 MiB, as fast', null, { atLeast: 0.95 }, loading('getStream')),
    single(
      'loader: 200 MiB over loopback to the disk, to mirror-drive',
      null,
      { atLeast: 0.95 },
      loading('toDisk')
    ),
    single(LOADER_COSTS.stream, null, { atMost: 100 }, costOf(results, 'loader', LOADER_COSTS.stream), 'MiB'),
    single(LOADER_COSTS.disk, null, { atMost: 100 }, costOf(results, 'loader', LOADER_COSTS.disk), 'MiB'),
    single('MultiDrive: `stat`, 1,600 files', 64, null, micros('peer', 'stat', ours(64)), 'µs'),
    single('multi-hyperdrive 1.1.4: `stat`, 1,600 files', 64, null, micros('peer', 'stat', theirs(64)), 'µs')
  ]
}

/** Whether all is as it is asked; null where nothing is asked or something was not measured. */
export function isMet({ asked, measured }: Target): boolean | null {
  if (asked === null || measured.includes(null)) return null
  return (measured as readonly number[]).every((value) =>
    'atMost' in asked ? value <= asked.atMost : value >= asked.atLeast
  )
}

const HEAD = ['what, to one Hyperdrive with the same files', 'drives', 'asked', 'measured'] as const

/** For the terminal. */
export function asText(rows: readonly Target[]): string {
  const cells = [HEAD, ...rows.map(cellsOf)].map((row) => row.map((cell) => cell.replaceAll('`', '')))
  const widths = HEAD.map((_, i) => Math.max(...cells.map((row) => row[i]!.length)))
  return cells
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd()
    )
    .join('\n')
}

export function asMarkdown(rows: readonly Target[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(HEAD), line(HEAD.map(() => '---')), ...rows.map((row) => line(cellsOf(row)))].join('\n')
}

function cellsOf(row: Target): string[] {
  const { what, over, asked, measured, unit } = row
  const limit =
    asked === null
      ? ''
      : 'atMost' in asked
        ? `at most ${inWords(asked.atMost, unit)}`
        : `at least ${inWords(asked.atLeast, unit)}`
  const values = measured.map((value) => (value === null ? '–' : inWords(value, '')))
  const reached = `${values.join(' / ')}${unit && ` ${unit}`}${isMet(row) === false ? ' (missed)' : ''}`
  return [what, over?.map((count) => Number(count).toLocaleString('en')).join(' / ') ?? '', limit, reached]
}

function inWords(value: number, unit: string): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 0.1 ? 2 : 3
  const shown = Number(value.toFixed(digits)).toLocaleString('en', { maximumFractionDigits: 3 })
  return unit === '' ? shown : `${shown} ${unit}`
}

function inverse(ratio: number | null): number | null {
  return ratio === null ? null : 1 / ratio
}

function divided(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a / b
}

/** In milliseconds. */
function perDrive(micros: number | null): number | null {
  return micros === null ? null : micros / 1000
}
