/**
 * One random sequence of calls on `node:fs` in a folder, and on a MultiDrive beside it. Every outcome is compared, and then the whole tree.
 */
import fs from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { inspect, isDeepStrictEqual } from 'node:util'
import type { MultiDrive } from '../../index.ts'
import { byteRow } from '../suites/fs-open-file.ts'
import { caller } from '../suites/fs.ts'
import { Disk, isOutside, Outside, PAST, type Item } from './fs-disk.ts'
import type { Kind, Place } from './fs-kinds.ts'
import type { Bytes, Plain, Plan, Step } from './fs-steps.ts'

/** Where the two differ. `about` is the same for what looks like the same difference. */
export class Difference extends Error {
  readonly about: string

  constructor(about: string, message: string) {
    super(message)
    this.about = about
  }
}

let runs = 0

/** @throws Difference */
export async function play(place: Place, kind: Kind, plan: Plan): Promise<void> {
  const run = `run-${runs++}`
  const folder = await mkdtemp(join(place.folder, 'disk-'))
  const world = await kind.open(place, run)
  const disk = new Disk(folder)
  const stage = new Stage(disk, plan.style)
  try {
    const { phases } = plan
    const filled = (phase: number) => fill(disk, world.plain[phase], plan.plain[phase] ?? [])
    if (kind.turns) {
      const multis: MultiDrive[] = []
      for (const phase of phases.keys()) {
        await filled(phase)
        multis.push(await world.begin(phase))
      }
      await world.settle()
      const most = Math.max(...phases.map((steps) => steps.length))
      for (let i = 0; i < most; i++) {
        for (const [phase, steps] of phases.entries()) {
          if (steps[i] === undefined) continue
          await stage.take(multis[phase]!, steps[i]!, world.settle)
          await world.settle()
          // What is open for writing shows on the disk alone.
          if (stage.isDirty) continue
          for (const multi of multis) await compare(disk, multi, `after step ${i} of ${phase}`)
        }
      }
      await stage.end(world.settle)
      for (const multi of multis) await compare(disk, multi, 'at the end')
    } else {
      for (const [phase, steps] of phases.entries()) {
        if (phase < kind.plain) await filled(phase)
        const multi = await world.begin(phase)
        await compare(disk, multi, `before phase ${phase}`)
        for (const step of steps) await stage.take(multi, step, world.settle)
        await stage.end(world.settle)
        await compare(disk, multi, `after phase ${phase}`)
      }
    }
    await compare(disk, await world.reordered(), 'from drives in another order')
  } finally {
    await stage.release()
    await world.close()
    await rm(folder, { recursive: true })
  }
}

/**
 * Puts files into a drive as any program does that knows nothing of MultiDrive, where that mixes no kinds; on the disk the newer of two
 * stays.
 */
async function fill(disk: Disk, drive: any, list: readonly Plain[]): Promise<void> {
  const paths = new Set<string>()
  const hold = disk.holdFolderTimes()
  for (const { path, bytes, linkname, executable, mtime } of list) {
    const there = disk.lstat(path)
    const folders = [...ancestors(path)].map((folder) => disk.lstat(folder))
    if (paths.has(path) || there?.isDirectory() || folders.some((stat) => stat && !stat.isDirectory()))
      continue
    paths.add(path)
    if (bytes) await drive.put(path, toBuffer(bytes), { executable, metadata: { mtime } })
    else await drive.symlink(path, linkname, { metadata: { mtime } })
    if (there && there.mtimeMs >= mtime) continue
    const at = disk.root + path
    fs.mkdirSync(posix.dirname(at), { recursive: true })
    if (there) fs.unlinkSync(at)
    if (bytes) fs.writeFileSync(at, toBuffer(bytes), { mode: executable ? 0o755 : 0o644 })
    else fs.symlinkSync(disk.given(linkname!), at)
    fs.lutimesSync(at, mtime / 1000, mtime / 1000)
  }
  hold()
}

