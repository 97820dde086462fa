/**
 * Random mounts, writes and deletions over four drives that may be mounted in each other, against maps in memory: what the faces show, where
 * writes land, and what checkouts and diffs tell of it afterwards. Another seed and more runs come from the environment:
 *
 *   PROPERTY_SEED=7 PROPERTY_RUNS=1000 npx tsx test/property/mounts.test.ts
 */
import assert from 'node:assert/strict'
import type Corestore from 'corestore'
import fc from 'fast-check'
import Hyperdrive from 'hyperdrive'
import test from 'tape'
import MultiDrive, { type Entry } from '../../index.ts'
import { collect, contents, failureOf, store } from '../helpers/drives.ts'

const { PROPERTY_RUNS: runs = 60, PROPERTY_SEED: seed = 11 } = process.env

/** Few, so that they meet: siblings that sort around a folder, and what lies deep. */
const PATHS = ['/a', '/a!', '/a/b', '/a/b/a', '/a0', '/b', '/b/a', '/b/a!', '/b/a/b', '/a/b/a/b', '/a!/a']
const FOLDERS = ['', '/a', '/a!', '/a/b', '/b', '/b/a']

const path = fc.constantFrom(...PATHS)
const drive = fc.nat(3)
const steps = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('mount' as const), path, drive }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unmount' as const), path }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('put' as const), path }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('writeFile' as const), path }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('plain' as const), path, drive }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('del' as const), path }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unlink' as const), path }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('deltree' as const), path }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remember' as const) }) }
)
type Step = typeof steps extends fc.Arbitrary<infer S> ? S : never

/** What one drive holds, as the oracle has it. */
class Held {
  readonly files = new Map<string, string>()
  readonly folders = new Set<string>()
  readonly mounts = new Map<string, number>()

  /** The outermost mount at or above a key. */
  over(key: string): string | null {
    return [...this.mounts.keys()].filter((at) => isIn(key, at)).sort(byLength)[0] ?? null
  }

  hasBelow(key: string): boolean {
    const all = [...this.files.keys(), ...this.folders, ...this.mounts.keys()]
    return all.some((other) => other.startsWith(key + '/'))
  }

  hasFolder(key: string): boolean {
    return this.folders.has(key) || this.hasBelow(key)
  }
}

class Refused extends Error {
  readonly code: string

  constructor(code: string) {
    super(code)
    this.code = code
  }
}

class Model {
  readonly held = [new Held(), new Held(), new Held(), new Held()]

  /** The drive that a key lies in, and its key there. */
  place(key: string, at = 0, chain: readonly number[] = [0]): { at: number; key: string } {
    const mount = this.held[at]!.over(key)
    if (mount === null) return { at, key }
    const next = this.held[at]!.mounts.get(mount)!
    if (chain.includes(next)) throw new Refused('ELOOP')
    return this.place(key.slice(mount.length), next, [...chain, next])
  }

  /** Every visible file, as the key there and its text. */
  files(at = 0, chain: readonly number[] = [0]): Map<string, string> {
    const held = this.held[at]!
    const found = new Map([...held.files].filter(([key]) => held.over(key) === null))
    for (const [mount, next] of held.mounts) {
      if (held.over(mount) !== mount || chain.includes(next)) continue
      for (const [key, text] of this.files(next, [...chain, next])) found.set(mount + key, text)
    }
    return found
  }

  /** Every visible folder that is there by itself, mounts among them. */
  folders(at = 0, chain: readonly number[] = [0]): { folders: string[]; mounts: string[] } {
    const held = this.held[at]!
    const mounts = [...held.mounts.keys()].filter((mount) => held.over(mount) === mount)
    const found = {
      folders: [...held.folders].filter((key) => held.over(key) === null).concat(mounts),
      mounts: [...mounts]
    }
    for (const mount of mounts) {
      const next = held.mounts.get(mount)!
      if (chain.includes(next)) continue
      const inner = this.folders(next, [...chain, next])
      found.folders.push(...inner.folders.map((key) => mount + key))
      found.mounts.push(...inner.mounts.map((key) => mount + key))
    }
    return found
  }

  mount(key: string, drive: number): void {
    const { at, key: parent } = this.place(parentOf(key))
    const rest = parent + key.slice(parentOf(key).length)
    if (at === drive) throw new Refused('ELOOP')
    const held = this.held[at]!
    // What a mount inside would show is not to be asked of one that shows nothing.
    if (held.mounts.has(rest)) throw new Refused('EEXIST')
    if ([rest, ...above(rest)].some((folder) => held.files.has(folder))) throw new Refused('ENOTDIR')
    held.mounts.set(rest, drive)
  }

