import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Something that is measured: the same jobs, done by different means. */
export interface Subject {
  readonly name: string
  /** Does a job once and gives how many units of work that was. */
  readonly jobs: Readonly<Record<string, (round: number) => Promise<number>>>
}

/** A file `*.bench.ts` exports one as `bench`. */
export interface Bench {
  readonly title: string
  /** Makes the subjects in an empty folder; the others are compared to the first. */
  prepare(folder: string): Promise<{
    subjects: readonly Subject[]
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

/**
 * Measures all jobs of all subjects in turn, many times over: what slows the machine down for a while slows all of them.
 */
export async function measure(
  bench: Bench,
  rounds: Rounds
): Promise<{ figures: Figure[]; notes: readonly string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'multidrive-bench-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  const interrupt = () => {
    remove()
    process.exit(130)
  }
  process.once('SIGINT', interrupt)
  try {
    const prepared = await bench.prepare(folder)
    try {
      const found = await figures(prepared.subjects, rounds)
      return { figures: found, notes: (await prepared.notes?.()) ?? [] }
    } finally {
      await prepared.close()
    }
  } finally {
    process.off('SIGINT', interrupt)
    remove()
  }
}

async function figures(subjects: readonly Subject[], { warmup, measured }: Rounds): Promise<Figure[]> {
  const jobs = Object.keys(subjects[0]!.jobs)
  const times = new Map(jobs.map((job) => [job, subjects.map((): number[] => [])]))
  for (let round = 0; round < warmup + measured; round++) {
    for (const [job, found] of times) {
      // Nobody is always first, nor always after the slowest.
      for (let i = 0; i < subjects.length; i++) {
        const at = (i + round) % subjects.length
        globalThis.gc?.()
        const started = performance.now()
        const units = await subjects[at]!.jobs[job]!(round)
        const micros = ((performance.now() - started) * 1000) / units
        if (round >= warmup) found[at]!.push(micros)
      }
    }
  }
  return [...times].flatMap(([job, found]) =>
    found.map((micros, i): Figure => {
      const ratios = micros.map((time, round) => time / found[0]![round]!)
      return { job, subject: subjects[i]!.name, micros: median(micros), ratio: median(ratios) }
    })
  )
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
