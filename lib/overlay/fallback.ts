import { setMaxListeners } from 'node:events'
import type { FallbackOptions } from '../drive.ts'
import { driveFailure } from '../errors.ts'
import { atMost, budget } from '../wait.ts'
import type { Located, Reader } from './view.ts'

/** How long the bytes of a version are waited for where a read that may fall back does not say, in milliseconds. */
export const FALLBACK_TIMEOUT = 3000

/** Whether a read may be given an older version than the newest. */
export function mayFallBack(reader: Reader, { fallback }: FallbackOptions): boolean {
  return fallback ?? reader.rules.fallback
}

/**
 * The winner at a key; where the read may fall back, a version whose bytes are all on this machine by then: the winner when they come in
 * time, else the newest older one whose do. For the second half of the time those are fetched too, so that all is over when it is up.
 *
 * @throws the winner's own error when the bytes of none can be had
 */
export async function readable(
  reader: Reader,
  key: string,
  winner: Located,
  opts: FallbackOptions
): Promise<Located> {
  if (!mayFallBack(reader, opts) || (await isHere(winner))) return winner
  const time = opts.timeout || FALLBACK_TIMEOUT
  const over = new AbortController()
  setMaxListeners(0, over.signal)
  const left = budget({ ...opts, timeout: time })
  const fetch = (located: Located) => outcome(located, { ...left(), signal: over.signal })
  try {
    const first = fetch(winner)
    const early = await atMost(first, time / 2, undefined)
    if (early === null) return winner
    const others = await standIns(reader, key, winner, left())
    const attempts = others.map(fetch)
    const failed = await first
    if (failed === null) return winner
    for (const [i, attempt] of attempts.entries())
      if ((await attempt) === null) return { ...others[i]!, stale: true }
    const { candidate, source } = winner
    throw driveFailure(failed.error, candidate.leaf.name, { drive: source.drive, path: key, syscall: 'read' })
  } finally {
    over.abort()
  }
}

/** The older files of a key; behind one that is here nobody need look. */
async function standIns(
  reader: Reader,
  key: string,
  winner: Located,
  opts: FallbackOptions
): Promise<Located[]> {
  const files = (await reader.older(key, winner, opts)).filter(({ candidate }) => candidate.value.blob)
  const here = await Promise.all(files.map(isHere))
  const first = here.indexOf(true)
  return first === -1 ? files : files.slice(0, first + 1)
}

async function isHere({ candidate: { replica } }: Located): Promise<boolean> {
  // A disk that fails now is asked again, and its error told, when the bytes are fetched.
  return replica ? replica.isWhole().catch(() => false) : true
}

/** Null when the bytes are here, else why they are not. */
async function outcome(
  { candidate: { replica } }: Located,
  opts: Parameters<NonNullable<typeof replica>['fetch']>[0]
): Promise<{ error: unknown } | null> {
  try {
    await replica?.fetch(opts)
    return null
  } catch (error) {
    return { error }
  }
}
