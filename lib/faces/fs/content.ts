import type { FallbackOptions, ReadOptions } from '../../drive.ts'
import { failure } from '../../errors.ts'
import { readable } from '../../overlay/fallback.ts'
import { transact } from '../../overlay/transact.ts'
import { parentOf } from '../../overlay/tree.ts'
import { Turns } from '../../turns.ts'
import { markStale, readAll } from '../drive/streams.ts'
import {
  badArgument,
  checkSignal,
  toData,
  toInteger,
  toMode,
  toOptions,
  toPath,
  toSignal,
  toWaiting,
  type Path,
  type PathLike
} from './arguments.ts'
import { attributesAfterWrite, modeOperation } from './attributes.ts'
import { UMASK } from './change.ts'
import { final, named, step } from './failure.ts'
import type { OpenFile } from './file.ts'
import { toFlags, type Flags } from './flags.ts'
import { find, resolveFile, treeOf, type Host } from './host.ts'
import { toFlag } from './look.ts'
import { openFile } from './open.ts'

export interface ReadFileOptions extends FallbackOptions {
  /** Text in this encoding rather than bytes. */
  encoding?: BufferEncoding | null
  /** How the file is opened. Default `r`. */
  flag?: string | number
  signal?: AbortSignal
}

/** `wait` and `timeout` are about a file of another drive that is not replaced, but added to or changed. */
export interface WriteFileOptions extends ReadOptions {
  /** Of a text. Default `utf8`. */
  encoding?: BufferEncoding | null
  /** Permission bits of a file that is made by it. Default 0o666 without the umask. */
  mode?: number | string
  /** How the file is opened. Default `w`. */
  flag?: string | number
  signal?: AbortSignal
  /** For code that sets it: what is closed has landed. */
  flush?: boolean
}

/** What a file can be written from. */
export type FileData =
  | string
  | NodeJS.ArrayBufferView
  | Iterable<string | NodeJS.ArrayBufferView>
  | AsyncIterable<string | NodeJS.ArrayBufferView>

const READ = toFlags('r', 'r')

export function readFile(
  host: Host,
  path: PathLike,
  opts?: ReadFileOptions | BufferEncoding | null
): Promise<string | Buffer> {
  const at = toPath(path)
  const { encoding, flag, signal, ...waits } = toOptions<ReadFileOptions>(opts)
  const read = host.overlay.waiting(waits)
  const flags = toFlags(flag, 'r')
  toSignal(signal)
  return named(
    host,
    { syscall: 'open', path: at.given },
    async () => {
      checkSignal(signal)
      let bytes: Buffer
      if (isPlain(flags)) {
        const tree = await treeOf(host, read)
        const node = await find(tree, at, true)
        if (node.kind === 'directory') throw final(failure('EISDIR', { syscall: 'read' }))
        if (node.kind === 'link') throw failure('ELOOP')
        bytes = await readAll(await readable(tree.view, node.key, node.located, read), read)
      } else {
        const file = await openFile(host, at, flags, 0o666 & ~UMASK, read)
        bytes = markStale(await withFile(file, () => step('read', () => file.readRest())), file)
      }
      checkSignal(signal)
      return encoding ? bytes.toString(encoding) : bytes
    },
    isPlain(flags) ? waits : undefined
  )
}

function isPlain(flags: Flags): boolean {
  return (Object.keys(READ) as (keyof Flags)[]).every((name) => flags[name] === READ[name])
}

export function writeFile(
  host: Host,
  path: PathLike,
  data: FileData,
  opts?: WriteFileOptions | BufferEncoding | null
): Promise<void> {
  return write(host, path, data, toOptions<WriteFileOptions>(opts), 'w')
}

export function appendFile(
  host: Host,
  path: PathLike,
  data: FileData,
  opts?: WriteFileOptions | BufferEncoding | null
): Promise<void> {
  return write(host, path, data, toOptions<WriteFileOptions>(opts), 'a')
}

