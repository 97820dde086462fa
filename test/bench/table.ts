import type { Figure } from './harness.ts'

const COLUMN = 18

/** The figures of one bench: a row for each job, a column for each subject. */
export function toTable(figures: readonly Figure[]): string {
  const jobs = [...new Set(figures.map(({ job }) => job))]
  const subjects = [...new Set(figures.map(({ subject }) => subject))]
  const row = (first: string, cells: readonly string[]) =>
    (first.padEnd(10) + cells.map((cell) => cell.padStart(COLUMN)).join('')).trimEnd()
  const lines = jobs.map((job) => {
    const cells = subjects.map((subject, i) => {
      const { micros, ratio } = figures.find((figure) => figure.job === job && figure.subject === subject)!
      return i === 0 ? duration(micros) : `${duration(micros)} ${ratio.toFixed(1).padStart(6)}x`
    })
    return row(job, cells)
  })
  return [row('', subjects), ...lines].join('\n')
}

function duration(micros: number): string {
  if (micros >= 10_000) return `${(micros / 1000).toFixed(1)} ms`
  return `${micros.toFixed(micros < 100 ? 1 : 0)} µs`
}
