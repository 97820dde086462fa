import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import type { ReadOptions } from '../../drive.ts'
import { isTime } from '../../format/stamp.ts'

/** A path as Node's `fs` takes one. */
export type PathLike = string | Buffer | URL

/** Times as Node's `fs` takes them: seconds since the epoch, or a Date. */
export type TimeLike = string | number | Date

/** A path as the caller gave it, and where it leads from the root. */
export interface Path {
  readonly given: string
  /** Absolute, with its `..` still in it. */
  readonly full: string
  /** Whether it ends as only the path of a folder may. */
  readonly isFolder: boolean
}

type ArgumentCode = 'ERR_INVALID_ARG_TYPE' | 'ERR_INVALID_ARG_VALUE' | 'ERR_OUT_OF_RANGE'

/**
 * An argument that cannot be meant: as in Node it is thrown before anything is done (docs of `errors`, "Node.js error codes").
 *
 * @param expected - for ERR_INVALID_ARG_TYPE and ERR_OUT_OF_RANGE what it must be, for ERR_INVALID_ARG_VALUE what is wrong with it
 */
export function badArgument(code: ArgumentCode, name: string, expected: string, value: unknown): Error {
  const what = name.includes('.') ? 'property' : 'argument'
  const message = {
    ERR_INVALID_ARG_TYPE: `The "${name}" ${what} must be ${expected}. Received ${describe(value)}`,
    ERR_INVALID_ARG_VALUE: `The ${what} '${name}' ${expected}. Received ${shown(value)}`,
    ERR_OUT_OF_RANGE: `The value of "${name}" is out of range. It must be ${expected}. Received ${grouped(value)}`
  }[code]
  const error = code === 'ERR_OUT_OF_RANGE' ? new RangeError(message) : new TypeError(message)
  return Object.assign(error, { code })
}

/** A value as Node's messages describe it where its type is wrong. */
function describe(value: unknown): string {
  if (value === undefined || value === null) return String(value)
  if (typeof value === 'function') return `function ${value.name}`
  if (typeof value !== 'object') return `type ${typeof value} (${shown(value)})`
  const { name } = (value.constructor as { name?: string } | undefined) ?? {}
  return name ? `an instance of ${name}` : shown(value)
}

function shown(value: unknown): string {
  const text = inspect(value, { depth: -1 })
  return text.length > 128 ? `${text.slice(0, 128)}...` : text
}

/** Large numbers with a line between their thousands. */
function grouped(value: unknown): string {
  if (typeof value === 'bigint')
    return `${value < -(2n ** 32n) || value > 2n ** 32n ? thousands(String(value)) : value}n`
  const isLarge = Number.isInteger(value) && Math.abs(value as number) > 2 ** 32
  return isLarge ? thousands(String(value)) : shown(value)
}

function thousands(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, '_')
}

/** @throws ERR_INVALID_ARG_TYPE for what is no path, ERR_INVALID_ARG_VALUE for one with a NUL in it */
export function toPath(value: unknown, name = 'path'): Path {
  const given = toText(value, name)
  if (given.includes('\0'))
    throw badArgument(
      'ERR_INVALID_ARG_VALUE',
      name,
      'must be a string, Uint8Array, or URL without null bytes',
      given
    )
  // A backslash parts folders in every drive, as in Hyperdrive.
  const full = '/' + given.toWellFormed().replaceAll('\\', '/')
  return { given, full, isFolder: /\/\.{0,2}$/.test(full) && /[^/]/.test(full) }
}

/** @throws ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE for what no descriptor can be */
export function toDescriptor(value: unknown): number {
  return toInteger(value, 'fd', 0, 2 ** 31 - 1)
}

/** @throws ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE */
export function toInteger(
  value: unknown,
  name: string,
  least: number,
  most = Number.MAX_SAFE_INTEGER
): number {
  if (typeof value !== 'number') throw badArgument('ERR_INVALID_ARG_TYPE', name, 'of type number', value)
  if (!Number.isInteger(value)) throw badArgument('ERR_OUT_OF_RANGE', name, 'an integer', value)
  if (value >= least && value <= most) return value
  const bounds =
    most === Number.MAX_SAFE_INTEGER && least !== Number.MIN_SAFE_INTEGER
      ? `>= ${least}`
      : `>= ${least} && <= ${most}`
  throw badArgument('ERR_OUT_OF_RANGE', name, bounds, value)
}

/** Bits of `access` and `copyFile`; what is behind the point is cut off, as Node does where it asks a system. */
export function toFlagBits(value: unknown, most: number): number {
  const isFraction = typeof value === 'number' && Number.isFinite(value)
  return toInteger(isFraction ? Math.trunc(value) : value, 'mode', 0, most)
}

