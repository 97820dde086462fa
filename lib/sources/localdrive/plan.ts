import type { Stats } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { failure } from '../../errors.ts'
import { tombstoneKey, type TombstoneRecord } from '../../format/records.ts'
import { ancestors, isKey } from '../../path.ts'
import { absentAsNull, HIDDEN, isHidden, type Root } from './root.ts'

/** What {@link settle} and {@link plan} need of a change, be it one of the overlay's or one of the log's. */
type Step =
  | { type: 'file' | 'link' | 'remove' | 'sidecar'; key: string }
  | { type: 'bury' | 'unbury'; record: Pick<TombstoneRecord, 'path' | 'tree'> }
  | { type: 'make-directory'; record: { path: string } }
  | { type: 'remove-directory'; path: string }
  | { type: 'mount'; record: { path: string } }
  | { type: 'tag'; record: { name: string } }

/** What a commit does to the folder, one thing at each path. */
export interface Plan {
  readonly placed: ReadonlySet<string>
  readonly removed: ReadonlySet<string>
  readonly made: ReadonlySet<string>
  readonly unmade: ReadonlySet<string>
}

/** The path that a change is about. */
export function pathOf(step: Exclude<Step, { type: 'tag' }>): string {
  if ('key' in step) return step.key
  return 'path' in step ? step.path : step.record.path
}

/** The changes without those that later ones of the same commit undo. */
export function settle<T extends Step>(changes: readonly T[]): T[] {
  const last = new Map<string, T>()
  for (const change of changes) {
    const slot = slotOf(change)
    last.delete(slot)
    last.set(slot, change)
  }
  return [...last.values()]
}

export function plan(changes: readonly Step[]): Plan {
  const of = (...types: Step['type'][]) =>
    new Set(
      changes.flatMap((change) =>
        change.type !== 'tag' && types.includes(change.type) ? pathOf(change) : []
      )
    )
  return {
    placed: of('file', 'link'),
    removed: of('remove'),
    made: of('make-directory'),
    unmade: of('remove-directory')
  }
}

/**
 * Refuses what could not be applied, before anything of it is: names too long, a file where a folder stands or the other way
 * round, a path through a link.
 *
 * @param isRecorded - whether a directory record stands at a path once the commit is through
 * @returns whether folders have to be made
 */
export async function check(root: Root, todo: Plan, isRecorded: (path: string) => boolean): Promise<boolean> {
  const { placed, removed, made } = todo
  const seen = new Map<string, Stats | null>()
  const hidden = await lstatOrNull(root.path(HIDDEN))
  let makesFolders = false

  async function look(path: string): Promise<Stats | null> {
    let stat = seen.get(path)
    if (stat === undefined) {
      stat = await lstatOrNull(root.path(path))
      seen.set(path, stat)
      // On a file system that ignores case, the hidden folder has other names too.
      if (stat && hidden && stat.isDirectory() && stat.ino === hidden.ino && stat.dev === hidden.dev) {
        throw failure('EPERM', { syscall: 'put', path })
      }
    }
    return stat
  }

  for (const path of [...placed, ...made]) {
    await checkNames(root, path)
    for (const folder of ancestors(path).reverse()) {
      if (placed.has(folder)) throw failure('ENOTDIR', { syscall: 'put', path })
      const stat = await look(folder)
      if (stat === null || removed.has(folder)) {
        makesFolders = true
        break
      }
      if (!stat.isDirectory()) throw failure('ENOTDIR', { syscall: 'put', path })
    }
  }
  for (const path of placed) {
    const stat = await look(path)
    if (made.has(path)) throw failure('EISDIR', { syscall: 'put', path })
    if (!stat || stat.isFile() || stat.isSymbolicLink()) continue
    if (!stat.isDirectory()) throw failure('EEXIST', { syscall: 'put', path })
    if (!(await willBeGone(root, path, todo, isRecorded))) throw failure('EISDIR', { syscall: 'put', path })
  }
  for (const path of made) {
    const stat = await look(path)
    if (stat && !stat.isDirectory() && !removed.has(path)) throw failure('EEXIST', { syscall: 'mkdir', path })
  }
  for (const path of removed) await look('/' + path.split('/')[1]!)
  return makesFolders
}

/** Refuses paths that no commit may touch. */
export function checkPaths(changes: readonly Step[]): void {
  for (const change of changes) {
    if (change.type === 'tag') continue
    const path = pathOf(change)
    if (!isKey(path)) throw failure('EINVAL', { syscall: 'put', path })
    if (isHidden(path)) throw failure('EPERM', { syscall: 'put', path })
  }
}

// Long names are tried out, since file systems differ in what they take.
async function checkNames(root: Root, path: string): Promise<void> {
  for (const name of path.split('/')) {
    if (Buffer.byteLength(name) > 128) await lstatOrNull(root.path('/' + name))
  }
}

async function willBeGone(
  root: Root,
  folder: string,
  todo: Plan,
  isRecorded: (path: string) => boolean
): Promise<boolean> {
  if (isRecorded(folder)) return false
  let empties = todo.unmade.has(folder)
  for (const dirent of (await absentAsNull(readdir(root.path(folder), { withFileTypes: true }))) ?? []) {
    const path = `${folder}/${dirent.name}`
    if (dirent.isDirectory() ? !(await willBeGone(root, path, todo, isRecorded)) : !todo.removed.has(path))
      return false
    empties = true
  }
  return empties
}

// A name that is too long is no absence here.
async function lstatOrNull(path: string): Promise<Stats | null> {
  try {
    return await lstat(path)
  } catch (err) {
    const code = (err as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw err
  }
}

function slotOf(change: Step): string {
  switch (change.type) {
    case 'bury':
    case 'unbury':
      return 'tombstone:' + tombstoneKey(change.record)
    case 'make-directory':
      return 'directory:' + change.record.path
    case 'remove-directory':
      return 'directory:' + change.path
    case 'mount':
      return 'mount:' + change.record.path
    case 'tag':
      return 'tag:' + change.record.name
    default:
      return 'file:' + change.key
  }
}
