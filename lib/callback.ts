/** The last argument of a call in Node's style. */
export type Callback<T = void> = (err: Error | null, value?: T) => void

/**
 * Hands a promise's outcome to a callback, once and outside of the promise: what the callback throws is its own affair, as with Node's
 * `util.callbackify`.
 */
export function callback<T>(promise: Promise<T>, cb: Callback<T> | undefined): Promise<T> | undefined {
  if (cb === undefined) return promise
  promise.then(
    (value) => process.nextTick(cb, null, value),
    (err: unknown) => process.nextTick(cb, err)
  )
  return undefined
}
