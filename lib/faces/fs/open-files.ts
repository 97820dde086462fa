import TinyQueue from 'tinyqueue'
import type { FallbackOptions } from '../../drive.ts'
import { failure } from '../../errors.ts'
import { transact, type Preparation } from '../../overlay/transact.ts'
import { markStale } from '../drive/streams.ts'
import { checkSignal, toDescriptor, toMode, toOptions, toPath, type PathLike } from './arguments.ts'
import { withAttributes, type AttributeChange } from './attributes.ts'
import { UMASK } from './change.ts'
import type { ReadFileOptions } from './content.ts'
import { named } from './failure.ts'
import type { OpenFile } from './file.ts'
import { toFlags } from './flags.ts'
import type { Host } from './host.ts'
import { openFile } from './open.ts'

/** Node's own come first: a descriptor that is given to the wrong one of the two is told at once, as with Hyperdrive 10. */
const FIRST = 20

/** The open files of a MultiDrive, by descriptor. */
export class OpenFiles {
  readonly #host: Host
  readonly #files = new Map<number, OpenFile>()
  /** Numbers that were given back: as in POSIX the lowest one is given out. */
  readonly #free = new TinyQueue<number>()
  #next = FIRST
  readonly #closing = new Set<Promise<void>>()
  #released = false

  constructor(host: Host) {
    this.#host = host
  }

  /** @param mode - permission bits for a file that is made by it, without the umask */
  open(
    path: PathLike,
    flags?: string | number | null,
    mode?: number | string | null,
    read: FallbackOptions = {}
  ): Promise<number> {
    const at = toPath(path)
    const parsed = toFlags(flags, 'r')
    const bits = toMode(mode, 'mode', 0o666) & ~UMASK
    return named(
      this.#host,
      { syscall: 'open', path: at.given },
      async () => {
        const file = await openFile(this.#host, at, parsed, bits, read)
        if (this.#released) {
          await file.release()
          throw failure('CLOSED')
        }
        const fd = this.#free.pop() ?? this.#next++
        this.#files.set(fd, file)
        return fd
      },
      parsed.write ? undefined : read
    )
  }

  /** @throws ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE for what is no descriptor, EBADF for one that is not open */
  get(fd: unknown): OpenFile {
    const file = this.#files.get(toDescriptor(fd))
    if (!file) throw failure('EBADF')
    return file
  }

  async close(fd: number): Promise<void> {
    // The MultiDrive has closed it already.
    if (this.#released) return
    const file = this.get(fd)
    this.#files.delete(fd)
    const closing = file.close().finally(() => {
      this.#free.push(fd)
      this.#closing.delete(closing)
    })
    this.#closing.add(closing)
    await closing
  }

  /** The bytes from where the descriptor stands to the end. */
  async readFile(fd: number, opts?: ReadFileOptions | BufferEncoding | null): Promise<string | Buffer> {
    const { encoding, signal } = toOptions<ReadFileOptions>(opts)
    checkSignal(signal)
    const file = this.get(fd)
    const bytes = markStale(await file.readRest(), file)
    checkSignal(signal)
    return encoding ? bytes.toString(encoding) : bytes
  }

  /** Changes what is being written when it lands, what is only being read at once. */
  async setAttributes(fd: number, change: AttributeChange): Promise<void> {
    const file = this.get(fd)
    if (file.setAttributes(change)) return
    const prepare = async (at: Preparation) => {
      const node = await at.look(file.key)
      if (node === null) throw failure('ENOENT')
      return withAttributes(at, node, change)
    }
    await transact(this.#host.overlay, 'open', file.key, prepare, { read: file.waiting })
  }

  /** Lets go of all that is open; what has not landed does not land any more. */
  async release(): Promise<void> {
    this.#released = true
    const files = [...this.#files.values()]
    this.#files.clear()
    // What is being closed lands; whoever closes it hears of a failure.
    await Promise.allSettled(this.#closing)
    await Promise.all(files.map((file) => file.release()))
  }
}
