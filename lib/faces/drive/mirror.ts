import { lutimes, utimes } from 'node:fs/promises'
import type { Readable, Writable } from 'streamx'
import type { Entry, EntryValue, Json } from '../../drive.ts'
import { failure } from '../../errors.ts'
import { isObject } from '../../format/json.ts'
import { explicitTime } from '../../overlay/stamp.ts'
import { isLocaldrive, isOwnRecord } from '../../sources/index.ts'

/** One step of a mirror. */
export interface MirrorStep {
  op: 'add' | 'change' | 'remove' | 'equal'
  key: string
  /** In bytes. */
  bytesRemoved: number
  /** In bytes. */
  bytesAdded: number
}

/** A mirror at work: iterate it, or wait for `done()` (mirror-drive's README). */
export interface Mirror extends AsyncIterable<MirrorStep> {
  readonly count: { files: number; add: number; remove: number; change: number }
  done(): Promise<void>
}

/** What is mirrored, as far as it takes. */
interface From {
  list(folder?: string, opts?: object): AsyncIterable<unknown>
  entry(path: string | Entry, opts?: object): Promise<Entry | null>
  createReadStream(entry: string | Entry, opts?: object): Readable
}

/** What a mirror is made in, as far as dates are concerned. */
interface Into {
  readonly supportsMetadata?: boolean
  list(folder?: string, opts?: object): AsyncIterable<unknown>
  createWriteStream(key: string, opts?: object): Writable
  symlink(key: string, linkname: string, opts?: object): Promise<void>
  batch(): Into
}

interface Folder extends Into {
  toPath(key: string): string
}

/**
 * The two ends of a mirror, as mirror-drive is to see them. Of what a file has beside its bytes it carries the metadata and the executable
 * bit, of a link nothing; dates go from the one end to the other beside it, and to wherever the destination keeps them: with its files on a
 * disk, beside the metadata in a MultiDrive, as `metadata.mtime` in any other drive.
 *
 * @param merged - whether `out` is a MultiDrive
 * @throws DRIVE_INVALID when there is nothing to mirror into
 */
export function mirrorEnds(
  from: From,
  out: unknown,
  merged: boolean
): { source: object; destination: object } {
  if (typeof out !== 'object' || out === null)
    throw failure('DRIVE_INVALID', { syscall: 'mirror', detail: 'there is nothing to mirror into' })
  for (const method of ['ready', 'entry', 'list', 'createWriteStream']) {
    if (typeof (out as Record<string, unknown>)[method] !== 'function')
      throw failure('DRIVE_INVALID', { syscall: 'mirror', detail: `it has no method ${method}()` })
  }
  const into = out as Into
  if (merged) {
    const way = new Way(from, (entry) => entry)
    return { source: way.source, destination: mergedEnd(into, way) }
  }
  if (isLocaldrive(out)) {
    const way = new Way(from, (entry) => entry)
    return { source: way.source, destination: folderEnd(into as Folder, way) }
  }
  const way = new Way(from, into.supportsMetadata === true ? withDate : (entry) => entry)
  return { source: way.source, destination: plainEnd(into, way) }
}

/** The way from the source to the destination, which knows what is on it. */
class Way {
  readonly source: object
  readonly #from: From
  readonly #show: (entry: Entry) => Entry
  /** What entries were made from, by how they are shown. */
  readonly #origins = new WeakMap<Entry, Entry>()
  #last: Entry | null = null

  /** @param show - an entry as the destination is to have it */
  constructor(from: From, show: (entry: Entry) => Entry) {
    this.#from = from
    this.#show = show
    this.source = override(from, {
      list: (folder?: string, opts?: object) => this.#list(folder, opts),
      entry: (path: string | Entry, opts?: object) => this.#entry(path, opts),
      createReadStream: (target: string | Entry, opts?: object) =>
        from.createReadStream(this.#origin(target), opts)
    })
  }

  /** The entry that is being mirrored, as it is shown. mirror-drive asks for each before it writes it. */
  at(key: string): Entry | null {
    return this.#last?.key === key ? this.#last : null
  }

  async *#list(folder?: string, opts?: object): AsyncGenerator<Entry> {
    for await (const entry of this.#from.list(folder, opts)) yield this.#shown(entry as Entry)
  }

  async #entry(path: string | Entry, opts?: object): Promise<Entry | null> {
    const entry = await this.#from.entry(this.#origin(path), opts)
    this.#last = entry && this.#shown(entry)
    return this.#last
  }

