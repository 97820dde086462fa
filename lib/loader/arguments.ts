import { MultiDriveError, type RangeOptions } from '../../index.ts'

export function invalid(detail: string): MultiDriveError {
  return new MultiDriveError('EINVAL', `EINVAL: invalid argument (${detail})`)
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** Whether an object is one of a kind, by what it can do: copies of one package may meet in an app. */
export function hasMethods(value: unknown, names: readonly string[]): value is object {
  return (
    isObject(value) && names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function')
  )
}

/** @throws EINVAL for what is no text */
export function checkPath(path: unknown): void {
  if (typeof path !== 'string') throw invalid('a path is a text')
}

/**
 * Options of a call; null is for none.
 *
 * @throws EINVAL for what is no object
 */
export function toOptions<T extends object>(opts: T | null | undefined): Partial<T> {
  if (opts == null) return {}
  if (!isObject(opts)) throw invalid('options are an object')
  return opts
}

/** The longest time that a timer has, in milliseconds; with more it ends at once. */
const LONGEST = 2 ** 31 - 1

/**
 * Milliseconds as timers take them, 0 for without bound, where nobody would see the end; undefined where none are given.
 *
 * @throws EINVAL for what is no number of them
 */
export function toTimeout(value: unknown, name = 'timeout'): number | undefined {
  if (value == null) return undefined
  if (typeof value !== 'number' || !(value >= 0)) throw invalid(`${name} is in milliseconds`)
  return value > LONGEST ? 0 : value
}

/**
 * The part of a file that options are for.
 *
 * @throws EINVAL for what is none: drives take negative numbers for the whole file
 */
export function toRange(opts: RangeOptions | null | undefined): RangeOptions {
  const all: [string, unknown][] = Object.entries(toOptions(opts))
  const given = all.filter(([, value]) => value != null)
  const range = Object.fromEntries(given) as RangeOptions
  for (const name of ['start', 'end', 'length'] as const) {
    const value: unknown = range[name]
    if (value !== undefined && !(Number.isSafeInteger(value) && Number(value) >= 0))
      throw invalid(`${name} is a number of bytes`)
  }
  const timeout = toTimeout(range.timeout)
  return timeout === undefined ? range : { ...range, timeout }
}