type Outcome = { readonly value: unknown } | { readonly error: unknown }

/** Something open in both. */
interface Slot {
  readonly ours: any
  readonly theirs: any
  /** Where it was when it was opened, and its number on the disk. */
  readonly key: string
  readonly ino: number
  readonly isFolder: boolean
  readonly flags: string
  readonly writes: boolean
  /** Whether there is something that others see on the disk alone. */
  dirty: boolean
  /** Whether its attributes have been changed, which a reading descriptor of a MultiDrive does not show. */
  stale: boolean
}

type Api = (method: string, ...args: unknown[]) => Promise<any>

class Stage {
  readonly #disk: Disk
  readonly #style: Plan['style']
  readonly #theirs: Api
  readonly #slots = new Map<number, Slot>()

  constructor(disk: Disk, style: Plan['style']) {
    this.#disk = disk
    this.#style = style
    this.#theirs = (method, ...args) => {
      // The one of the callback API that the system makes; the other is Node's own and fails in its own way.
      if (method === 'realpath' || style === 'promise') return (fs.promises as any)[method](...args)
      // By callback it calls back before it returns.
      if (method === 'readdir' && Object(args[1]).recursive) return (fs.promises as any)[method](...args)
      return caller(fs)(method, ...args)
    }
  }

  get isDirty(): boolean {
    return [...this.#slots.values()].some((slot) => slot.dirty)
  }

  /** Does a step on the disk and in a MultiDrive, if it means the same for both. */
  async take(multi: MultiDrive, step: Step, settle: () => Promise<void>): Promise<void> {
    if (step.do === 'file') {
      const slot = this.#slots.get(step.slot)
      if (slot && !this.#isUnequal(slot, step)) await this.#file(step.slot, slot, step)
      return
    }
    await this.#show(settle)
    if (step.do === 'open') {
      const before = this.#slots.get(step.slot)
      if (before) await this.#file(step.slot, before, { ...step, do: 'file', method: 'close', args: [] })
      await settle()
      await this.#open(multi, step)
    } else if (this.#fits(step)) await this.#call(multi, step)
  }

  async end(settle: () => Promise<void>): Promise<void> {
    for (const [at, slot] of [...this.#slots]) {
      await this.#file(at, slot, { do: 'file', slot: at, method: 'close', args: [] })
    }
    await settle()
  }

  /** Lets go of what is still open. */
  async release(): Promise<void> {
    for (const { ours, theirs } of this.#slots.values()) {
      for (const file of [ours, theirs]) await file('close').catch(() => undefined)
    }
  }

  /** Lands what is being written, which is on the disk already. */
  async #show(settle: () => Promise<void>): Promise<void> {
    if (!this.isDirty) return
    for (const [at, slot] of this.#slots) {
      if (slot.dirty) await this.#file(at, slot, { do: 'file', slot: at, method: 'sync', args: [] })
    }
    await settle()
  }

  async #call(multi: any, step: Step & { do: 'call' }): Promise<void> {
    const { method } = step
    const args = step.args.map(toArgument)
    const disk = this.#disk
    const steps = isManySteps(method, args)
    const before = steps ? disk.snapshot() : null
    const hold = /utimes/.test(method) ? () => undefined : disk.holdFolderTimes()
    const theirs = await outcome(
      method,
      args,
      async () => {
        const given = args.map((arg) => disk.given(arg))
        // Where names are wanted Node goes on through links, and might never end.
        if (method === 'readdir' && Object(args[1]).recursive)
          given[1] = { ...Object(args[1]), withFileTypes: true }
        return this.#theirs(method, ...given)
      },
      disk.root
    )
    hold()
    if (before && 'error' in theirs) disk.restore(before)
    const ours = await outcome(method, args, () =>
      this.#style === 'promise' ? multi.promises[method](...args) : caller(multi)(method, ...args)
    )
    same(step, this.#told(theirs), ours)
  }

  async #open(multi: any, step: Step & { do: 'open' }): Promise<void> {
    const { path, flags, mode } = step
    const disk = this.#disk
    const writes = flags !== 'r'
    let key: string | null
    try {
      key = disk.locate(path, true)
    } catch (err) {
      if (err instanceof Outside) return
      throw err
    }
    const there = key === null ? undefined : disk.lstat(key)
    if (there && [...this.#slots.values()].some((slot) => slot.ino === there.ino && (slot.writes || writes)))
      return
    const args = mode === undefined ? [path, flags] : [path, flags, mode]
    const opened: { theirs?: any; ours?: any } = {}
    const hold = disk.holdFolderTimes()
    const theirs = await outcome('open', args, async () => {
      opened.theirs = toFile(this.#style, fs, await this.#theirs('open', disk.given(path), ...args.slice(1)))
    })
    hold()
    const ours = await outcome('open', args, async () => {
      const api: Api =
        this.#style === 'promise' ? (method, ...rest) => multi.promises[method](...rest) : caller(multi)
      opened.ours = toFile(this.#style, multi, await api('open', ...args))
    })
    if (!('error' in theirs) && !('error' in ours)) {
      const stat = disk.lstat(key!)!
      const dirty = flags.startsWith('w') || (writes && there === undefined)
      this.#slots.set(step.slot, {
        ...(opened as { theirs: any; ours: any }),
        key: key!,
        ino: stat.ino,
        isFolder: stat.isDirectory(),
        flags,
        writes,
        dirty,
        stale: false
      })
      return
    }
    await opened.theirs?.('close').catch(() => undefined)
    await opened.ours?.('close').catch(() => undefined)
    same(step, this.#told(theirs), ours)
  }

  async #file(at: number, slot: Slot, step: Step & { do: 'file' }): Promise<void> {
    const { method } = step
    if (method === 'close') this.#slots.delete(at)
    const [theirs, ours] = [
      await outcome(method, step.args, () => doFile(slot.theirs, method, step.args)),
      await outcome(method, step.args, () => doFile(slot.ours, method, step.args))
    ]
    same(step, this.#told(theirs), ours)
    if ('error' in theirs) return
    if (method === 'sync' || method === 'datasync') slot.dirty = false
    else if (CHANGES.has(method)) {
      slot.dirty = slot.writes
      if (!slot.writes) slot.stale = true
    }
  }

  /** Whether a call about something open means another thing for a MultiDrive, by what it is known for. */
  #isUnequal(slot: Slot, { method }: Step & { do: 'file' }): boolean {
    // By callback Node gives no bytes and no error where it cannot read.
    if (method === 'readFile' && this.#style === 'callback') {
      const canRead = slot.flags === 'r' || slot.flags.includes('+')
      if (!canRead || slot.isFolder) return true
    }
    if (slot.writes) return false
    if (method === 'stat') return slot.stale
    if (method !== 'chmod' && method !== 'utimes') return false
    // Through a reading descriptor the path is changed, which on the disk may be another file by now, or open elsewhere.
    const others = [...this.#slots.values()].filter((other) => other !== slot)
    return (
      this.#disk.lstat(slot.key)?.ino !== slot.ino ||
      slot.key === '' ||
      others.some(({ ino }) => ino === slot.ino)
    )
  }

  /** Whether a call about paths means the same for both. */
  #fits({ method, args }: Step & { do: 'call' }): boolean {
    const disk = this.#disk
    try {
      const paths = args.filter((arg, i) => isPath(arg) && !(method === 'symlink' && i === 0)) as string[]
      for (const path of paths) {
        disk.locate(path, false)
        disk.locate(path, true)
      }
      if (this.#isOfNode(method, paths)) return false
      for (const { path, follow, below, readers } of changedBy(method, paths)) {
        const key = disk.locate(path, follow)
        if (key === null) continue
        // The root of the disk is but a folder.
        if (
          key === '' &&
          !['mkdir', 'writeFile', 'appendFile', 'truncate', 'unlink', 'copyFile'].includes(method)
        )
          return false
        const numbers = new Set<number>()
        for (const at of below ? disk.walk(key) : [key]) {
          const stat = disk.lstat(at)
          if (stat) numbers.add(stat.ino)
        }
        for (const slot of this.#slots.values()) {
          if (numbers.has(slot.ino) && (slot.writes || readers)) return false
        }
      }
      return true
    } catch (err) {
      if (err instanceof Outside) return false
      throw err
    }
  }

  /** Whether Node does something of its own making, which no file system does. */
  #isOfNode(method: string, paths: readonly string[]): boolean {
    const disk = this.#disk
    const [from, to] = paths as [string, string]
    if (method === 'rm') {
      // It empties the folder, or leaves what the link leads to alone, and says nothing.
      const isFolder = disk.lstat(disk.locate(from, true) ?? '')?.isDirectory() === true
      const isLink = disk.lstat(disk.locate(from, false) ?? '')?.isSymbolicLink() === true
      return from.endsWith('/..') || (from.endsWith('/') && isLink && isFolder)
    }
    if (method !== 'cp') return false
    // Paths and links are texts to it.
    const through = new Set<string>()
    const source = disk.locate(from, false, through)
    if (paths.some(isOutside) || source === null || disk.pointsOutside(source)) return true
    const target = disk.locate(to, false)
    if (target !== null && disk.lstat(target) && disk.wouldReplaceByLinks(source, target)) {
      // It does not put links over what is there, as it puts files.
      return true
    }
    // It removes the link that leads to what it copies, and then copies.
    if (target !== null && through.has(target)) return true
    // Something that is there only once folders have been made for the steps up: what Node has looked at is no longer so.
    if (target === null && disk.lstat(posix.normalize(to).replace(/\/$/, ''))) return true
    // Through a link into what it copies it goes on without an end.
    const end = target ?? disk.locateNearest(to)
    return isIn(end, source) && !isIn(posix.normalize(to), posix.normalize(from))
  }

  #told(outcome: Outcome): Outcome {
    const told = (value: any): any => {
      if (typeof value === 'string') return this.#disk.told(value)
      if (Array.isArray(value)) return value.map(told)
      if (Object(value) !== value || Buffer.isBuffer(value)) return value
      return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, told(part)]))
    }
    const all = told(outcome)
    // The text of a link that leads to a path is longer on the disk.
    if (all.value?.type === 'link') {
      const { length } = this.#disk.root
      if (all.value.size > length) all.value.size -= length
    }
    return all
  }
}

