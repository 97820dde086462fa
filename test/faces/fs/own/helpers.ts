import type { Test } from 'tape'
import type { MultiDrive } from '../../../../index.ts'
import { whole, within } from '../../../availability/links.ts'
import { cleanup, hyperdrive, link, localdrive, multidrive, store } from '../../../helpers/drives.ts'

export const KIB = 1 << 10
export const MIB = 1 << 20
export const BLOCK = 1 << 16
export const QUICK = 5000

/** The kinds of drive that can be written to. */
export const WRITERS = [
  ['a Hyperdrive', hyperdrive],
  ['a Localdrive', localdrive]
] as const

export interface Shared {
  /** The writer's MultiDrive, over a drive of its own and a copy of the author's. */
  readonly multi: MultiDrive
  readonly own: any
  /** The author's drive, as it is here: read-only. */
  readonly copy: any
  /** The author's drive where it is written, and a MultiDrive of the author's. */
  readonly author: any
  readonly authors: any
  /** The MultiDrive of somebody else, over copies of both drives, once all that was written until now is there. */
  readonly third: () => Promise<MultiDrive>
  /** Resolves when the copy has all that the author has written. */
  readonly synced: () => Promise<void>
}

/** Three machines, of which one writes over a drive that another writes; both replicate to a third. */
export async function shared(t: Test, kind: string): Promise<Shared> {
  const [ours, theirs, others] = [await store(t), await store(t), await store(t)]
  const author = await hyperdrive(t, { store: theirs })
  const authors = await multidrive(t, [author])
  const isLocal = kind === 'a Localdrive'
  const own = isLocal ? await localdrive(t) : await hyperdrive(t, { store: ours })
  const copy = await hyperdrive(t, { store: ours, key: author.key })
  const multi = await multidrive(t, [own, copy])
  cleanup(t, link(theirs, ours))
  const third = async () => {
    const copies = [await hyperdrive(t, { store: others, key: author.key })]
    if (!isLocal) copies.unshift(await hyperdrive(t, { store: others, key: own.key }))
    const reader = await multidrive(t, copies)
    cleanup(t, link(theirs, others))
    if (!isLocal) cleanup(t, link(ours, others))
    await within(QUICK, 'author to third', whole(copies.at(-1), author))
    if (!isLocal) await within(QUICK, 'own to third', whole(copies[0], own))
    return reader
  }
  const synced = () => within(QUICK, 'author to own', whole(copy, author))
  return { multi, own, copy, author, authors, third, synced }
}

/** What a drive holds, to be compared with what it holds later. */
export async function stateOf(drive: any): Promise<[version: number, blobs: number]> {
  return [drive.version, (await drive.getBlobs()).core.length]
}

/** What makes a file or folder what it is, for whoever reads it. */
export async function shown(multi: MultiDrive, path: string): Promise<Record<string, unknown>> {
  const stat = await multi.lstat(path)
  const { mode, size, mtimeMs, metadata } = stat
  const text = stat.isFile() ? await multi.readFile(path, 'latin1') : ''
  return { mode: mode & 0o7777, size, mtimeMs, metadata, text, linkname: stat.linkname }
}
