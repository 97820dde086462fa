import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import Localdrive from 'localdrive'
import type { Duplex } from 'streamx'
import type { Test } from 'tape'
import MultiDrive, { type Drive, type Entry, type MultiDriveOptions } from '../../index.ts'

const stacks = new WeakMap<Test, (() => unknown)[]>()

/** Runs when the test is over; what was begun last ends first. */
export function cleanup(t: Test, end: () => unknown): void {
  const stack = stacks.get(t)
  if (stack) return void stack.push(end)
  const ends = [end]
  stacks.set(t, ends)
  t.teardown(async () => {
    for (const next of ends.reverse()) await next()
  })
}

/** An empty folder, removed when the test is over. */
export async function folder(t: Test): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'multidrive-test-'))
  cleanup(t, () => rm(path, { recursive: true, force: true }))
  return path
}

/** A corestore of its own, closed when the test is over. */
export async function store(t: Test, opts?: object): Promise<Corestore> {
  const path = await folder(t)
  const corestore = new Corestore(path, opts)
  cleanup(t, () => corestore.close())
  return corestore
}

/** A Hyperdrive of one's own, or of a key. */
export async function hyperdrive(
  t: Test,
  opts: { store?: Corestore; key?: Uint8Array } = {}
): Promise<Hyperdrive> {
  const corestore = opts.store ?? (await store(t))
  const drive = new Hyperdrive(corestore.session(), opts.key ?? null)
  await drive.ready()
  cleanup(t, () => drive.close())
  return drive
}

/** Hyperdrives of one's own, all in one corestore. */
export async function hyperdrives(t: Test, count: number, corestore?: Corestore): Promise<Hyperdrive[]> {
  const home = corestore ?? (await store(t))
  const drives = Array.from({ length: count }, (_, i) => new Hyperdrive(home.namespace(`drive ${i}`)))
  cleanup(t, () => Promise.all(drives.map((drive) => drive.close())))
  await Promise.all(drives.map((drive) => drive.ready()))
  return drives
}

export async function localdrive(t: Test, opts?: object): Promise<Localdrive> {
  return new Localdrive(await folder(t), opts)
}

/** A MultiDrive over drives that are closed with it. */
export async function multidrive(t: Test, drives: any[], opts?: MultiDriveOptions): Promise<MultiDrive> {
  const multi = new MultiDrive(drives[0], opts)
  cleanup(t, () => multi.close())
  for (const drive of drives.slice(1)) await multi.addDrive(drive)
  await multi.ready()
  return multi
}

/** A Corestore, a Hyperdrive, or a MultiDrive. */
export interface Replicable {
  replicate(isInitiator: boolean): Duplex
}

/** Two corestores that exchange everything, until the returned function is called. */
export function link(a: Replicable, b: Replicable): () => Promise<void> {
  const left = a.replicate(true)
  const right = b.replicate(false)
  left.on('error', () => undefined)
  right.on('error', () => undefined)
  left.pipe(right).pipe(left)
  return async () => {
    const closed = Promise.all(
      [left, right].map((stream) => new Promise<void>((resolve) => stream.once('close', resolve)))
    )
    left.destroy()
    right.destroy()
    await closed
  }
}

export async function collect<T = any>(stream: AsyncIterable<unknown>): Promise<T[]> {
  const all: T[] = []
  for await (const item of stream) all.push(item as T)
  return all
}

/** The keys of a listing. */
export async function keys(drive: Pick<Drive, 'list'>, path = '/'): Promise<string[]> {
  return (await collect(drive.list(path))).map((entry) => entry.key)
}

/** Every visible file with its text, or the target of a link. */
export async function contents(drive: Pick<MultiDrive, 'get' | 'list'>): Promise<Record<string, string>> {
  const view: Record<string, string> = {}
  for (const entry of await collect<Entry>(drive.list('/'))) {
    view[entry.key] =
      entry.value.linkname === null ? String(await drive.get(entry)) : `-> ${entry.value.linkname}`
  }
  return view
}

/** The error that a promise or a call rejects with. */
export async function failureOf(action: Promise<unknown> | (() => unknown)): Promise<any> {
  try {
    await (typeof action === 'function' ? action() : action)
  } catch (err) {
    return err
  }
  throw new Error('it did not fail')
}

/** What a call with a callback returns, and what it calls back with. */
export async function calledBack(
  call: (cb: (...args: any[]) => void) => unknown
): Promise<{ returned: unknown; args: any[] }> {
  let returned: unknown
  const args = await new Promise<any[]>((resolve) => {
    returned = call((...given) => resolve(given))
  })
  return { returned, args }
}

/** An object with what every drive needs, over a real drive, with some of it replaced. */
export function over(
  drive: Hyperdrive,
  replaced: object = {}
): Drive & { readonly id: string; ready(): Promise<void> } {
  return {
    id: drive.id,
    ready: () => drive.ready(),
    entry: (...args: unknown[]) => drive.entry(...args),
    list: (...args: unknown[]) => drive.list(...args),
    createReadStream: (...args: unknown[]) => drive.createReadStream(...args),
    ...replaced
  }
}

/** Where each drive stands among others, by identity: drives are too big to be compared or printed. */
export function indexes(drives: readonly unknown[], among: readonly unknown[]): number[] {
  return drives.map((drive) => among.indexOf(drive))
}

/** The next error that nobody catches. */
export function uncaught(t: Test): Promise<Error> {
  const before = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  const restore = () => {
    process.removeAllListeners('uncaughtException')
    for (const listener of before) process.on('uncaughtException', listener)
  }
  cleanup(t, restore)
  return new Promise((resolve) => process.once('uncaughtException', resolve))
}
