import { link, lstat, mkdir, rename, rmdir, unlink } from 'node:fs/promises'
import path from 'node:path'
import { errorCode, failure } from '../../errors.ts'
import { ancestors, compareKeys } from '../../path.ts'
import type { MetadataHooks } from './drive.ts'
import type { LogChange } from './line.ts'
import { plan } from './plan.ts'
import { absentAsNull, isAbsence, parentOf, type Root } from './root.ts'
import { stagedPath } from './staging.ts'

type Undo = () => Promise<unknown>

export interface ApplyOptions {
  readonly n: string
  readonly hooks: MetadataHooks | null
  /** Whether a directory record stands at a path once the commit is through. */
  readonly isRecorded: (path: string) => boolean
  /** Again, after a crash: what has been moved already is no error. */
  readonly again: boolean
}

/** A commit that has been applied and can still be taken back. */
export interface Applied {
  undo(): Promise<void>
  /** Lets go of what `undo` needs. */
  finish(): Promise<void>
}

/** Does to the folder what the changes say: all of it, or nothing as far as the file system lets us take it back. */
export async function apply(
  root: Root,
  changes: readonly LogChange[],
  options: ApplyOptions
): Promise<Applied> {
  const work = new Application(root, changes, options)
  try {
    await work.run()
    return work
  } catch (err) {
    await work.undo()
    throw err
  }
}

class Application implements Applied {
  readonly #root: Root
  readonly #changes: readonly LogChange[]
  readonly #options: ApplyOptions
  readonly #undos: Undo[] = []
  readonly #backups: string[] = []
  readonly #folders = new Set<string>()

  constructor(root: Root, changes: readonly LogChange[], options: ApplyOptions) {
    this.#root = root
    this.#changes = changes
    this.#options = options
  }

  async run(): Promise<void> {
    const { placed, made, unmade } = plan(this.#changes)
    const needed = new Set([...made, ...[...made, ...placed].flatMap(ancestors)])
    // What goes makes way for what comes.
    const gone: string[] = []
    for (const [i, change] of this.#changes.entries()) {
      if (change.type === 'remove' && (await this.#remove(change.key, this.#backup(i)))) gone.push(change.key)
    }
    for (const folder of [...unmade].sort(compareKeys).reverse()) await this.#removeFolder(folder)
    for (const key of gone) await this.#prune(key, needed)
    for (const folder of [...made].sort(compareKeys)) await this.#makeFolder(folder)
    for (const [i, change] of this.#changes.entries()) {
      if (change.type === 'file' || change.type === 'link') {
        await this.#place(change.key, stagedPath(this.#root, change.staged), this.#backup(i))
      }
    }
    for (const change of this.#changes) await this.#hook(change)
  }

  async undo(): Promise<void> {
    for (const undo of this.#undos.splice(0).reverse()) await undo().catch(() => undefined)
  }

  async finish(): Promise<void> {
    for (const backup of this.#backups) await unlink(backup).catch(() => undefined)
  }

  // The name follows from the commit, so that what a crash left can be taken back by whoever applies it again.
  #backup(i: number): string {
    return `${stagedPath(this.#root, this.#options.n)}.${i}`
  }

  async #remove(key: string, backup: string): Promise<boolean> {
    const file = this.#root.path(key)
    const stat = await this.#root.lstat(key)
    if (stat?.isFile() || stat?.isSymbolicLink()) await absentAsNull(rename(file, backup))
    else if (!this.#options.again) return false
    this.#backups.push(backup)
    this.#undos.push(async () => {
      await mkdir(path.dirname(file), { recursive: true })
      await rename(backup, file)
    })
    return true
  }

  async #removeFolder(folder: string): Promise<boolean> {
    if (!(await this.#root.hasFolder(folder))) return true
    const file = this.#root.path(folder)
    const stat = await lstat(file)
    try {
      await rmdir(file)
    } catch (err) {
      if (isAbsence(err)) return true
      // It holds what is none of the commit's business, or somebody stands in it.
      if (['ENOTEMPTY', 'EEXIST', 'EBUSY'].includes(errorCode(err) ?? '')) return false
      throw err
    }
    this.#folders.delete(folder)
    this.#undos.push(() => mkdir(file, { mode: stat.mode & 0o7777 }))
    return true
  }

  async #prune(key: string, needed: ReadonlySet<string>): Promise<void> {
    for (const folder of ancestors(key)) {
      if (needed.has(folder) || this.#options.isRecorded(folder)) return
      if (!(await this.#removeFolder(folder))) return
    }
  }

  async #makeFolder(folder: string): Promise<void> {
    if (this.#folders.has(folder)) return
    const file = this.#root.path(folder)
    if (folder !== '' && (await this.#root.hasFolder(folder))) {
      this.#folders.add(folder)
      return
    }
    for (const above of ancestors(folder)) {
      const stat = await absentAsNull(lstat(this.#root.path(above)))
      if (stat && !stat.isDirectory()) throw failure('ENOTDIR', { syscall: 'mkdir', path: folder })
    }
    const first = await mkdir(file, { recursive: true })
    if (first !== undefined) {
      this.#undos.push(async () => {
        for (let at = file; at.length >= first.length; at = path.dirname(at)) await rmdir(at)
      })
    }
    if (!(await this.#root.hasFolder(folder))) throw failure('ENOTDIR', { syscall: 'mkdir', path: folder })
    this.#folders.add(folder)
  }

  async #place(key: string, staged: string, backup: string): Promise<void> {
    const file = this.#root.path(key)
    await this.#makeFolder(parentOf(key))
    if ((await absentAsNull(lstat(staged))) !== null) {
      if (this.#changes.length > 1 || this.#options.hooks) await this.#keep(file, backup)
      await rename(staged, file)
    } else if (!this.#options.again) {
      throw failure('ENOENT', { syscall: 'rename', path: key, detail: 'the staged bytes are gone' })
    }
    this.#backups.push(backup)
    this.#undos.push(async () => {
      // The bytes go back to where they were staged; a crash in the middle of this can still apply them.
      if ((await absentAsNull(lstat(staged))) === null) await absentAsNull(rename(file, staged))
      await absentAsNull(rename(backup, file))
    })
  }

  // A second name for what stands there, so that the path is never without a file.
  async #keep(file: string, backup: string): Promise<void> {
    try {
      await link(file, backup)
    } catch (err) {
      if (isAbsence(err) || errorCode(err) === 'EEXIST') return
      const stat = await lstat(file)
      // The rename that follows says what is wrong with a folder.
      if (!stat.isDirectory()) await rename(file, backup)
    }
  }

  async #hook(change: LogChange): Promise<void> {
    const { hooks } = this.#options
    if (!hooks || !(change.type === 'file' || change.type === 'link' || change.type === 'remove')) return
    const { key } = change
    const before = await hooks.get?.(key)
    this.#undos.push(async () => write(hooks, key, before))
    await write(hooks, key, change.type === 'remove' ? null : change.metadata)
  }
}

async function write(hooks: MetadataHooks, key: string, metadata: unknown): Promise<void> {
  if (metadata === null || metadata === undefined) await hooks.del?.(key)
  else await hooks.put?.(key, metadata)
}
