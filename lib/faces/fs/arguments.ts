import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { ERRORS } from '../../errors.ts'

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

/** An argument that cannot be meant: as in Node it is thrown before anything is done (docs of `errors`, "Node.js error codes"). */
export function badArgument(code: ArgumentCode, name: string, expected: string, value: unknown): Error {
  const received = inspect(value, { depth: 0 }).slice(0, 128)
  const message = `${ERRORS[code].message}: "${name}" must be ${expected}. Received ${received}`
  const error = code === 'ERR_OUT_OF_RANGE' ? new RangeError(message) : new TypeError(message)
  return Object.assign(error, { code })
}

/** @throws ERR_INVALID_ARG_TYPE for what is no path, ERR_INVALID_ARG_VALUE for one with a NUL in it */
export function toPath(value: unknown, name = 'path'): Path {
  const given = toText(value, name)
  if (given.includes('\0')) throw badArgument('ERR_INVALID_ARG_VALUE', name, 'without null bytes', given)
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
  if (typeof value !== 'number') throw badArgument('ERR_INVALID_ARG_TYPE', name, 'a number', value)
  if (!Number.isInteger(value)) throw badArgument('ERR_OUT_OF_RANGE', name, 'an integer', value)
  if (value >= least && value <= most) return value
  throw badArgument('ERR_OUT_OF_RANGE', name, `from ${least} to ${most}`, value)
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
    throw badArgument('ERR_INVALID_ARG_VALUE', name, 'a number or octal text', value)
  }
  return toInteger(value, name, 0, 2 ** 32 - 1) & 0o7777
}

/** A time in milliseconds since the epoch; one before it is that of now, as in Node. */
export function toTime(value: unknown, name: string): number {
  const seconds = toSeconds(value, name)
  return seconds < 0 ? Date.now() : Math.round(seconds * 1e6) / 1e3
}

function toSeconds(value: unknown, name: string): number {
  if (value instanceof Date && Number.isFinite(value.getTime())) return value.getTime() / 1000
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (typeof value === 'string' && value !== '' && Number.isFinite(Number(value))) return Number(value)
  throw badArgument('ERR_INVALID_ARG_TYPE', name, 'a time in seconds or a Date', value)
}

/** Options that may be given as the name of an encoding alone. */
export function toOptions<T extends { encoding?: unknown }>(value: unknown, name = 'options'): Partial<T> {
  if (value === undefined || value === null) return {}
  const options = typeof value === 'string' ? { encoding: value } : value
  if (typeof options !== 'object') throw badArgument('ERR_INVALID_ARG_TYPE', name, 'an object or text', value)
  const { encoding } = options as { encoding?: unknown }
  if (encoding === undefined || encoding === null || encoding === 'buffer') return options
  if (typeof encoding === 'string' && Buffer.isEncoding(encoding)) return options
  throw badArgument('ERR_INVALID_ARG_VALUE', 'encoding', 'a known encoding', encoding)
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
  throw badArgument('ERR_INVALID_ARG_TYPE', name, 'text or bytes', value)
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
  throw badArgument('ERR_INVALID_ARG_TYPE', name, 'text, a Buffer, or a file URL', value)
}
