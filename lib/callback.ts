/** A callback as Node declares it: the error is null when there is a result. */
export type NodeCallback<T> = (err: NodeJS.ErrnoException | null, value: T) => void

/** The callback of a call without a result. */
export type DoneCallback = (err: NodeJS.ErrnoException | null) => void

/** The callback of a call that is MultiDrive's own. */
export type Callback<T = void> = (err: NodeJS.ErrnoException | null, value?: T) => void

/**
 * Hands a promise's outcome to a callback, once and outside of the promise: what the callback throws is its own affair, as with Node's
 * `util.callbackify`.
 */
export function callback<T>(promise: Promise<T>, cb: NodeCallback<T> | undefined): Promise<T> | undefined {
  if (cb === undefined) return promise
  promise.then(
    (value) => process.nextTick(cb, null, value),
    (err: unknown) => process.nextTick(cb, err)
  )
  return undefined
}
