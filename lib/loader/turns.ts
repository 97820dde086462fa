import { raceSignal } from 'race-signal'

/** Who saves to a path of the disk, one after another. */
const saving = new Map<string, Promise<void>>()

/**
 * Does a job when all that were begun before at the same path are through. A second download of one file then finds it there.
 *
 * @throws the reason of the signal, at once while it waits
 */
export async function inTurn<T>(path: string, signal: AbortSignal, job: () => Promise<T>): Promise<T> {
  const before = saving.get(path) ?? Promise.resolve()
  let leave: () => void = () => undefined
  const left = new Promise<void>((resolve) => (leave = resolve))
  const through = Promise.all([before, left]).then(() => undefined)
  saving.set(path, through)
  void through.then(() => {
    if (saving.get(path) === through) saving.delete(path)
  })
  try {
    await raceSignal(before, signal)
    return await job()
  } finally {
    leave()
  }
}