const CHANGES = new Set(['write', 'truncate', 'chmod', 'utimes', 'writeFile', 'appendFile'])

/** What a call changes: what is open there is no longer the same for both. */
function changedBy(
  method: string,
  paths: readonly string[]
): { path: string; follow: boolean; below: boolean; readers: boolean }[] {
  const [path, dest] = paths as [string, string]
  switch (method) {
    case 'writeFile':
    case 'appendFile':
    case 'truncate':
    case 'chmod':
    case 'utimes':
      return [{ path, follow: true, below: false, readers: true }]
    case 'lutimes':
      return [{ path, follow: false, below: false, readers: true }]
    case 'unlink':
    case 'rmdir':
    case 'rm':
      return [{ path, follow: false, below: true, readers: false }]
    case 'rename':
      return [path, dest].map((at) => ({ path: at, follow: false, below: true, readers: false }))
    case 'copyFile':
      return [{ path: dest, follow: true, below: false, readers: true }]
    case 'cp':
      return [{ path: dest, follow: false, below: true, readers: true }]
    default:
      return []
  }
}

/** Whether Node does a call in many steps, of which some are done when one fails. */
function isManySteps(method: string, args: readonly unknown[]): boolean {
  return (
    method === 'cp' ||
    method === 'copyFile' ||
    ((method === 'mkdir' || method === 'rm') && Object(args[1]).recursive === true)
  )
}

