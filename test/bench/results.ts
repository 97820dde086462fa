import type { Figure, Findings } from './harness.ts'

/** What each bench found, by the name of its file. */
export type Results = Readonly<Record<string, { readonly title: string } & Findings>>

/** The figure of a subject's job; null where it was not measured. */
export function figureOf(results: Results, bench: string, job: string, subject: string): Figure | null {
  const figures = results[bench]?.figures ?? []
  return figures.find((figure) => figure.job === job && figure.subject === subject) ?? null
}

export function costOf(results: Results, bench: string, what: string): number | null {
  return results[bench]?.costs.find((cost) => cost.what === what)?.value ?? null
}
