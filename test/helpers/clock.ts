import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Test } from 'tape'

/** Less than a peer of a mounted drive that is expected is waited for, in milliseconds. */
export const AT_ONCE = 900

/**
 * Whether something takes less than a time that only a fault takes: in one of a few turns, for a busy machine may hold up any of them.
 *
 * @param ms - the time, in milliseconds
 * @param turn - what is done anew each time; gives the time that it took
 */
export async function isFaster(ms: number, turn: () => Promise<number>): Promise<boolean> {
  for (let i = 0; i < 4; i++) if ((await turn()) < ms) return true
  return false
}

/** How long something takes, in milliseconds. */
export async function took(action: Promise<unknown>): Promise<number> {
  const start = performance.now()
  await action
  return Math.round(performance.now() - start)
}

/** Does something again and again until it is heard of: a watch begins with a look, and what is there by then is no change. */
export async function again(change: (i: number) => Promise<unknown>, isHeard: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !isHeard(); i++) {
    await change(i)
    await sleep(10)
  }
}

/** Reads what a peer is waited for, but not for longer than a busy machine may take to connect the two: where that was so, it is done anew. */
export async function readsInTime<T>(t: Test, expected: T, read: () => Promise<T>): Promise<void> {
  for (let turn = 0; ; turn++) {
    const start = performance.now()
    const found = await read()
    const isLate = performance.now() - start > AT_ONCE
    if (!isDeepStrictEqual(found, expected) && isLate && turn < 3) continue
    t.same(found, expected)
    return
  }
}