/** A call about something open, by its name at a FileHandle. */
type File = (method: string, ...args: unknown[]) => Promise<any>

const CALLBACKS: Record<string, string> = {
  stat: 'fstat',
  truncate: 'ftruncate',
  chmod: 'fchmod',
  utimes: 'futimes',
  sync: 'fsync',
  datasync: 'fdatasync'
}

function toFile(style: Plan['style'], api: any, opened: any): File {
  if (style === 'promise') return (method, ...args) => opened[method](...args)
  const call = caller(api)
  return (method, ...args) => call(CALLBACKS[method] ?? method, opened, ...args)
}

async function doFile(file: File, method: string, args: readonly unknown[]): Promise<unknown> {
  if (method === 'read') {
    const [length, position] = args as [number, number | null]
    const buffer = Buffer.alloc(length)
    const result = await file('read', buffer, 0, length, position)
    return buffer.subarray(0, Array.isArray(result) ? result[0] : result.bytesRead)
  }
  if (method === 'write') {
    const [bytes, position] = args as [Bytes, number | null]
    const result = await file('write', toBuffer(bytes), 0, bytes.length, position)
    return Array.isArray(result) ? result[0] : result.bytesWritten
  }
  return file(method, ...args.map(toArgument))
}

function toArgument(arg: unknown): unknown {
  const isBytes = Object(arg) === arg && Object.hasOwn(arg as object, 'seed')
  return isBytes ? toBuffer(arg as Bytes) : arg
}

