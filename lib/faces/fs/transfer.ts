import { failure } from '../../errors.ts'
import { badArgument, toData, toInteger } from './arguments.ts'
import type { OpenFile } from './file.ts'

/** How many bytes are read when nobody says into what (docs of `fs`, "filehandle.read"). */
const DEFAULT_BUFFER = 16_384

/** 2 ** 63 - 1, the last position that a system can be asked for. */
const LAST_POSITION = 2n ** 63n - 1n
const FIRST_POSITION = -(2n ** 63n)

type View = NodeJS.ArrayBufferView

/** The parts of a buffer that a call reads into or writes from, and where in the file. */
export interface Transfer<T> {
  readonly buffer: T
  readonly part: Uint8Array
  /** In bytes; null goes on where the last call ended. */
  readonly position: number | null
}

interface Region {
  buffer?: unknown
  offset?: unknown
  length?: unknown
  position?: unknown
}

/**
 * What `read()` is to do, in each of its forms: `(buffer, offset, length, position)`, `(buffer, options)`, `(options)`, `()`.
 *
 * @param isLoose - whether a length may be whatever stands for a number, as Node has it but for a FileHandle
 * @throws ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE
 */
export function toRead(args: readonly unknown[], isLoose = false): Transfer<View> {
  const given = toRegion(args)
  const region = isLoose ? { ...given, length: loose(given.length) } : given
  const buffer = toView(region.buffer ?? Buffer.alloc(DEFAULT_BUFFER), 'buffer')
  if (buffer.byteLength === 0 && Number(region.length ?? 0) !== 0) {
    throw badArgument('ERR_INVALID_ARG_VALUE', 'buffer', 'is empty and cannot be written', buffer)
  }
  const { offset, length } = toPart(buffer, region, false)
  return {
    buffer,
    part: bytesOf(buffer).subarray(offset, offset + length),
    position: toPosition(region.position, length)
  }
}

/** What `write()` is to do: `(buffer, offset, length, position)`, `(buffer, options)`, `(text, position, encoding)`. */
export function toWrite(args: readonly unknown[]): Transfer<View | string> {
  const [data, second, third] = args
  if (typeof data === 'string') {
    return { buffer: data, part: toText(data, third), position: toWritePosition(second) }
  }
  const region = toRegion(args)
  const buffer = toView(region.buffer, 'buffer')
  // What is no number is no length, as Node takes it where it writes.
  const given = typeof region.length === 'number' ? region.length : undefined
  const { offset, length } = toPart(buffer, { ...region, length: given }, true)
  return {
    buffer,
    part: bytesOf(buffer).subarray(offset, offset + length),
    position: toWritePosition(region.position)
  }
}

/** Fills a part of a buffer, and tells how many bytes there were; Node asks no file for none. */
export async function readPart(file: () => OpenFile, { part, position }: Transfer<View>): Promise<number> {
  return part.byteLength === 0 ? 0 : file().read(part, position)
}

/**
 * Fills views one after another, and tells how many bytes there were.
 *
 * @throws EINVAL where there are none, as POSIX has it
 */
export async function readAll(file: OpenFile, views: readonly View[], position: unknown): Promise<number> {
  if (views.length === 0) throw failure('EINVAL')
  let at = toWritePosition(position)
  let total = 0
  for (const view of views) {
    const bytesRead = await file.read(bytesOf(view), at)
    total += bytesRead
    if (at !== null) at += bytesRead
    if (bytesRead < view.byteLength) break
  }
  return total
}

/** Writes views one after another in one step. */
export async function writeViews(file: OpenFile, views: readonly View[], position: unknown): Promise<number> {
  if (views.length === 0) return 0
  const joined = Buffer.concat(views.map(bytesOf))
  await file.write(joined, toWritePosition(position))
  return joined.byteLength
}

/** @throws ERR_INVALID_ARG_TYPE for what is no list of buffers */
export function toViews(value: unknown): View[] {
  if (Array.isArray(value) && value.every((view) => ArrayBuffer.isView(view))) return value as View[]
  throw badArgument('ERR_INVALID_ARG_TYPE', 'buffers', 'an instance of ArrayBufferView[]', value)
}

function toRegion(args: readonly unknown[]): Region {
  const [first, second] = args
  const isAlone = args.slice(1).every((arg) => arg === undefined)
  if (isAlone && (first === undefined || first === null || isOptions(first))) return first ?? {}
  if (isOptions(second)) return { ...second, buffer: first }
  const [buffer, offset, length, position] = args
  return { buffer, offset, length, position }
}

function isOptions(value: unknown): value is Region {
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)
}

/** @param isStrict - whether an offset behind the buffer is refused even where nothing is asked for */
function toPart(buffer: View, region: Region, isStrict: boolean): { offset: number; length: number } {
  const offset = toInteger(region.offset ?? 0, 'offset', 0)
  const length = region.length ?? Math.max(0, buffer.byteLength - offset)
  if (length === 0 && !isStrict) return { offset, length }
  if (offset > buffer.byteLength) toInteger(offset, 'offset', 0, buffer.byteLength)
  return { offset, length: toInteger(length, 'length', 0, buffer.byteLength - offset) }
}

/** A length as a whole number of 32 bits, as Node makes one of what is none. */
function loose(length: unknown): unknown {
  const isLeft = length === undefined || length === null || typeof length === 'bigint'
  return isLeft || Number.isInteger(length) ? length : Number(length) | 0
}

function toPosition(value: unknown, length: number): number | null {
  if (value === undefined || value === null) return null
  if (typeof value === 'bigint') {
    if (value < FIRST_POSITION || value > LAST_POSITION - BigInt(length)) {
      throw badArgument('ERR_OUT_OF_RANGE', 'position', `from ${FIRST_POSITION} to ${LAST_POSITION}`, value)
    }
    return value < 0n ? null : Number(value)
  }
  const position = toInteger(value, 'position', -1)
  return position === -1 ? null : position
}

/** What is no position is none, as Node takes it where it writes. */
function toWritePosition(value: unknown): number | null {
  if (typeof value === 'bigint') return value < 0n ? null : Number(value)
  if (typeof value !== 'number' || !(value >= 0)) return null
  // What is further out than a file can be is refused there.
  return Number.isInteger(value) || value === Infinity ? value : null
}

/** @throws ERR_INVALID_ARG_VALUE for half a byte. An encoding that nobody knows is UTF-8, as in Node. */
function toText(text: string, encoding: unknown): Uint8Array {
  const known = typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8'
  if (known.toLowerCase() === 'hex' && text.length % 2 !== 0) {
    const why = `is invalid for data of length ${text.length}`
    throw badArgument('ERR_INVALID_ARG_VALUE', 'encoding', why, encoding)
  }
  return toData(text, known)
}

function toView(value: unknown, name: string): View {
  if (ArrayBuffer.isView(value)) return value as View
  throw badArgument('ERR_INVALID_ARG_TYPE', name, 'an instance of Buffer, TypedArray, or DataView', value)
}

function bytesOf(view: View): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}
