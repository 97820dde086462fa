import type { ReadOptions } from '../../drive.ts'
import type { Located, Reader } from '../../overlay/view.ts'
import type { Presence } from '../../sources/source.ts'
import { nameDrive } from './streams.ts'
import { winnersIn } from './winners.ts'

/** How much of files is on this machine. */
export interface ContentStats {
  files: number
  /** Of the drives that they come from; a block that two files share counts for each. */
  blocks: number
  bytes: number
  localBlocks: number
  localBytes: number
}

export async function has(reader: Reader, path: string | undefined, opts: ReadOptions): Promise<boolean> {
  let files = 0
  for await (const located of winnersIn(reader, path, 'has', opts)) {
    files++
    if (!(await isWhole(located))) return false
  }
  return files > 0
}

export async function stats(
  reader: Reader,
  path: string | undefined,
  opts: ReadOptions
): Promise<ContentStats> {
  const sum: ContentStats = { files: 0, blocks: 0, bytes: 0, localBlocks: 0, localBytes: 0 }
  for await (const located of winnersIn(reader, path, 'stats', opts)) {
    const { blocks, bytes, localBlocks, localBytes } = await presenceOf(located, 'stats')
    sum.files++
    sum.blocks += blocks
    sum.bytes += bytes
    sum.localBlocks += localBlocks
    sum.localBytes += localBytes
  }
  return sum
}

/** How much of a version is here: all of it, where the drive has its bytes nowhere else. */
export async function presenceOf(located: Located, syscall: string): Promise<Presence> {
  const { replica, value } = located.candidate
  if (replica) {
    return replica.presence().catch((err: unknown) => {
      throw nameDrive(err, located, syscall)
    })
  }
  const { blockLength: blocks, byteLength: bytes } = value.blob!
  return { blocks, bytes, localBlocks: blocks, localBytes: bytes }
}

async function isWhole(located: Located): Promise<boolean> {
  const { replica } = located.candidate
  if (!replica) return true
  return replica.isWhole().catch((err: unknown) => {
    throw nameDrive(err, located, 'has')
  })
}