function toBuffer({ length, seed }: Bytes): Buffer {
  return byteRow(length, seed)
}

function isPath(arg: unknown): boolean {
  return typeof arg === 'string' && arg.startsWith('/')
}

function* ancestors(path: string): Generator<string> {
  for (let at = posix.dirname(path); at !== '/'; at = posix.dirname(at)) yield at
}

function isIn(path: string, folder: string): boolean {
  return path === folder || isBelow(path, folder)
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`)
}

/** What came of a call, in a form in which that of one file system can be held against that of another. */
async function outcome(
  method: string,
  args: readonly unknown[],
  call: () => Promise<unknown>,
  root = ''
): Promise<Outcome> {
  try {
    return { value: await plainly(method, args, await call(), root) }
  } catch (err) {
    const { code, errno, syscall, path, dest, message } = err as any
    if (code === undefined) throw err
    return { error: { code, errno, syscall, path, dest, message } }
  }
}

async function plainly(method: string, args: readonly unknown[], value: any, root: string): Promise<unknown> {
  if (method === 'stat' || method === 'lstat') return statOf(value)
  const [path] = args as [string]
  if (method === 'opendir') {
    const names: string[] = []
    for await (const entry of value) names.push(direntOf(entry))
    return names.sort()
  }
  if (method !== 'readdir') return value
  const options = Object(args[1])
  if (options.withFileTypes) return value.map(direntOf).sort()
  // The one that was told to goes through folders with types gives those where the other gives paths.
  const names = value.map((entry: any) =>
    typeof entry === 'string' ? entry : posix.relative(root + path, `${entry.parentPath}/${entry.name}`)
  )
  return names.sort()
}

function direntOf(entry: any): string {
  return `${entry.name} ${typeOf(entry)} ${entry.parentPath}`
}

function typeOf(stat: any): Item['type'] {
  return stat.isSymbolicLink() ? 'link' : stat.isDirectory() ? 'folder' : 'file'
}

function statOf(stat: any): unknown {
  const type = typeOf(stat)
  return {
    type,
    mode: type === 'link' ? null : stat.mode & 0o7777,
    size: type === 'folder' ? null : stat.size,
    mtime: dateOf(stat.mtimeMs)
  }
}

/** A date that was set, or that of the clock. */
function dateOf(ms: number): number | 'now' {
  return ms < PAST ? ms : 'now'
}

function same(step: Step, theirs: any, ours: any): void {
  // It looks at both paths at once, and tells of the one that it has looked at first; and goes through a folder in the order of the disk.
  if ([isOfTwoLooks, isWithin].some((does) => does(step, theirs) && does(step, ours))) return
  const value = theirs.value
  // Where it was not set, a folder that stands only for what is in it has the date of that.
  if (value?.type === 'folder' && value.mtime === 'now' && ours.value) {
    theirs = { value: { ...value, mtime: null } }
    ours = { value: { ...ours.value, mtime: null } }
  }
  if (isDeepStrictEqual(ours, theirs)) return
  const said = (outcome: any) => outcome.error?.code ?? 'value'
  const kind =
    said(theirs) === said(ours) ? `${said(ours)}, but differs` : `${said(ours)}, not ${said(theirs)}`
  const what = step.do === 'open' ? `open ${step.flags}` : step.method
  throw new Difference(
    `${step.do} ${what}: ${kind}`,
    `${inspect(step, { depth: 5, breakLength: 120 })}\nexpected ${shown(theirs)}\nactual   ${shown(ours)}`
  )
}

function isOfTwoLooks(step: Step, { error }: any): boolean {
  return step.do === 'call' && step.method === 'cp' && error?.syscall === 'lstat'
}

/** Whether a copy failed at something in the folder that it went through. */
function isWithin(step: Step, { error }: any): boolean {
  if (step.do !== 'call' || step.method !== 'cp' || !error) return false
  return /^ERR_FS_CP_/.test(error.code) && isBelow(error.path, posix.normalize(step.args[1] as string))
}

function shown(value: unknown): string {
  return inspect(value, { depth: 5, breakLength: 120 })
}

/** Holds a merged tree against the one on the disk. */
async function compare(disk: Disk, multi: MultiDrive, when: string): Promise<void> {
  const [theirs, ours] = [disk.snapshot(), await snapshotOf(multi)]
  for (const key of new Set([...theirs.keys(), ...ours.keys()])) {
    const [expected, actual] = [theirs.get(key), ours.get(key)]
    const wrong = difference(expected, actual)
    if (wrong === null) continue
    throw new Difference(
      `tree ${when.replace(/\d+/g, 'n')}: ${wrong}`,
      `${when}: ${wrong} of ${key}\nexpected ${shown(expected)}\nactual   ${shown(actual)}`
    )
  }
}

function difference(expected: Item | undefined, actual: Item | undefined): string | null {
  if (expected?.type !== actual?.type)
    return `${actual?.type ?? 'nothing'}, not ${expected?.type ?? 'nothing'}`
  if (expected === undefined || actual === undefined) return null
  if (!isDeepStrictEqual(actual.content, expected.content)) return 'content'
  if (actual.mode !== expected.mode) return 'mode'
  const [date, right] = [dateOf(actual.mtime), dateOf(expected.mtime)]
  if (date === right) return null
  // A folder of which nobody has set the date has that of what is in it, or was when somebody changed its mode.
  return actual.type === 'folder' && right === 'now' ? null : 'mtime'
}

async function snapshotOf({ promises }: any): Promise<Map<string, Item>> {
  const items = new Map<string, Item>()
  const walk = async (folder: string) => {
    for (const entry of await promises.readdir(folder === '' ? '/' : folder, { withFileTypes: true })) {
      const key = `${folder}/${entry.name}`
      const stat = await promises.lstat(key)
      const type = typeOf(stat)
      if (typeOf(entry) !== type)
        throw new Difference('snapshot', `${key} is a ${type} and a ${typeOf(entry)}`)
      const mode = type === 'link' ? null : stat.mode & 0o7777
      const content =
        type === 'file' ? await promises.readFile(key) : type === 'link' ? await promises.readlink(key) : null
      items.set(key, { type, mode, content, mtime: stat.mtimeMs })
      if (type === 'folder') await walk(key)
    }
  }
  await walk('')
  return items
}