function write(
  host: Host,
  path: PathLike,
  data: FileData,
  { encoding, mode, flag, flush, signal, ...opts }: WriteFileOptions,
  otherwise: string
): Promise<void> {
  const at = toPath(path)
  const flags = toFlags(flag, otherwise)
  const bits = toMode(mode, 'mode', 0o666) & ~UMASK
  toFlag(flush, 'options.flush')
  toSignal(signal)
  const chunks = toChunks(data, encoding)
  const read = toWaiting(opts)
  const land = async () => {
    checkSignal(signal)
    const [only] = Array.isArray(chunks) ? (chunks as Uint8Array[]) : []
    const isReplacing = flags.write && flags.truncate && flags.create && !flags.exclusive && !flags.noFollow
    if (isReplacing && only) {
      await replace(host, at, only, bits, signal)
      return
    }
    const file = await openFile(host, at, flags, bits, read)
    await withFile(file, () => step('write', () => writeAll(file, chunks, signal, 0)))
  }
  // What is all at hand lands in the order of the calls; what is still to come waits for by itself.
  return named(host, { syscall: 'open', path: at.given }, () =>
    Array.isArray(chunks) ? turnsOf(host).run(at.full, land) : land()
  )
}

/** Whose turn it is to write at a path, of those who call one MultiDrive. */
const turns = new WeakMap<Host, Turns>()

function turnsOf(host: Host): Turns {
  let found = turns.get(host)
  if (!found) turns.set(host, (found = new Turns()))
  return found
}

/** Writes a file whole, in one step; what it has beside its bytes stays. */
async function replace(
  host: Host,
  path: Path,
  bytes: Uint8Array,
  mode: number,
  signal: unknown
): Promise<void> {
  await transact(host.overlay, 'open', null, async (at) => {
    const { key, node } = await resolveFile(at.tree, path, true)
    if (node?.kind === 'directory') throw failure('EISDIR')
    at.see(key, node)
    if (node === null) at.putInto(parentOf(key))
    const kept = node ? attributesAfterWrite(node.located) : { mode, metadata: null, time: null }
    const { mode: permissions, ...given } = kept
    const staged = await at.stage(key, null, (writer) => writer.stage(bytes))
    checkSignal(signal)
    return [{ type: 'file', key, staged, ...given, ...modeOperation(permissions) }]
  })
}

/** The parts of what a file is to be written from, as bytes; a list where they are all there. */
export function toChunks(
  data: unknown,
  encoding: unknown
): readonly Uint8Array[] | AsyncIterable<Uint8Array> {
  if (typeof data === 'string' || ArrayBuffer.isView(data)) return [toData(data, encoding)]
  if (
    typeof data !== 'object' ||
    data === null ||
    !(Symbol.iterator in data || Symbol.asyncIterator in data)
  ) {
    throw badArgument(
      'ERR_INVALID_ARG_TYPE',
      'data',
      'of type string or an instance of Buffer, TypedArray, DataView, Stream, Iterable, or AsyncIterable',
      data
    )
  }
  return (async function* () {
    for await (const part of data as AsyncIterable<unknown>) yield toData(part, encoding)
  })()
}

/** @param position - of the first byte; null goes on where the last write ended */
export async function writeAll(
  file: OpenFile,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  signal: unknown,
  position: number | null
): Promise<void> {
  let at = position
  for await (const chunk of chunks) {
    checkSignal(signal)
    await file.write(chunk, at)
    if (at !== null) at += chunk.byteLength
  }
  checkSignal(signal)
}

/** Does something with an open file and closes it; when that fails, nothing of it lands. */
async function withFile<T>(file: OpenFile, work: () => Promise<T>): Promise<T> {
  let result: T
  try {
    result = await work()
  } catch (err) {
    await file.release()
    throw err
  }
  await file.close()
  return result
}

export function truncate(
  host: Host,
  path: PathLike,
  length?: number | null,
  opts?: ReadOptions | null
): Promise<void> {
  const at = toPath(path)
  const size = toLength(length)
  const read = toWaiting(opts)
  return named(host, { syscall: 'open', path: at.given }, async () => {
    const file = await openFile(host, at, toFlags('r+', 'r+'), 0, read)
    await withFile(file, () => step('ftruncate', () => file.truncate(size)))
  })
}

/** A size in bytes, 0 when it is not given; one below 0 is 0, as in Node. */
export function toLength(length: unknown = 0): number {
  return Math.max(0, toInteger(length, 'len', Number.MIN_SAFE_INTEGER))
}
