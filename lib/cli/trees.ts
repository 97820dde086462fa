import type { Entry, MultiDrive } from '../../index.ts'
import { targetIn } from '../share/links.ts'
import { sameBytes } from '../share/same-bytes.ts'

/** A folder of a view, as a tree of what is below it. */
export interface Tree {
  /** Null where there is nothing, such as a folder of the disk that is yet to be made. */
  readonly view: MultiDrive | null
  readonly folder: string
}

/** Where two trees differ: what the one has that the other is to have. */
export interface Difference {
  readonly op: 'add' | 'change' | 'remove'
  /** From the folders on, without a slash before it. */
  readonly path: string
  /** What is to be there; null where nothing is. */
  readonly left: Entry | null
  readonly right: Entry | null
}

export interface CompareOptions {
  /** Whether the bytes of files with the same size and date are compared too. */
  readonly checksum: boolean
  readonly signal: AbortSignal
  /** Does what reads the bytes of the left one. */
  readonly carry?: ((left: Entry, read: () => Promise<boolean>) => Promise<boolean>) | undefined
}

/** Where `left` is other than `right`, in the order of keys. Dates and bits alone are no difference; what is no file or link is not seen. */
export async function* compareTrees(
  left: Tree,
  right: Tree,
  opts: CompareOptions
): AsyncGenerator<Difference, void, void> {
  const [a, b] = [entriesOf(left), entriesOf(right)]
  try {
    let [one, two] = [await next(a), await next(b)]
    while (one || two) {
      opts.signal.throwIfAborted()
      const order = !one ? 1 : !two ? -1 : Buffer.compare(Buffer.from(one.path), Buffer.from(two.path))
      if (order < 0) {
        yield { op: 'add', path: one!.path, left: one!.entry, right: null }
        one = await next(a)
      } else if (order > 0) {
        yield { op: 'remove', path: two!.path, left: null, right: two!.entry }
        two = await next(b)
      } else {
        if (!(await isSame(left, one!.entry, right, two!.entry, opts)))
          yield { op: 'change', path: one!.path, left: one!.entry, right: two!.entry }
        ;[one, two] = [await next(a), await next(b)]
      }
    }
  } finally {
    await a.return()
    await b.return()
  }
}

/** The bytes of a file, part by part. */
export function bytesOf(view: MultiDrive, file: Entry | string): AsyncIterable<Buffer> {
  return view.createReadStream(file) as AsyncIterable<unknown> as AsyncIterable<Buffer>
}

interface At {
  readonly path: string
  readonly entry: Entry
}

async function* entriesOf({ view, folder }: Tree): AsyncGenerator<At, void, void> {
  if (!view) return
  const start = folder === '/' ? 1 : folder.length + 1
  for await (const entry of view.list(folder)) yield { path: entry.key.slice(start), entry }
}

async function next(items: AsyncGenerator<At, void, void>): Promise<At | null> {
  const { done, value } = await items.next()
  return done ? null : value
}

async function isSame(
  left: Tree,
  a: Entry,
  right: Tree,
  b: Entry,
  { checksum, signal, carry = (_left, read) => read() }: CompareOptions
): Promise<boolean> {
  const links = [a.value.linkname, b.value.linkname]
  if (links[0] !== null || links[1] !== null) {
    if (links[0] === links[1]) return true
    if (links[0] === null || links[1] === null) return false
    const [one, two] = [targetIn(left.folder, a.key, links[0]!), targetIn(right.folder, b.key, links[1]!)]
    return one !== null && one === two
  }
  if (a.value.blob?.byteLength !== b.value.blob?.byteLength) return false
  const isDated = a.mtime !== null && b.mtime !== null && Math.abs(a.mtime - b.mtime) < 1
  if (isDated && !checksum) return true
  return carry(a, () => sameBytes(bytesOf(left.view!, a), bytesOf(right.view!, b), signal))
}
