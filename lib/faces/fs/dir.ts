import fs from 'node:fs'
import { callback, checkCallback, type DoneCallback, type NodeCallback } from '../../callback.ts'
import { failure } from '../../errors.ts'
import { toInteger, toOptions, toPath, type PathLike } from './arguments.ts'
import { toDirent, type Dirent } from './dirent.ts'
import { named } from './failure.ts'
import { treeOf, type Host } from './host.ts'
import { folderAt, namesBelow, type EncodingOptions } from './look.ts'

export interface OpendirOptions extends EncodingOptions {
  /** For code that sets it: all names are at hand at once. */
  bufferSize?: number
  recursive?: boolean
}

/** Node's `fs.Dir`: a folder as it was when it was opened. */
export class Dir {
  /** As the caller named it. */
  readonly path: string
  readonly #entries: Iterator<Dirent<string | Buffer>>
  #closed = false

  constructor(path: string, entries: readonly Dirent<string | Buffer>[]) {
    this.path = path
    this.#entries = entries[Symbol.iterator]()
  }

  /**
   * The next entry, null behind the last.
   *
   * @throws ERR_DIR_CLOSED
   */
  read(): Promise<Dirent | null>
  read(cb: NodeCallback<Dirent | null>): void
  read(cb?: NodeCallback<Dirent | null>): Promise<Dirent | null> | undefined {
    if (cb === undefined) return this.#read()
    // As in Node it is thrown here, where the one of close() is called back.
    this.#check()
    checkCallback(cb)
    return callback(this.#read(), cb)
  }

  /** @throws ERR_DIR_CLOSED when it is closed already */
  close(): Promise<void>
  close(cb: DoneCallback): void
  close(cb?: DoneCallback): Promise<void> | undefined {
    if (cb !== undefined) checkCallback(cb)
    return callback(this.#close(), cb)
  }

  /** As {@link read}: all entries are at hand. */
  readSync(): Dirent | null {
    this.#check()
    const next = this.#entries.next()
    return next.done ? null : (next.value as Dirent)
  }

  closeSync(): void {
    this.#check()
    this.#closed = true
  }

  /** What is iterated over: each entry once, and then it is closed. */
  async *entries(): AsyncGenerator<Dirent, void, void> {
    try {
      for (let entry = await this.#read(); entry !== null; entry = await this.#read()) yield entry
    } finally {
      await this.#close()
    }
  }

  [Symbol.asyncIterator](): AsyncGenerator<Dirent, void, void> {
    return this.entries()
  }

  async #read(): Promise<Dirent | null> {
    return Promise.resolve(this.readSync())
  }

  async #close(): Promise<void> {
    this.closeSync()
    return Promise.resolve()
  }

  #check(): void {
    if (this.#closed) throw failure('ERR_DIR_CLOSED')
  }
}

// Node's constructor opens a folder of the disk; `instanceof` is all that is wanted of it.
Object.setPrototypeOf(Dir.prototype, fs.Dir.prototype)

export function opendir(
  host: Host,
  path: PathLike,
  opts?: OpendirOptions | BufferEncoding | 'buffer' | null
): Promise<Dir> {
  const at = toPath(path)
  const { encoding, bufferSize, recursive, ...read } = toOptions<OpendirOptions>(opts)
  if (bufferSize !== undefined) toInteger(bufferSize, 'options.bufferSize', 1, 2 ** 32 - 1)
  // Node looks no closer.
  const deep = Boolean(recursive)
  return named(
    host,
    { syscall: 'opendir', path: at.given },
    async () => {
      const tree = await treeOf(host, read)
      const found = await namesBelow(tree, await folderAt(tree, at), deep)
      return new Dir(
        at.given,
        found.map(({ name, node }) => toDirent(name, at.given, node.kind, encoding))
      )
    },
    read
  )
}
