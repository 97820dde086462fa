import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { encode, isValid } from 'hypercore-id-encoding'
import envPaths from 'env-paths'
import { closeAll } from '../share/closing.ts'
import { createDrive, createStore, type Store } from '../share/drives.ts'
import { isTemporary, temporaryFolder, type TemporaryFolder } from '../share/temporary.ts'
import { CliError, codeOf } from './errors.ts'

/** Where drives are kept when nobody says: the platform's folder for data. */
export const DEFAULT_STORAGE = envPaths('multidrive', { suffix: '' }).data

/** The Corestore of a drive. */
export interface OpenStore {
  readonly store: Store
  /** Whether it has the key pair of the drive. */
  readonly isOwn: boolean
  /** Whether what is in it is gone when it is closed. */
  readonly isTemporary: boolean
  readonly close: () => Promise<void>
}

/**
 * The folder in which drives are kept. A Corestore is locked by the process that has it open, so each drive has one of its own: who shares a
 * folder keeps nobody from reading another drive.
 *
 *   drives/ID/            the Corestore of a drive of others, ID being its key in z-base-32
 *   own/ID/               that of a drive that was made here, which is written to by the key pair in it
 *   passing/HOST-PID-NAME/ that of a drive of others for one process, while another one has the first; gone with it
 *   shares/HASH.json      { folder, id }: the drive that a folder was shared as, HASH being of the folder's real path
 */
export class Storage {
  readonly root: string

  constructor(root: string) {
    this.root = root
  }

  /**
   * Opens the Corestore of a drive, which is made where there is none. While another process has it open, a drive of others is kept in a
   * temporary one: to read it takes no more.
   *
   * @throws STORAGE_LOCKED when another process has that of a drive open that was made here
   */
  async open(key: Uint8Array): Promise<OpenStore> {
    const id = encode(key)
    const isOwn = existsSync(this.#pathOf('own', id))
    try {
      const store = await openStore(this.#pathOf(isOwn ? 'own' : 'drives', id), `hd://${id}`)
      return { store, isOwn, isTemporary: false, close: () => store.close() }
    } catch (err) {
      if (isOwn || codeOf(err) !== 'STORAGE_LOCKED') throw err
    }
    const folder = await this.#passing()
    try {
      const store = await openStore(folder.path, `hd://${id}`)
      return {
        store,
        isOwn,
        isTemporary: true,
        close: () => closeAll([() => store.close(), () => folder.remove()])
      }
    } catch (err) {
      await folder.remove()
      throw err
    }
  }

  /**
   * Where the drive is kept that a folder is shared as: the same one each time, by the real path of the folder.
   *
   * @returns the path of its Corestore, which is not open
   */
  async shareOf(folder: string): Promise<string> {
    const real = await realpath(folder)
    const hash = createHash('sha256').update(real).digest('hex').slice(0, 32)
    const record = join(this.root, 'shares', `${hash}.json`)
    const known = await readFile(record, 'utf8').then(
      (text) => idIn(text, record),
      (err: unknown) => {
        if (codeOf(err) === 'ENOENT') return null
        throw err
      }
    )
    const id = known ?? (await this.#newDrive())
    if (known === null) {
      await mkdir(join(this.root, 'shares'), { recursive: true })
      // Whole or not at all: half of it would be another key the next time.
      const draft = `${record}.${randomUUID()}`
      await writeFile(draft, JSON.stringify({ folder: real, id }), { flush: true })
      await rename(draft, record)
    }
    return this.#pathOf('own', id)
  }

  /** Makes a drive with a key pair of its own. Its key is known only when its Corestore is there. */
  async #newDrive(): Promise<string> {
    const draft = this.#pathOf('own', `new-${randomUUID()}`)
    await mkdir(draft, { recursive: true })
    try {
      const store = await openStore(draft, 'the new drive')
      const drive = createDrive(store.session())
      let id: string
      try {
        await drive.ready()
        id = encode(drive.key)
      } finally {
        await drive.close()
        await store.close()
      }
      await rename(draft, this.#pathOf('own', id))
      return id
    } catch (err) {
      await rm(draft, { recursive: true, force: true })
      throw err
    }
  }

  /** A folder for this process. Those of processes of this machine that were killed are removed. */
  async #passing(): Promise<TemporaryFolder> {
    const parent = join(this.root, 'passing')
    await mkdir(parent, { recursive: true })
    const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 16)
    for (const name of await readdir(parent)) {
      const [at, pid] = name.split('-')
      const path = join(parent, name)
      const isOver = Number(pid) === process.pid ? !isTemporary(path) : !isAlive(Number(pid))
      // Whoever may not remove it leaves it.
      if (at === host && isOver) await rm(path, { recursive: true, force: true }).catch(() => undefined)
    }
    return temporaryFolder(join(parent, `${host}-${process.pid}-`))
  }

  #pathOf(whose: 'drives' | 'own', id: string): string {
    return join(this.root, whose, id)
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (err) {
    return codeOf(err) === 'EPERM'
  }
}

/** @param label - of the drive in it, for errors */
async function openStore(path: string, label: string): Promise<Store> {
  const store = createStore(path)
  try {
    await store.ready()
    return store
  } catch (cause) {
    await store.close().catch(() => undefined)
    throw toStorageError(cause, label)
  }
}

/** What opening a Corestore throws, as an error with a code: a lock has none. */
export function toStorageError(cause: unknown, label: string): unknown {
  if (!(cause instanceof Error) || !/could not be locked|lock hold by/i.test(cause.message)) return cause
  const hint = 'stop that one, such as a `multidrive share` of it, or name another folder with --storage'
  return new CliError('STORAGE_LOCKED', `STORAGE_LOCKED: ${label} is open in another process`, {
    cause,
    hint
  })
}

function idIn(text: string, path: string): string {
  let cause: unknown
  try {
    const { id } = JSON.parse(text) as { id?: unknown }
    if (isValid(id)) return id as string
  } catch (err) {
    cause = err
  }
  // With another key, whoever has the old one would see the folder never change again.
  throw new CliError('STORAGE_BROKEN', `STORAGE_BROKEN: it does not say which drive the folder is: ${path}`, {
    cause,
    hint: 'put it back from a backup, or remove it for the folder to have another key'
  })
}
