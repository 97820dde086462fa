import type { Figure } from './harness.ts'

const LEAST = 10
const COLUMN = 20

/** The figures of one bench: a row for each job, a column for each subject. */
export function toTable(figures: readonly Figure[]): string {
  const jobs = [...new Set(figures.map(({ job }) => job))]
  const subjects = [...new Set(figures.map(({ subject }) => subject))]
  const width = Math.max(COLUMN, ...subjects.map(({ length }) => length + 2))
  const row = (first: string, cells: readonly string[]) =>
    (first.padEnd(LEAST) + cells.map((cell) => cell.padStart(width)).join('')).trimEnd()
  const lines = jobs.map((job) => {
    const cells = subjects.map((subject, i) => {
      const figure = figures.find((figure) => figure.job === job && figure.subject === subject)
      if (!figure) return ''
      const { micros, ratio } = figure
      return i === 0 ? duration(micros) : `${duration(micros)} ${times(ratio).padStart(6)}`
    })
    return row(job, cells)
  })
  return [row('', subjects), ...lines].join('\n')
}

function duration(micros: number): string {
  if (micros >= 10_000) return `${(micros / 1000).toFixed(1)} ms`
  return `${micros.toFixed(micros < 100 ? 1 : 0)} µs`
}

function times(ratio: number): string {
  return `${ratio.toFixed(ratio < 10 ? 2 : 0)}x`
}
