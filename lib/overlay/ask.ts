import type { LeafView, Source, SourceFailure, View } from '../sources/source.ts'
import { worst } from './failure.ts'

/** One of the members that a question is put to. */
interface Asked<V> {
  readonly source: Source
  readonly view: V
}

/** Asks one member; its failure names it. */
export async function ask<V extends View, T>(
  { source, view }: Asked<V>,
  question: (view: V) => Promise<T>,
  path: string
): Promise<T> {
  try {
    return await question(view)
  } catch (error) {
    throw worst([{ source, error }], path)
  }
}

/**
 * What leaves answer that are asked all at once, in their order and without those that have nothing to say; it never rejects.
 *
 * @param failed - where those are added that could not answer, with their errors
 */
export async function answers<T>(
  leaves: readonly LeafView[],
  question: (view: LeafView) => Promise<T | null>,
  failed: Map<Source, unknown>
): Promise<T[]> {
  // As a write mostly finds it: nobody holds anything there.
  if (leaves.length === 0) return []
  if (leaves.length === 1) {
    const [view] = leaves
    try {
      const answer = await question(view!)
      return answer === null ? [] : [answer]
    } catch (error) {
      failed.set(view!.leaf, error)
      return []
    }
  }
  const settled = await Promise.allSettled(leaves.map(question))
  return settled.flatMap((result, i): T[] => {
    if (result.status === 'fulfilled') return result.value === null ? [] : [result.value]
    failed.set(leaves[i]!.leaf, result.reason)
    return []
  })
}

/** Asks all members at once and keeps their answers in the order of adding; any failure fails the whole. */
export async function gather<V extends View, T>(
  members: readonly Asked<V>[],
  question: (view: V) => Promise<T>,
  path: string
): Promise<T[]> {
  if (members.length === 1) return [await ask(members[0]!, question, path)]
  const settled = await Promise.allSettled(members.map(({ view }) => question(view)))
  const failures = settled.flatMap((result, i): SourceFailure[] =>
    result.status === 'rejected' ? [{ source: members[i]!.source, error: result.reason }] : []
  )
  if (failures.length > 0) throw worst(failures, path)
  return settled.map((result) => (result as PromiseFulfilledResult<T>).value)
}
