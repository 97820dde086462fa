import MultiDrive, { type Drive } from '../../index.ts'
import { createStore, type KeyedDrive, type Store } from '../share/drives.ts'
import { closeAll } from '../share/closing.ts'
import { TransferError } from '../share/errors.ts'
import { Peers } from '../share/peers.ts'
import { temporaryFolder } from '../share/temporary.ts'
import { invalid } from './arguments.ts'
import type { Settings } from './options.ts'

/** The drives of a loader, open and read as one. */
export interface LoaderSource {
  readonly multi: MultiDrive
  /** Closes what was opened here, and nothing else. */
  close(): Promise<void>
}

/**
 * @param signal - ends the search for peers
 * @throws CONNECTION_FAILED when nobody has answered in time; what opening a drive that was given throws
 */
export async function openSource(settings: Settings, signal: AbortSignal): Promise<LoaderSource> {
  const { origin } = settings
  const ends: (() => unknown)[] = []
  const close = () => closeAll(ends.splice(0).reverse())
  try {
    const multi =
      'drive' in origin
        ? await openGiven(origin.drive, settings, ends, signal)
        : await openKeys(origin.keys, settings, ends, signal)
    return { multi, close }
  } catch (err) {
    // What it did not open for is what is to be told.
    await close().catch(() => undefined)
    throw err
  }
}

async function openGiven(
  drive: Drive,
  { version, timeout }: Settings,
  ends: (() => unknown)[],
  signal: AbortSignal
): Promise<MultiDrive> {
  const given = drive as Drive & Partial<KeyedDrive>
  if ((drive as { closed?: unknown }).closed === true)
    throw new TransferError('DRIVE_NOT_READY', { detail: 'the drive that was given is closed' })
  await given.ready?.()
  if (drive instanceof MultiDrive) {
    if (version === undefined) return drive
    if (typeof version === 'number') throw invalid('the version of a MultiDrive is a text')
    return pastOf(drive, version, ends)
  }
  if (version === undefined) return over([drive], false, ends)
  // A Localdrive has a checkout, which is itself as it is now.
  if (typeof given.checkout !== 'function' || typeof given.version !== 'number')
    throw invalid('the drive has no versions')
  if (typeof version === 'string') return pastOf(await over([drive], false, ends), version, ends)
  if (given.version < version) await refresh(given, timeout, signal)
  if (given.version < version) {
    const detail = `version ${version} of the drive that was given is wanted; it is known up to ${given.version}`
    throw new TransferError('DRIVE_NOT_READY', { detail })
  }
  return over([given.checkout(version)], true, ends)
}

/** Asks the peers of a drive that was given how far it is, where it has any. */
async function refresh(drive: Partial<KeyedDrive>, timeout: number, signal: AbortSignal): Promise<void> {
  const over = AbortSignal.any([signal, ...(timeout === 0 ? [] : [AbortSignal.timeout(timeout)])])
  const late = new Promise<void>((resolve) => {
    if (over.aborted) resolve()
    else over.addEventListener('abort', () => resolve(), { once: true })
  })
  await Promise.race([drive.update?.({ wait: true }), late])
}

async function openKeys(
  keys: readonly Buffer[],
  settings: Settings,
  ends: (() => unknown)[],
  signal: AbortSignal
): Promise<MultiDrive> {
  const { version, timeout, swarm, bootstrap } = settings
  const store = settings.store ?? (await temporaryStore(ends))
  await store.ready()
  const peers = new Peers(store, { swarm, bootstrap })
  ends.push(() => peers.close())
  // Its failure shows when it is closed for good.
  const giveUp = () => void peers.close().catch(() => undefined)
  if (signal.aborted) giveUp()
  signal.addEventListener('abort', giveUp)
  ends.push(() => signal.removeEventListener('abort', giveUp))
  const wanted = { timeout, version: typeof version === 'number' ? version : undefined }
  const opening = await Promise.allSettled(keys.map((key) => peers.openDrive(key, wanted)))
  const drives = opening.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  for (const drive of drives) ends.push(() => drive.close())
  const failed = opening.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
  if (typeof version === 'number') return over([drives[0]!.checkout(version)], true, ends)
  const multi = await over(drives, true, ends)
  return version === undefined ? multi : pastOf(multi, version, ends)
}

/** Reads drives as one. */
async function over(drives: readonly Drive[], isOwn: boolean, ends: (() => unknown)[]): Promise<MultiDrive> {
  const multi = new MultiDrive(drives[0]!)
  ends.push(async () => {
    // A MultiDrive closes the drives that are in it.
    if (!isOwn) for (const drive of drives) await multi.removeDrive(drive)
    await multi.close()
  })
  for (const drive of drives.slice(1)) await multi.addDrive(drive)
  await multi.ready()
  return multi
}

async function pastOf(multi: MultiDrive, version: string, ends: (() => unknown)[]): Promise<MultiDrive> {
  const past = multi.checkout(version)
  ends.push(() => past.close())
  await past.ready()
  return past
}

async function temporaryStore(ends: (() => unknown)[]): Promise<Store> {
  const folder = await temporaryFolder()
  ends.push(() => folder.remove())
  const store = createStore(folder.path)
  ends.push(() => store.close())
  return store
}
