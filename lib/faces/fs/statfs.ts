import type { BigIntStatsFs, StatsFs } from 'node:fs'
import { statfs as statfsOfDisk } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errorCode } from '../../errors.ts'
import { toPath, type PathLike } from './arguments.ts'
import { named } from './failure.ts'
import { find, treeOf, type Host } from './host.ts'

const ZERO = { type: 0n, bsize: 65_536n, blocks: 0n, bfree: 0n, bavail: 0n, files: 0n, ffree: 0n }

/** A folder is only made when something is written to it; until then the one above it tells. */
async function roomAt(path: string): Promise<typeof ZERO> {
  try {
    return await statfsOfDisk(path, { bigint: true })
  } catch (err) {
    const above = dirname(path)
    if (errorCode(err) !== 'ENOENT' || above === path) throw err
    return roomAt(above)
  }
}

/** The room on the disk that the writer is stored on; nothing is free where there is no writer, or it is stored on no disk. */
export function statfs(
  host: Host,
  path: PathLike,
  opts?: { bigint?: boolean } | null
): Promise<StatsFs | BigIntStatsFs> {
  const at = toPath(path)
  return named(host, { syscall: 'statfs', path: at.given }, async () => {
    await find(await treeOf(host), at, true)
    const storage = host.overlay.writer?.leaf.storage ?? null
    const room = storage === null ? ZERO : await roomAt(storage)
    if (opts?.bigint === true) return { ...room }
    const numbers = Object.entries(room).map(([name, value]) => [name, Number(value)])
    return Object.fromEntries(numbers) as StatsFs
  })
}
