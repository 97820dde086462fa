import { createReadStream } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import type { OverDrives } from '../command.ts'
import { UsageError } from '../errors.ts'
import { insidePath } from '../paths.ts'
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
    const path = insidePath(given)
    const ways = [opts.keep, opts.file, opts.delete].filter((way) => way !== undefined)
    if (ways.length !== 1) throw new UsageError('resolve needs one of --keep, --file and --delete')
    if (opts.keep !== undefined) {
      const keep = await drives.find(opts.keep)
      if (!keep) throw new UsageError(`--keep is none of the drives: ${opts.keep}`, 'name one of those of -d')
      await multi.resolve(path, { keep }, { timeout })
    } else if (opts.file !== undefined) {
      const from = opts.file === '-' ? io.stdin : createReadStream(opts.file)
      await multi.resolve(path, await buffer(from))
    } else await multi.resolve(path, null)
    await out.item({ op: 'resolve', path }, `${printable(path)}  settled`)
  }
}