/**
 * Permission bits.
 *
 * @param value - a number, or octal text as in Node
 */
export function toMode(value: unknown, name: string, otherwise: number): number {
  if (value === undefined || value === null) return otherwise
  if (typeof value === 'string') {
    if (/^[0-7]+$/.test(value)) return Number.parseInt(value, 8) & 0o7777
    throw badArgument(
      'ERR_INVALID_ARG_VALUE',
      name,
      'must be a 32-bit unsigned integer or an octal string',
      value
    )
  }
  return toInteger(value, name, 0, 2 ** 32 - 1) & 0o7777
}

/**
 * A time in milliseconds since the epoch; a number of seconds below 0 is that of now, as in Node.
 *
 * @returns NaN for a Date that is none, and for a time that no drive can keep: one before the epoch
 */
export function toTime(value: unknown, name: string): number {
  const seconds = toSeconds(value, name)
  if (seconds < 0 && typeof value === 'number') return Date.now()
  const ms = Math.round(seconds * 1e6) / 1e3
  return isTime(ms) ? ms : NaN
}

function toSeconds(value: unknown, name: string): number {
  if (value instanceof Date) return value.getTime() / 1000
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (typeof value === 'string' && value !== '' && Number.isFinite(Number(value))) return Number(value)
  throw badArgument('ERR_INVALID_ARG_TYPE', name, 'an instance of Date or of type number', value)
}

/** Options that may be given as the name of an encoding alone. */
export function toOptions<T extends { encoding?: unknown }>(value: unknown, name = 'options'): Partial<T> {
  if (value === undefined || value === null) return {}
  const options = typeof value === 'string' ? { encoding: value } : value
  if (typeof options !== 'object')
    throw badArgument('ERR_INVALID_ARG_TYPE', name, 'of type string or an instance of Object', value)
  const { encoding } = options as { encoding?: unknown }
  if (encoding === undefined || encoding === null || encoding === 'buffer') return options
  if (typeof encoding === 'string' && Buffer.isEncoding(encoding)) return options
  throw badArgument('ERR_INVALID_ARG_VALUE', 'encoding', 'is invalid encoding', encoding)
}

/** Options that may be left out, and must be an object when they are not. */
export function toObject(value: unknown = {}): object {
  if (typeof value === 'object' && value !== null) return value
  throw badArgument('ERR_INVALID_ARG_TYPE', 'options', 'of type object', value)
}

/**
 * How a call waits for bytes that are not on this machine. Where Node's own has no options, they stand behind its arguments, and as Node
 * does with what it does not know, anything else there is passed over.
 */
export function toWaiting(value: unknown): ReadOptions {
  const { wait, timeout } = (typeof value === 'object' && value !== null ? value : {}) as ReadOptions
  return { ...(wait === undefined ? {} : { wait }), ...(timeout === undefined ? {} : { timeout }) }
}

/** A name or a path in the encoding that was asked for. */
export function encoded(text: string, encoding: unknown): string | Buffer {
  if (encoding === 'buffer') return Buffer.from(text)
  if (encoding === undefined || encoding === null || encoding === 'utf8' || encoding === 'utf-8') return text
  return Buffer.from(text).toString(encoding as BufferEncoding)
}

/** Text or bytes as bytes. */
export function toData(value: unknown, encoding: unknown, name = 'data'): Uint8Array {
  if (typeof value === 'string') return Buffer.from(value, (encoding ?? 'utf8') as BufferEncoding)
  if (value instanceof Uint8Array) return value
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  throw badArgument(
    'ERR_INVALID_ARG_TYPE',
    name,
    'of type string or an instance of Buffer, TypedArray, or DataView',
    value
  )
}

/** @throws ERR_INVALID_ARG_TYPE for what is no signal */
export function toSignal(value: unknown): void {
  if (value === undefined || (typeof value === 'object' && value !== null && 'aborted' in value)) return
  throw badArgument('ERR_INVALID_ARG_TYPE', 'options.signal', 'an instance of AbortSignal', value)
}

/** Throws as Node does when a signal has ended an operation. */
export function checkSignal(signal: unknown): void {
  if (!(signal instanceof AbortSignal) || !signal.aborted) return
  const error = new Error('The operation was aborted', { cause: signal.reason })
  error.name = 'AbortError'
  throw Object.assign(error, { code: 'ABORT_ERR' })
}

function toText(value: unknown, name: string): string {
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array) return Buffer.from(value).toString()
  if (value instanceof URL) return fileURLToPath(value)
  throw badArgument('ERR_INVALID_ARG_TYPE', name, 'of type string or an instance of Buffer or URL', value)
}
