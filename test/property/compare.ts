/** The merged view against the oracle's, through every call that reads. */
import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import type MultiDrive from '../../index.ts'
import type { Drive, Entry } from '../../index.ts'
import { collect } from '../helpers/drives.ts'
import type { Looks } from './looks.ts'
import { conflicts, Refused, type File } from './oracle.ts'
import { allMounts, attempt, find, isMounted, placeOf, show, type Sight } from './oracle-mounts.ts'
import { tagsOf } from './oracle-tags.ts'
import { MOUNTED, MOUNTS, PATHS, TAGS } from './plans.ts'

export interface Conflict {
  key: string
  candidates: Entry[]
}

/** Of how many paths that plans write to by name one is read by itself, and how many others are. */
const ONE_OF = 3
const DEEP = 2

/** How many folders are listed. */
const LISTED = 2

export async function compare(
  multi: MultiDrive,
  drives: readonly any[],
  sight: Sight,
  who: string,
  looks: Looks
): Promise<void> {
  const expected = show(sight)
  const entries = await collect<Entry>(multi.list('/'))
  assert.deepEqual(
    entries.map(({ key }) => key),
    [...expected.keys()],
    `list() of ${who}`
  )
  const mounts = allMounts(sight)
  const paths = mounts.size === 0 ? PATHS : [...PATHS, ...MOUNTED, ...MOUNTS]
  const deep = [...expected.keys()].filter((path) => !paths.includes(path))
  for (const path of new Set([...looks.some(paths, paths.length / ONE_OF), ...looks.some(deep, DEEP)]))
    await compareAt(multi, sight, path, expected, who)
  for (const entry of entries) compareEntry(entry, expected.get(entry.key)!, drives, sight, who)
  await compareConflicts(multi, sight, who)
  const folders = ['/', '/a', '/d', '/d/e', '/b', ...(mounts.size === 0 ? [] : ['/m'])]
  for (const folder of looks.some(folders, LISTED)) {
    if (attempt(() => placeOf(sight, folder === '/' ? '' : folder)) instanceof Refused) continue
    const prefix = folder === '/' ? '/' : folder + '/'
    const below = [...expected.keys()].filter((key) => key.startsWith(prefix))
    const names = new Set(below.map((key) => key.slice(prefix.length).split('/')[0]))
    const found = await collect<string>(multi.readdir(folder))
    assert.deepEqual([...found].sort(), [...names].sort(), `readdir(${folder}) of ${who}`)
  }
  await compareTags(multi, sight, who)
  const found = await multi.getAllMounts()
  assert.deepEqual(
    new Map([...found].map(([path, { key, version }]) => [path, [key.toString('hex'), version]])),
    new Map([...mounts].map(([path, { id, version }]) => [path, [keyOf(id!, drives), version]])),
    `getAllMounts() of ${who}`
  )
}

/** One path, by the calls that ask for one. */
async function compareAt(
  multi: MultiDrive,
  sight: Sight,
  path: string,
  expected: ReadonlyMap<string, File>,
  who: string
): Promise<void> {
  const file = attempt(() => find(sight, path))
  if (file instanceof Refused) {
    for (const call of [() => multi.entry(path), () => multi.exists(path), () => multi.get(path)])
      assert.equal(await codeOf(call()), file.code, `${path} of ${who}`)
    return
  }
  assert.equal(file, expected.get(path) ?? null)
  const entry = await multi.entry(path)
  assert.equal(await multi.exists(path), file !== null, `exists(${path}) of ${who}`)
  const bytes = await multi.get(path)
  assert.equal(bytes && String(bytes), file?.text ?? null, `get(${path}) of ${who}`)
  if (file === null) assert.equal(entry, null, `entry(${path}) of ${who}`)
  else compareEntry(entry!, file, null, sight, who, path)
}

/** @param drives - those that it may be of; null not to ask */
function compareEntry(
  entry: Entry,
  file: File,
  drives: readonly any[] | null,
  sight: Sight,
  who: string,
  path = entry.key
): void {
  const { horizon } = sight.holdings
  const { key, seq, mtime, value, drive } = entry
  const { linkname, metadata } = value
  assert.deepEqual(
    { key, seq, mtime, linkname, metadata, size: value.blob?.byteLength ?? null },
    {
      key: path,
      seq: file.seq,
      mtime: file.mtime !== null && file.mtime <= horizon ? file.mtime : null,
      linkname: file.linkname,
      metadata: file.metadata,
      size: file.text === null ? null : Buffer.byteLength(file.text)
    },
    `entry(${path}) of ${who}`
  )
  assert.equal(idOf(drive), file.drive)
  if (drives) assert.ok(drives.includes(drive))
}