  unmount(key: string): void {
    const { at, key: parent } = this.place(parentOf(key))
    const rest = parent + key.slice(parentOf(key).length)
    if (!this.held[at]!.mounts.delete(rest)) throw new Refused('EINVAL')
  }

  put(path: string, text: string): void {
    const { at, key } = this.place(path)
    const held = this.held[at]!
    if (key === '') throw new Refused('EISDIR')
    if (!held.files.has(key)) {
      if (held.hasFolder(key)) throw new Refused('EISDIR')
      if (above(key).some((folder) => held.files.has(folder))) throw new Refused('ENOTDIR')
    }
    held.files.set(key, text)
  }

  writeFile(path: string, text: string): void {
    const { at, key } = this.place(path)
    if (key === '') throw new Refused('EISDIR')
    const parent = this.place(parentOf(path))
    const held = this.held[at]!
    if (!held.files.has(key) && !held.hasFolder(key)) {
      const isThere = parent.key === '' || this.held[parent.at]!.hasFolder(parent.key)
      const isFile = this.held[parent.at]!.files.has(parent.key)
      if (isFile || !isThere) throw new Refused(this.#firstWrong(path))
    }
    this.put(path, text)
  }

  del(path: string): void {
    const { at, key } = this.place(path)
    this.held[at]!.files.delete(key)
  }

  unlink(path: string): void {
    const { at, key } = this.place(path)
    const held = this.held[at]!
    if (key === '') throw new Refused('EISDIR')
    if (!held.files.has(key)) throw new Refused(held.hasFolder(key) ? 'EISDIR' : this.#firstWrong(path))
    held.files.delete(key)
    const parent = parentOf(key)
    if (parent !== '' && !held.hasFolder(parent) && !held.files.has(parent)) held.folders.add(parent)
  }

  deltree(path: string): void {
    const { at, key } = this.place(path)
    const held = this.held[at]!
    if (key === '') throw new Refused('EBUSY')
    if ([...held.mounts.keys()].some((mount) => mount.startsWith(key + '/'))) throw new Refused('EBUSY')
    for (const file of [...held.files.keys()]) if (isIn(file, key)) held.files.delete(file)
    for (const folder of [...held.folders]) if (isIn(folder, key)) held.folders.delete(folder)
  }

  /** Why a path cannot be gone, from the root on. */
  #firstWrong(path: string): string {
    for (const folder of above(path)) {
      const { at, key } = this.place(folder)
      if (key === '') continue
      if (this.held[at]!.files.has(key)) return 'ENOTDIR'
      if (!this.held[at]!.hasFolder(key)) return 'ENOENT'
    }
    return 'ENOENT'
  }
}

test('mounts show what maps in memory say', { timeout: 600_000 }, async (t) => {
  const corestore = await store(t)
  let count = 0
  const plan = fc.array(steps, { minLength: 4, maxLength: 24 })
  const holds = fc.asyncProperty(plan, async (all) => play(corestore, String(count++), all))
  await fc.assert(holds, { seed: Number(seed), numRuns: Number(runs), includeErrorInReport: true })
  t.pass(`${runs} plans, seed ${seed}`)
})

async function play(corestore: Corestore, name: string, all: readonly Step[]): Promise<void> {
  const drives = [0, 1, 2, 3].map((i) => new Hyperdrive(corestore.namespace(`${name} ${i}`)))
  await Promise.all(drives.map((one) => one.ready()))
  const multi = new MultiDrive(drives[0], { openDrive: (key) => drives.find((one) => one.key.equals(key)) })
  const model = new Model()
  const remembered: { version: string; files: Map<string, string>; seen: Map<string, string> }[] = []
  try {
    for (const [i, step] of all.entries()) {
      const text = `text ${i}`
      if (step.do === 'remember') {
        remembered.push({ version: multi.version, files: model.files(), seen: await versions(multi) })
      } else if (step.do === 'plain') {
        await drives[step.drive].put(step.path, text)
        model.held[step.drive]!.files.set(step.path, text)
      } else {
        const expected = outcome(() => apply(model, step, text))
        const found = await perform(multi, step, drives, text).then(
          () => null,
          (err: unknown) => (err as { code: string }).code
        )
        assert.equal(found, expected, `${JSON.stringify(step)} as step ${i}`)
      }
      await compare(multi, model)
    }
    for (const { version, files, seen } of remembered) {
      const past = multi.checkout(version)
      assert.deepEqual(await contents(past), Object.fromEntries(files), 'a checkout')
      assert.equal((await failureOf(past.put('/new', ''))).code, 'EROFS')
      await past.close()
      const now = await versions(multi)
      const keys = [...new Set([...seen.keys(), ...now.keys()])].filter(
        (key) => seen.get(key) !== now.get(key)
      )
      const differences = await collect(multi.diff(version))
      assert.deepEqual(
        differences.map(({ left, right }) => (left ?? right).key),
        keys.sort(byBytes),
        'a diff'
      )
    }
  } finally {
    await multi.close()
    await Promise.all(drives.map((one) => one.close()))
  }
}

function apply(model: Model, step: Exclude<Step, { do: 'plain' | 'remember' }>, text: string): void {
  if (step.do === 'mount') model.mount(step.path, step.drive)
  else model[step.do](step.path, text)
}

async function perform(
  multi: MultiDrive,
  step: Exclude<Step, { do: 'plain' | 'remember' }>,
  drives: any[],
  text: string
): Promise<unknown> {
  const { path } = step
  switch (step.do) {
    case 'mount':
      return multi.mount(path, drives[step.drive].key)
    case 'unmount':
      return multi.unmount(path)
    case 'put':
      return multi.put(path, text)
    case 'writeFile':
      return multi.promises.writeFile(path, text)
    case 'del':
      return multi.del(path)
    case 'unlink':
      return multi.promises.unlink(path)
    case 'deltree':
      return multi.del(path, { recursive: true })
  }
}

async function compare(multi: MultiDrive, model: Model): Promise<void> {
  const files = model.files()
  const sorted = [...files.keys()].sort(byBytes)
  assert.deepEqual(await keysOf(multi.list('/')), sorted, 'list()')
  assert.deepEqual(await keysOf(multi.entries(null, { reverse: true })), sorted.toReversed(), 'backwards')
  const { folders, mounts } = model.folders()
  assert.deepEqual([...(await multi.getAllMounts()).keys()].sort(), mounts.sort(), 'getAllMounts()')
  for (const path of PATHS) {
    const loops = outcome(() => void model.place(path))
    if (loops) {
      // What is mounted there is not asked where nothing below it is wanted.
      if (mounts.includes(path)) assert.equal(await multi.entry(path), null)
      else assert.equal((await failureOf(multi.entry(path))).code, loops)
      continue
    }
    const bytes = await multi.get(path)
    assert.equal(bytes && String(bytes), files.get(path) ?? null, `get(${path})`)
    const range = { gte: path, lt: '/b/a!' }
    const inRange = sorted.filter((key) => byBytes(key, path) >= 0 && byBytes(key, '/b/a!') < 0)
    assert.deepEqual(await keysOf(multi.entries(range)), inRange, `from ${path}`)
    const two = { reverse: true, limit: 2 }
    assert.deepEqual(await keysOf(multi.entries(range, two)), inRange.toReversed().slice(0, 2))
  }
  for (const folder of FOLDERS) {
    if (outcome(() => void model.place(folder))) continue
    const below = [...sorted, ...folders].filter((key) => key.startsWith(folder + '/'))
    const names = new Set(below.map((key) => key.slice(folder.length + 1).split('/')[0]!))
    const ofFiles = sorted.filter((key) => key.startsWith(folder + '/'))
    const shallow = new Set(ofFiles.map((key) => key.slice(folder.length + 1).split('/')[0]!))
    assert.deepEqual((await collect<string>(multi.readdir(folder || '/'))).sort(), [...shallow].sort())
    assert.deepEqual(await keysOf(multi.list(folder || '/')), ofFiles, `list(${folder})`)
    if (files.has(folder)) continue
    const isThere = folder === '' || folders.includes(folder) || names.size > 0
    if (!isThere) continue
    assert.deepEqual((await multi.promises.readdir(folder || '/')).sort(), [...names].sort(), folder)
  }
}

/** Which version of each path is shown. */
async function versions(multi: MultiDrive): Promise<Map<string, string>> {
  const entries = await collect<Entry>(multi.list('/'))
  return new Map(
    entries.map(({ key, seq, drive }) => [key, `${String((drive as { id?: unknown }).id)} ${seq}`])
  )
}

async function keysOf(stream: AsyncIterable<unknown>): Promise<string[]> {
  return (await collect<Entry>(stream)).map(({ key }) => key)
}

/** The code that something is refused with. */
function outcome(run: () => void): string | null {
  try {
    run()
    return null
  } catch (err) {
    if (err instanceof Refused) return err.code
    throw err
  }
}

function above(key: string): string[] {
  const parts = key.split('/').slice(1, -1)
  return parts.map((_, i) => '/' + parts.slice(0, i + 1).join('/'))
}

function parentOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/'))
}

function isIn(key: string, folder: string): boolean {
  return key === folder || key.startsWith(folder + '/')
}

function byLength(a: string, b: string): number {
  return a.length - b.length
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
