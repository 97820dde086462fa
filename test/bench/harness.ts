import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Units of work that were done, with the time they took where that is not the whole of the job's. */
export type Work = number | { readonly units: number; readonly micros: number }

/** Does a job once and gives how many units of work that was. */
export type Job = (round: number) => Promise<Work>

/** Something that is measured: the same jobs, done by different means. It may leave some out. */
export interface Subject {
  readonly name: string
  readonly jobs: Readonly<Record<string, Job | undefined>>
}

/** What is no time of a job, measured once. */
export interface Cost {
  readonly what: string
  readonly value: number
  readonly unit: string
}

export interface Scale {
  /** How many files the drives hold. */
  readonly files: number
}

/** A file `*.bench.ts` exports one as `bench`. */
export interface Bench {
  readonly title: string
  /** Makes the subjects in an empty folder; the others are compared to the first that does a job. */
  prepare(
    folder: string,
    scale: Scale
  ): Promise<{
    subjects: readonly Subject[]
    /** Jobs that take too long for as many rounds as the others. */
    fewer?: Readonly<Record<string, Rounds>>
    /** Jobs that each subject does so many times in a round, in turns: the machine is seldom as fast for long. Default 1. */
    turns?: Readonly<Record<string, number>>
    costs?(): Promise<readonly Cost[]>
    /** Lines about what is no time. */
    notes?(): Promise<readonly string[]>
    close(): Promise<void>
  }>
}

export interface Figure {
  readonly job: string
  readonly subject: string
  /** Median over the rounds, in microseconds for a unit of work. */
  readonly micros: number
  /** Median over the rounds of the time as a multiple of the first subject's in the same round. */
  readonly ratio: number
}

export interface Rounds {
  readonly warmup: number
  readonly measured: number
}

/** What a bench found. */
export interface Findings {
  readonly figures: readonly Figure[]
  readonly costs: readonly Cost[]
  readonly notes: readonly string[]
}

/**
 * Measures all jobs of all subjects in turn, many times over: what slows the machine down for a while slows all of them.
 */
export async function measure(bench: Bench, rounds: Rounds, scale: Scale): Promise<Findings> {
  const folder = mkdtempSync(join(tmpdir(), 'multidrive-bench-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  const interrupt = () => {
    remove()
    process.exit(130)
  }
  process.once('SIGINT', interrupt)
  try {
    const prepared = await bench.prepare(folder, scale)
    try {
      const found = await figures(prepared.subjects, rounds, prepared.fewer ?? {}, prepared.turns ?? {})
      const costs = (await prepared.costs?.()) ?? []
      return { figures: found, costs, notes: (await prepared.notes?.()) ?? [] }
    } finally {
      await prepared.close()
    }
  } finally {
    process.off('SIGINT', interrupt)
    remove()
  }
}

async function figures(
  subjects: readonly Subject[],
  rounds: Rounds,
  fewer: Readonly<Record<string, Rounds>>,
  turns: Readonly<Record<string, number>>
): Promise<Figure[]> {
  const jobs = [...new Set(subjects.flatMap((subject) => Object.keys(subject.jobs)))].map((job) => {
    const of = fewer[job] ?? rounds
    const doing = subjects.filter((subject) => subject.jobs[job] !== undefined)
    const warmup = Math.min(of.warmup, rounds.warmup)
    const measured = Math.min(of.measured, rounds.measured)
    return { job, doing, warmup, measured, turns: turns[job] ?? 1, times: doing.map((): number[] => []) }
  })
  for (let round = 0; round < rounds.warmup + rounds.measured; round++) {
    for (const { job, doing, warmup, measured, turns, times } of jobs) {
      if (round >= warmup + measured) continue
      globalThis.gc?.()
      for (let i = 0; i < doing.length * turns; i++) {
        const turn = round * turns + Math.floor(i / doing.length)
        // Nobody is always first, nor always after the slowest.
        const at = (i + turn) % doing.length
        // What others have just left behind; all that a thousand open drives hold would take longer than the job.
        globalThis.gc?.({ type: 'minor' })
        const started = performance.now()
        const work = await doing[at]!.jobs[job]!(turn)
        const micros = (performance.now() - started) * 1000
        const each = typeof work === 'number' ? micros / work : work.micros / work.units
        if (round >= warmup) times[at]!.push(each)
      }
    }
  }
  return jobs.flatMap(({ job, doing, times }) =>
    times.map((micros, i): Figure => {
      const ratios = micros.map((time, round) => time / times[0]![round]!)
      return { job, subject: doing[i]!.name, micros: median(micros), ratio: median(ratios) }
    })
  )
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
