import { lstat, lutimes, open, readFile, readlink, rename, symlink, unlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { threadId } from 'node:worker_threads'
import { errorCode } from '../../errors.ts'
import { absentAsNull } from './root.ts'
import { randomName } from './staging.ts'

const HEARTBEAT = 2_000
const SILENCE = 20_000
const LONGEST_WAIT = 50

// Shared by all copies of this module in the process: a lock of our own that nobody here holds is left over from
// another life with the same process id, as containers have it.
const registry = globalThis as { [held]?: Set<string> }
const held = Symbol.for('multidrive.localdrive.locks')
const HELD = (registry[held] ??= new Set())

/**
 * Runs `work` while no other process, thread or source does so with the same lock. The lock is a symbolic link whose text
 * says who holds it, since a link comes into being together with its text. One whose process is dead, or that has been
 * silent for 20 seconds, is taken over.
 */
export async function withLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  return (await withLockOr(file, () => false, work))!.result
}

/** As {@link withLock}, null where someone in this thread holds it. */
export function withLockUnlessHeld<T>(file: string, work: () => Promise<T>): Promise<{ result: T } | null> {
  return withLockOr(file, (other) => HELD.has(other), work)
}

async function withLockOr<T>(
  file: string,
  givesUp: (other: string) => boolean,
  work: () => Promise<T>
): Promise<{ result: T } | null> {
  const owner = [encodeURIComponent(hostname()), process.pid, threadId, randomName()].join(':')
  HELD.add(owner)
  try {
    if (!(await acquire(file, owner, givesUp))) return null
    const heartbeat = setInterval(() => {
      const now = Date.now() / 1000
      lutimes(file, now, now).catch(() => undefined)
    }, HEARTBEAT)
    heartbeat.unref()
    try {
      return { result: await work() }
    } finally {
      clearInterval(heartbeat)
      // What was done is done; a lock that stays is left over and will be taken over.
      await release(file, owner).catch(() => undefined)
    }
  } finally {
    HELD.delete(owner)
  }
}

async function acquire(file: string, owner: string, givesUp: (other: string) => boolean): Promise<boolean> {
  for (let wait = 1; !(await create(file, owner));) {
    const other = await read(file)
    if (other === null) continue
    if (givesUp(other)) return false
    if (await isLeftOver(file, other)) {
      await takeAway(file, other)
    } else {
      await delay(wait)
      wait = Math.min(wait * 2, LONGEST_WAIT)
    }
  }
  return true
}

async function release(file: string, owner: string): Promise<void> {
  if ((await read(file)) === owner) await unlink(file)
}

async function create(file: string, owner: string): Promise<boolean> {
  try {
    await symlink(owner, file)
    return true
  } catch (err) {
    if (errorCode(err) === 'EEXIST') return false
    if (!['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes(errorCode(err) ?? '')) throw err
  }
  // A file system without links.
  try {
    const handle = await open(file, 'wx')
    await handle.writeFile(owner).finally(() => handle.close())
    return true
  } catch (err) {
    if (errorCode(err) === 'EEXIST') return false
    throw err
  }
}

async function read(file: string): Promise<string | null> {
  try {
    return await absentAsNull(readlink(file))
  } catch (err) {
    if (errorCode(err) !== 'EINVAL') throw err
    return absentAsNull(readFile(file, 'utf8'))
  }
}

async function isLeftOver(file: string, owner: string): Promise<boolean> {
  const stat = await absentAsNull(lstat(file))
  if (stat === null) return false
  if (Math.abs(Date.now() - stat.mtimeMs) > SILENCE) return true
  const [host, pid, thread] = owner.split(':')
  if (host !== encodeURIComponent(hostname())) return false
  if (Number(pid) === process.pid) return Number(thread) === threadId && !HELD.has(owner)
  return !isRunning(Number(pid))
}

function isRunning(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return true
  try {
    process.kill(pid, 0)
    return true
  } catch (err) {
    return errorCode(err) !== 'ESRCH'
  }
}

// Moved aside first, so that of two who find the same lock left over only one removes it.
async function takeAway(file: string, owner: string): Promise<void> {
  const aside = `${file}.${randomName()}`
  if ((await absentAsNull(rename(file, aside).then(() => true))) === null) return
  if ((await read(aside)) === owner) await absentAsNull(unlink(aside))
  else await rename(aside, file)
}
