import type { Test } from 'tape'
import { cleanup } from '../helpers/drives.ts'
import { refuses, type Ground, type Refusal } from './fs.ts'

/**
 * An open file in the style of a run: a descriptor with the functions of `fs`, or a FileHandle. Methods and results are those of a
 * FileHandle.
 */
export interface OpenFile {
  readonly fd: number
  /** What `readFile`, `writeFile` and `appendFile` take in the place of a path. */
  readonly target: any
  readonly read: (...args: unknown[]) => Promise<{ bytesRead: number; buffer: any }>
  readonly write: (...args: unknown[]) => Promise<{ bytesWritten: number; buffer: any }>
  readonly readv: (...args: unknown[]) => Promise<{ bytesRead: number; buffers: any[] }>
  readonly writev: (...args: unknown[]) => Promise<{ bytesWritten: number; buffers: any[] }>
  /** Any other method, by its name at a FileHandle. */
  readonly do: (method: string, ...args: unknown[]) => Promise<any>
  readonly close: () => Promise<void>
  /** Text from the current position on. */
  readonly text: (length?: number) => Promise<string>
  readonly refuses: (
    t: Test,
    method: string,
    args: unknown[],
    refusal: Refusal,
    what?: string
  ) => Promise<void>
}

const CALLBACKS: Record<string, string> = {
  stat: 'fstat',
  truncate: 'ftruncate',
  chmod: 'fchmod',
  chown: 'fchown',
  utimes: 'futimes',
  sync: 'fsync',
  datasync: 'fdatasync'
}

const RESULTS: Record<string, [string, string]> = {
  read: ['bytesRead', 'buffer'],
  write: ['bytesWritten', 'buffer'],
  readv: ['bytesRead', 'buffers'],
  writev: ['bytesWritten', 'buffers']
}

/** Closed when the test is over, if it was not before. */
export async function openFile(
  t: Test,
  ground: Ground,
  path: string,
  flags?: unknown,
  mode?: unknown
): Promise<OpenFile> {
  const args = mode === undefined ? [path, flags] : [path, flags, mode]
  const opened = await ground.call('open', ...args)
  const file = ground.style === 'promise' ? byHandle(ground, opened) : byDescriptor(ground, opened)
  let closed = false
  // Who closes a descriptor twice may close another's, which has got its number meanwhile.
  cleanup(t, () => (closed ? undefined : file.close()))
  const close = async () => {
    closed = true
    await file.close()
  }
  return { ...file, close }
}

function byHandle(ground: Ground, handle: any): OpenFile {
  const of =
    (method: string) =>
    (...args: unknown[]) =>
      handle[method](...args)
  return {
    fd: handle.fd,
    target: handle,
    read: of('read'),
    write: of('write'),
    readv: of('readv'),
    writev: of('writev'),
    do: (method, ...args) => handle[method](...args),
    close: of('close'),
    text: (length) => textOf(of('read'), length),
    refuses: (t, method, args, refusal, what) =>
      refuses(t, { ...ground, promises: handle }, method, args, refusal, what)
  }
}

function byDescriptor(ground: Ground, fd: number): OpenFile {
  const of =
    (method: string) =>
    async (...args: unknown[]): Promise<any> => {
      const result = await ground.call(CALLBACKS[method] ?? method, fd, ...args)
      const names = RESULTS[method]
      return names ? { [names[0]]: result[0], [names[1]]: result[1] } : result
    }
  return {
    fd,
    target: fd,
    read: of('read'),
    write: of('write'),
    readv: of('readv'),
    writev: of('writev'),
    do: (method, ...args) => of(method)(...args),
    close: of('close'),
    text: (length) => textOf(of('read'), length),
    refuses: (t, method, args, refusal, what) =>
      refuses(t, ground, CALLBACKS[method] ?? method, [fd, ...args], refusal, what)
  }
}

async function textOf(read: OpenFile['read'], length = 1 << 16): Promise<string> {
  const { bytesRead, buffer } = await read(Buffer.alloc(length), 0, length, null)
  return buffer.toString('utf8', 0, bytesRead)
}

/** Bytes of which no part looks like another near it. */
export function byteRow(length: number, seed = 0): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i++) bytes[i] = i * 7 + (i >> 8) * 13 + seed
  return bytes
}
