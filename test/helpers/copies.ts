import type Corestore from 'corestore'
import type Hyperdrive from 'hyperdrive'
import type { Test } from 'tape'
import { alone, together, whole } from '../availability/links.ts'
import { hyperdrive, link, store } from './drives.ts'

/** A drive of someone else, whole here but for the bytes of its files. */
export interface Copy {
  author: Hyperdrive
  copy: Hyperdrive
  /** The corestores of its author, and of this machine. */
  theirs: Corestore
  ours: Corestore
  /** Its author goes away, for good or until `connect`. */
  cut: () => Promise<void>
  connect: () => Promise<void>
}

/**
 * @param fill - what its author writes before anybody sees it
 * @param opts - `ours`: the corestore of this machine
 */
export async function copyOf(
  t: Test,
  fill: (author: Hyperdrive) => Promise<unknown>,
  opts: { ours?: Corestore } = {}
): Promise<Copy> {
  const theirs = await store(t)
  const ours = opts.ours ?? (await store(t))
  const author = await hyperdrive(t, { store: theirs })
  await fill(author)
  const copy = await hyperdrive(t, { store: ours, key: author.key })
  copy.core.download({ start: 0, end: -1 })
  let unlink = link(theirs, ours)
  await whole(copy, author)
  await copy.getBlobs()
  return {
    author,
    copy,
    theirs,
    ours,
    cut: async () => {
      await unlink()
      await alone(copy)
    },
    connect: async () => {
      unlink = link(theirs, ours)
      await together(copy)
    }
  }
}

/** Lets something happen before a block of the files that someone sends is read. */
export async function before(author: Hyperdrive, wait: (index: number) => Promise<unknown>): Promise<void> {
  const { storage } = (await author.getBlobs()).core.state
  const begin = storage.read.bind(storage)
  storage.read = () => {
    const reading = begin()
    const get = reading.getBlock.bind(reading)
    reading.getBlock = async (index: number) => (await Promise.all([get(index), wait(index)]))[0]
    return reading
  }
}

/** A file whose blob is a block map of Hyperblobs. */
export async function putMapped(author: Hyperdrive, path: string, data: Buffer): Promise<void> {
  const stream = author.createWriteStream(path, { dedup: true })
  for (let at = 0; at < data.byteLength; at += 65536) {
    if (stream.write(data.subarray(at, at + 65536))) continue
    await new Promise((resolve) => stream.once('drain', resolve))
  }
  await new Promise((resolve) => stream.once('close', resolve).end())
}
