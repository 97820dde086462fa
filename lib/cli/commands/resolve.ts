import { createReadStream } from 'node:fs'
import { posix } from 'node:path'
import { buffer } from 'node:stream/consumers'
import type { MultiDrive } from '../../../index.ts'
import type { OverDrives } from '../command.ts'
import { CliError, UsageError } from '../errors.ts'
import { nameIn } from '../named.ts'
import { insidePath } from '../paths.ts'
import { requireOnDisk } from '../on-disk.ts'
import { printable } from '../printable.ts'

interface Options {
  delete?: boolean
  file?: string
  keep?: string
}

export const resolve: OverDrives<[path: string], Options> = {
  over: 'drives',
  name: 'resolve',
  args: '<path>',
  summary: 'settle a conflict: keep what one drive has, write another file, or delete it',
  options: [
    ['--keep <spec>', 'what this one of the drives has'],
    ['--file <file>', 'this file of the disk, or with - the input'],
    ['--delete', 'no file at all']
  ],
  examples: [
    'resolve -d hd://MINE -d hd://THEIRS /plan.txt --keep hd://THEIRS',
    'resolve -d hd://MINE -d hd://THEIRS /plan.txt --file merged.txt'
  ],
  async run({ io, multi, drives, out, timeout }, [given], opts) {
    const ways = [opts.keep, opts.file, opts.delete].filter((way) => way !== undefined)
    if (ways.length !== 1) throw new UsageError('resolve needs exactly one of --keep, --file and --delete')
    const keep = opts.keep === undefined ? null : await drives.find(opts.keep)
    if (opts.keep !== undefined && !keep)
      throw new UsageError(`--keep is none of the drives: ${opts.keep}`, 'name one of those of -d')
    if (opts.file !== undefined && opts.file !== '-') await requireOnDisk(opts.file)
    const path = await nameIn(multi, insidePath(given))
    // That nothing can be written is said before.
    if (multi.writable) await requireConflict(multi, path)
    if (keep) {
      await multi.resolve(path, { keep }, { timeout })
    } else if (opts.file !== undefined) {
      const from = opts.file === '-' ? io.stdin : createReadStream(opts.file)
      await multi.resolve(path, await buffer(from))
    } else await multi.resolve(path, null)
    await out.item({ op: 'resolve', path }, `${printable(path)}  settled`)
  }
}

async function requireConflict(multi: MultiDrive, path: string): Promise<void> {
  for await (const { key } of multi.conflicts({ folder: posix.dirname(path) })) if (key === path) return
  const hint =
    '`multidrive conflicts` lists those that there are; `multidrive put` and `rm` change files without one'
  throw new CliError('NO_CONFLICT', `NO_CONFLICT: no conflict there: ${path}`, { hint })
}