async function compareConflicts(multi: MultiDrive, sight: Sight, who: string): Promise<void> {
  const { states } = sight
  const expected = new Map<string, ReadonlySet<string>>()
  for (const path of new Set(states.flatMap(({ files }) => [...files.keys()]))) {
    const rivals = isMounted(sight, path) ? [] : conflicts(states, path)
    if (rivals.length > 0) expected.set(path, new Set(rivals.map(({ drive, seq }) => `${drive} ${seq}`)))
  }
  const found = await collect<Conflict>(multi.conflicts())
  assert.deepEqual(
    new Map(found.map(({ key, candidates }) => [key, versionsOf(candidates)])),
    expected,
    `conflicts() of ${who}`
  )
  for (const { key, candidates } of found) {
    const versions = (await multi.conflicts(key)).map(versionOf)
    assert.deepEqual(versions, candidates.map(versionOf), `conflicts(${key}) of ${who}`)
  }
}

async function compareTags(multi: MultiDrive, { states, holdings }: Sight, who: string): Promise<void> {
  const expected = tagsOf(states, holdings.horizon)
  assert.deepEqual(await multi.getAllTags(), expected, `getAllTags() of ${who}`)
  for (const name of TAGS) {
    const version = expected.get(name) ?? null
    assert.equal(await multi.getTaggedVersion(name), version, `getTaggedVersion(${name}) of ${who}`)
  }
}

/** What differs between two versions against what differs between two listings. */
export async function compareDiff(
  multi: MultiDrive,
  version: string,
  now: Sight,
  before: Sight
): Promise<void> {
  const [left, right] = [now, before].map(standing) as [Standing, Standing]
  const paths = new Set([...left.keys(), ...right.keys()])
  const differences = [...paths]
    .filter((path) => !isDeepStrictEqual(left.get(path), right.get(path)))
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const fileAt = (sight: Standing, path: string) => sight.get(path)?.file ?? null
  const found = await collect<{ left: Entry | null; right: Entry | null }>(multi.diff(version))
  assert.deepEqual(
    found.map(({ left, right }) => [
      (left ?? right)!.key,
      left && versionOf(left),
      right && versionOf(right)
    ]),
    differences
      .filter((path) => fileAt(left, path) !== fileAt(right, path))
      .map((path) => [path, fileAt(left, path), fileAt(right, path)]),
    'diff'
  )
  const items = await collect<{ type: string; name: string }>(multi.createDiffStream(version))
  const typeOf = (path: string) => {
    const stands = left.get(path)
    if (stands) return stands.file === null ? 'mount' : 'put'
    return fileAt(right, path) === null ? 'unmount' : 'del'
  }
  assert.deepEqual(
    items.map(({ type, name }) => `${type} /${name}`),
    differences.map((path) => `${typeOf(path)} ${path}`),
    'createDiffStream'
  )
}

/** What stands at each path: which version of a file, or which record of a mount. */
type Standing = ReadonlyMap<string, { file: string | null; mount: string | null }>

function standing(sight: Sight): Standing {
  const stands = new Map<string, { file: string | null; mount: string | null }>()
  const name = ({ drive, seq }: { drive: string; seq: number }) => `${drive} ${seq}`
  for (const [path, mount] of allMounts(sight)) stands.set(path, { file: null, mount: name(mount) })
  for (const [path, file] of show(sight)) stands.set(path, { file: name(file), mount: null })
  return stands
}

/** Which version of each path is shown. */
export async function texts(multi: MultiDrive): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const { key, value, seq, drive } of await collect<Entry>(multi.list('/')))
    found.set(key, `${idOf(drive)} ${seq} ${value.linkname}`)
  return found
}

export function versionsOf(entries: readonly Entry[]): ReadonlySet<string> {
  return new Set(entries.map(versionOf))
}

/** The code that something is refused with; null when it is done. */
export async function codeOf(action: Promise<unknown>): Promise<string | null> {
  try {
    await action
    return null
  } catch (err) {
    const { code } = err as { code?: string }
    if (code === undefined) throw err
    return code
  }
}

function versionOf({ drive, seq }: Entry): string {
  return `${idOf(drive)} ${seq}`
}

function keyOf(id: string, drives: readonly any[]): string {
  return drives.find((drive) => drive.id === id).key.toString('hex')
}

function idOf(drive: Drive): string {
  return String((drive as { id?: unknown }).id)
}
