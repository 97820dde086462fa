import { setTimeout as sleep } from 'node:timers/promises'

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