  #shown(entry: Entry): Entry {
    const shown = this.#show(entry)
    if (shown !== entry) this.#origins.set(shown, entry)
    return shown
  }

  #origin<T extends string | Entry>(target: T): T | Entry {
    return (typeof target === 'object' && this.#origins.get(target)) || target
  }
}

/** A MultiDrive takes a date beside the metadata, so that entries show on both sides what they show on one. */
function mergedEnd(into: Into, way: Way): Into {
  const beside = (key: string, opts: object) => {
    const entry = way.at(key)
    return entry === null || explicitTime(entry.value.metadata) !== null
      ? opts
      : { ...opts, mtime: entry.mtime }
  }
  return override(into, {
    createWriteStream: (key: string, opts: object = {}) => into.createWriteStream(key, beside(key, opts)),
    symlink: (key: string, linkname: string) =>
      into.symlink(key, linkname, beside(key, metadataOf(way, key))),
    batch: () => mergedEnd(into.batch(), way)
  })
}

/** A folder on the disk has the date on the file itself. What a MultiDrive keeps in it for itself is not the mirror's to remove. */
function folderEnd(into: Folder, way: Way): Into {
  return override(into, {
    async *list(folder?: string, opts?: object) {
      for await (const entry of into.list(folder, opts)) {
        if (!isOwnRecord((entry as { key: string }).key)) yield entry
      }
    },
    createWriteStream: (key: string, opts?: object) => {
      const stream = into.createWriteStream(key, opts)
      const mtime = way.at(key)?.mtime ?? null
      return mtime === null ? stream : finishing(stream, () => setDate(into, key, mtime, false))
    },
    symlink: async (key: string, linkname: string) => {
      await into.symlink(key, linkname)
      const mtime = way.at(key)?.mtime ?? null
      if (mtime !== null) await setDate(into, key, mtime, true)
    },
    batch: () => folderEnd(into.batch() as Folder, way)
  })
}

function plainEnd(into: Into, way: Way): Into {
  return override(into, {
    symlink: (key: string, linkname: string) => into.symlink(key, linkname, metadataOf(way, key)),
    batch: () => plainEnd(into.batch(), way)
  })
}

function metadataOf(way: Way, key: string): { metadata?: Json } {
  const entry = way.at(key)
  return entry === null ? {} : { metadata: entry.value.metadata }
}

/** An entry with its date in the metadata, which is where the drives of the ecosystem keep it. Metadata that has no room for it stays. */
function withDate(entry: Entry): Entry {
  const { seq, key, mtime, drive } = entry
  const { metadata } = entry.value
  if (mtime === null || !(metadata === null || (isObject(metadata) && !Object.hasOwn(metadata, 'mtime'))))
    return entry
  const value: EntryValue = { ...entry.value, metadata: { ...(metadata as object | null), mtime } }
  return { seq, key, value, mtime, drive }
}

/** A stream that does something more when all has been written, before it says that it is through. */
function finishing(stream: Writable, then: () => Promise<void>): Writable {
  const final = stream._final.bind(stream)
  stream._final = (cb) => final((err) => (err ? cb(err) : void then().then(() => cb(null), cb)))
  return stream
}

/** A date that the file system refuses is left as it is: the bytes are what counts. */
async function setDate(folder: Folder, key: string, mtime: number, isLink: boolean): Promise<void> {
  const seconds = mtime / 1000
  await (isLink ? lutimes : utimes)(folder.toPath(key), seconds, seconds).catch(() => undefined)
}

/** A drive of which some calls are others; all else is its own. */
function override<T extends object>(drive: T, calls: object): T {
  return new Proxy(drive, {
    get(target, name) {
      if (Object.hasOwn(calls, name)) return (calls as Record<PropertyKey, unknown>)[name]
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    }
  })
}
