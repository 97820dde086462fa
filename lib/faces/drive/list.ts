import { Readable } from 'streamx'
import type { Entry } from '../../drive.ts'
import { failure } from '../../errors.ts'
import { Shallow } from '../../overlay/shallow.ts'
import type { Located, LocatedCursor, Reader } from '../../overlay/view.ts'
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
  return stream(reader, range, opts, toEntry, from)
}

/** The names in a folder: each file and each folder with something in it once, in the order of keys. */
export function readdir(
  reader: GetReader,
  folder: string | undefined,
  opts: ReadOptions = {}
): ReadableOf<string> {
  let start = 0
  const range = () => {
    const path = toFolder(folder, 'readdir')
    start = path.length + 1
    return folderRange(path)
  }
  const name = ({ candidate }: Located) => nameIn(candidate.key, start)
  return stream(reader, range, { ...opts, recursive: false }, name)
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
    toEntry
  )
}

function stream<T>(
  getReader: GetReader,
  range: () => KeyRange,
  opts: ListOptions & EntriesOptions,
  map: (located: Located, reader: Reader) => T,
  from?: string
): ReadableOf<T> {
  const ignored = toIgnore(opts.ignore)
  let left = opts.limit === undefined || opts.limit < 0 ? Infinity : opts.limit
  let reader: Reader
  let cursor: LocatedCursor | null = null
  let shallow: Shallow | null = null
  const ended = new AbortController()
  const readable = new Readable({
    // Pages are read ahead as it is: what takes one entry and no more has the drives of the next ones left alone.
    highWaterMark: 1,
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
          const shown = ignored ? page.filter(({ candidate }) => !ignored(candidate.key)) : page
          left -= shown.length
          for (const located of shown) readable.push(map(located, reader))
          if (shown.length > 0) return
        }
      }
      read().then(() => cb(null), cb)
    },
    // A read that is under way would first come to its end.
    predestroy() {
      // Without a reason an error is made for one.
      ended.abort(null)
    },
    destroy(cb) {
      Promise.resolve(cursor?.close()).then(() => cb(null), cb)
    }
  })
  return readable as ReadableOf<T>
}

function nameIn(key: string, start: number): string {
  const slash = key.indexOf('/', start)
  return slash === -1 ? key.slice(start) : key.slice(start, slash)
}

/** Null where nothing is to be left out. */
function toIgnore(ignore: ListOptions['ignore']): ((key: string) => boolean) | null {
  if (ignore == null) return null
  if (typeof ignore === 'function') return ignore
  if (typeof ignore !== 'string' && !Array.isArray(ignore))
    throw failure('EINVAL', { syscall: 'list', detail: 'ignore is a path, some of them, or a function' })
  const keys = (typeof ignore === 'string' ? [ignore] : ignore).map((path) => toKey(path, 'list'))
  return (key) => keys.some((ignored) => isIn(key, ignored))
}
