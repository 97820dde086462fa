/** Waiting with an end: by time, or by a signal. */
import { failure } from './errors.ts'

/** The longest time that a timer has, in milliseconds; with more it ends at once. */
export const LONGEST = 2 ** 31 - 1

/** Milliseconds as timers take them: 0 for without bound, where nobody would see the end. */
export function bounded(timeout: number): number {
  return timeout > LONGEST ? 0 : timeout
}

/**
 * Calls when a timeout is over.
 *
 * @param timeout - in milliseconds; 0, and what is longer than any timer, is without bound
 * @returns the timer; undefined where there is none
 */
export function startTimer(timeout: number, end: () => void): NodeJS.Timeout | undefined {
  const patience = bounded(timeout)
  return patience === 0 ? undefined : setTimeout(end, patience)
}

/**
 * What a promise gives, or something else where it takes longer.
 *
 * @param ms - how long it may take, in milliseconds
 */
export async function atMost<T, L>(promise: Promise<T>, ms: number, otherwise: L): Promise<T | L> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<L>((resolve) => (timer = setTimeout(resolve, Math.min(ms, LONGEST), otherwise)))
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/**
 * What a promise gives.
 *
 * @param timeout - how long it may take, in milliseconds; 0 waits without bound
 * @param late - makes the error that it rejects with where it takes longer
 */
export async function within<T>(promise: Promise<T>, timeout: number, late: () => Error): Promise<T> {
  let giveUp: (err: Error) => void = () => undefined
  const over = new Promise<never>((_, reject) => (giveUp = reject))
  const timer = startTimer(timeout, () => giveUp(late()))
  if (timer === undefined) return promise
  return Promise.race([promise, over]).finally(() => clearTimeout(timer))
}

/** What a promise gives, null where the signal comes first. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const forget = onAbort(signal, () => resolve(null))
    promise.then(resolve, reject).finally(forget)
  })
}

/**
 * Calls when a signal is aborted, at once where it was before.
 *
 * @returns what ends that
 */
export function onAbort(signal: AbortSignal | undefined, end: () => void): () => void {
  if (signal?.aborted) end()
  signal?.addEventListener('abort', end)
  return () => signal?.removeEventListener('abort', end)
}

/** @throws EINVAL for what is no number of milliseconds */
export function checkTimeout(timeout: unknown): void {
  if (timeout == null || (typeof timeout === 'number' && timeout >= 0)) return
  throw failure('EINVAL', { detail: 'timeout is in milliseconds' })
}

/**
 * The options of a call of several steps, with what is left of its timeout by then.
 *
 * @throws EINVAL for a bad timeout
 */
export function budget<T extends { timeout?: number }>(opts: T): () => T {
  checkTimeout(opts.timeout)
  if (!opts.timeout) return () => opts
  if (bounded(opts.timeout) === 0) return () => ({ ...opts, timeout: 0 })
  const end = performance.now() + opts.timeout
  return () => ({ ...opts, timeout: Math.max(1, end - performance.now()) })
}
