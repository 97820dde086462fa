/** A callback as Node declares it: the error is null when there is a result. */
export type NodeCallback<T> = (err: NodeJS.ErrnoException | null, value: T) => void

/** The callback of a call without a result. */
export type DoneCallback = (err: NodeJS.ErrnoException | null) => void

/** The callback of a call that is MultiDrive's own. */
export type Callback<T = void> = (err: NodeJS.ErrnoException | null, value?: T) => void

/** The arguments of a callback for a result: as Node's it gets none for a call that has none. */
export function results(value: unknown): [null, ...unknown[]] {
  return value === undefined ? [null] : [null, value]
}

/** @throws ERR_INVALID_ARG_TYPE for what is no callback */
export function checkCallback(value: unknown): void {
  if (typeof value === 'function') return
  const error = new TypeError('The "callback" argument must be of type function')
  throw Object.assign(error, { code: 'ERR_INVALID_ARG_TYPE' })
}

/**
 * Hands a promise's outcome to a callback, once and outside of the promise: what the callback throws is its own affair, as with Node's
 * `util.callbackify`.
 *
 * @throws ERR_INVALID_ARG_TYPE for what is no callback
 */
export function callback<T>(promise: Promise<T>, cb: NodeCallback<T> | undefined): Promise<T> | undefined {
  if (cb === undefined) return promise
  if (typeof cb !== 'function') promise.catch(() => undefined)
  checkCallback(cb)
  promise.then(
    (value) => process.nextTick(cb as (...args: unknown[]) => void, ...results(value)),
    (err: unknown) => process.nextTick(cb, err)
  )
  return undefined
}
