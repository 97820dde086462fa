import type { EventEmitter } from 'node:events'
import type { Core, HyperdriveLike } from './types.ts'

/** A Hypercore's inside, as far as removing it takes. */
interface InnerCore {
  readonly state: { readonly storage: { readonly core: object } }
  close(): Promise<void>
  purge?(): Promise<void>
}

interface OpenCore extends Core {
  readonly core: InnerCore
  readonly sessions: readonly { close(): Promise<void> }[]
}

interface Storage {
  readonly db: { write(opts: object): { tryDelete(key: Buffer): void; flush(): Promise<void> } }
  deleteCore(core: object): Promise<void>
  getAlias(alias: Alias): Promise<Buffer | null>
}

interface Alias {
  readonly namespace: Buffer
  readonly name: string
}

export interface PurgeableHyperdrive extends HyperdriveLike, EventEmitter {
  readonly corestore: { readonly storage: Storage; readonly ns: Buffer }
  purge(): Promise<void>
}

/**
 * Removes both cores of a Hyperdrive from the disk. `Hyperdrive.purge()` does that with a Hypercore that can purge; those
 * that this package is pinned to cannot (they call what they do not have), so there the storage is asked itself. The name that a
 * drive of one's own is found by goes too, or a drive of that name could never be opened again.
 */
export async function purge(drive: PurgeableHyperdrive): Promise<void> {
  await drive.ready()
  const cores = [drive.core, drive.blobs?.core].filter((core) => core !== undefined) as OpenCore[]
  if (cores.every(({ core }) => typeof core.purge === 'function')) return drive.purge()

  const { storage, ns } = drive.corestore
  const alias = { namespace: ns, name: 'db' }
  const named = (await storage.getAlias(alias))?.equals(drive.core.discoveryKey) === true
  const inner = cores.map(({ core }) => core)
  const places = inner.map(({ state }) => state.storage.core)
  for (const { sessions } of cores) for (const session of [...sessions]) await session.close()
  for (const core of inner) await core.close()
  for (const place of places) await storage.deleteCore(place)
  if (named) {
    const { store: keys } = await import('hypercore-storage/lib/keys.js')
    const batch = storage.db.write({ autoDestroy: true })
    batch.tryDelete(keys.coreByAlias(alias))
    await batch.flush()
  }
}
