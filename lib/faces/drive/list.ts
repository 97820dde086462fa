import { Readable } from 'streamx'
import type { Entry } from '../../drive.ts'
import { failure } from '../../errors.ts'
import { Shallow } from '../../overlay/shallow.ts'
import type { LocatedCursor, Reader } from '../../overlay/view.ts'
import { folderRange, isIn, toFolder, toKey, type KeyRange } from '../../path.ts'
import type { ReadOptions } from '../../drive.ts'
import { toEntry } from './entry.ts'
import type { ReadableOf } from './readable.ts'

export interface ListOptions extends ReadOptions {
  /** Descend into subfolders. Default true. With false each subfolder gives its first entry, as in Hyperdrive. */
  recursive?: boolean
  /** Files and folders to leave out, or a function that is true for the keys to leave out. */
  ignore?: string | readonly string[] | ((key: string) => boolean) | null
}

export interface EntriesOptions extends ReadOptions {
  reverse?: boolean
  /** The most entries to give; -1, the default, for all. */
  limit?: number
  ignore?: ListOptions['ignore']
}

type GetReader = () => Reader | Promise<Reader>

const PAGE = 64

/**
 * Every entry below a folder, in the order of keys.
 *
 * @param from - the first key to give; that of the folder's first entry when it is left out
 */
export function list(
  reader: GetReader,
  folder: string | undefined,
  opts: ListOptions = {},
  from?: string
): ReadableOf<Entry> {
  const range = () => folderRange(toFolder(folder, 'list'))
  return stream(reader, range, opts, (entry) => entry, from)
}

/** The names in a folder: each file and each folder with something in it once, in the order of keys. */
export function readdir(
  reader: GetReader,
  folder: string | undefined,
  opts: ReadOptions = {}
): ReadableOf<string> {
  const start = () => toFolder(folder, 'readdir')
  const range = () => folderRange(start())
  return stream(reader, range, { ...opts, recursive: false }, (entry) => {
    return nameIn(start(), entry.key)
  })
}

/** The entries in a range of keys; as with Hyperbee, the range may hold the options too. */
export function entries(
  reader: GetReader,
  range: (KeyRange & EntriesOptions) | null | undefined,
  opts: EntriesOptions = {}
): ReadableOf<Entry> {
  const { gt, gte, lt, lte, ...more } = range ?? {}
  const bounds = Object.entries({ gt, gte, lt, lte }).filter(([, bound]) => bound != null)
  return stream(
    reader,
    () => {
      for (const [name, bound] of bounds)
        if (typeof bound !== 'string')
          throw failure('EINVAL', { syscall: 'entries', detail: `${name} is a key` })
      return Object.fromEntries(bounds)
    },
    { ...more, ...opts },
    (entry) => entry
  )
}

function stream<T>(
  getReader: GetReader,
  range: () => KeyRange,
  opts: ListOptions & EntriesOptions,
  map: (entry: Entry) => T,
  from?: string
): ReadableOf<T> {
  const ignored = toIgnore(opts.ignore)
  let left = opts.limit === undefined || opts.limit < 0 ? Infinity : opts.limit
  let reader: Reader
  let cursor: LocatedCursor | null = null
  let shallow: Shallow | null = null
  const ended = new AbortController()
  const readable = new Readable({
    open(cb) {
      const open = async () => {
        const keys = range()
        reader = await getReader()
        const { signal } = ended
        cursor = reader.winners(from === undefined ? keys : { gte: from, lt: keys.lt! }, { ...opts, signal })
        if (opts.recursive === false) shallow = new Shallow(cursor, keys.gt!.length)
      }
      open().then(() => cb(null), cb)
    },
    read(cb) {
      const read = async () => {
        for (;;) {
          const page = left > 0 ? await (shallow ?? cursor!).page(Math.min(left, PAGE)) : []
          if (page.length === 0) return void readable.push(null)
          const entries = page.filter(({ candidate }) => !ignored(candidate.key))
          left -= entries.length
          for (const located of entries) readable.push(map(toEntry(located, reader)))
          if (entries.length > 0) return
        }
      }
      read().then(() => cb(null), cb)
    },
    // A read that is under way would first come to its end.
    predestroy() {
      ended.abort()
    },
    destroy(cb) {
      Promise.resolve(cursor?.close()).then(() => cb(null), cb)
    }
  })
  return readable as ReadableOf<T>
}

function nameIn(folder: string, key: string): string {
  const rest = key.slice(folder.length + 1)
  const slash = rest.indexOf('/')
  return slash === -1 ? rest : rest.slice(0, slash)
}

function toIgnore(ignore: ListOptions['ignore']): (key: string) => boolean {
  if (ignore == null) return () => false
  if (typeof ignore === 'function') return ignore
  if (typeof ignore !== 'string' && !Array.isArray(ignore))
    throw failure('EINVAL', { syscall: 'list', detail: 'ignore is a path, some of them, or a function' })
  const keys = (typeof ignore === 'string' ? [ignore] : ignore).map((path) => toKey(path, 'list'))
  return (key) => keys.some((ignored) => isIn(key, ignored))
}
