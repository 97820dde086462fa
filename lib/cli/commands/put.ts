import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { OverDrives } from '../command.ts'
import { CliError, UsageError } from '../errors.ts'
import { insideTarget } from '../targets.ts'
import { requireOnDisk } from '../on-disk.ts'
import { infoOfStats } from '../listing.ts'
import { size } from '../output.ts'
import { printable } from '../printable.ts'

export const put: OverDrives<[file: string, path?: string], { executable?: boolean }> = {
  over: 'drives',
  name: 'put',
  args: '<file> [path]',
  summary: 'write a file of the disk, or with - the input, into the drives',
  more: 'Into a folder it goes by its own name; without a path it goes into the root.',
  options: [['-x, --executable', 'the file can be run']],
  examples: [
    'put -d ./notes todo.txt',
    'put -d ./notes todo.txt /2026/',
    'put -d ./notes - /now.txt < draft.txt'
  ],
  async run({ io, multi, drives, out, signal }, [file, given], { executable }) {
    const isInput = file === '-'
    if (isInput && given === undefined) throw new UsageError('- has no name', 'name the path to write to')
    const stats = isInput ? null : await requireOnDisk(file)
    if (stats?.isDirectory() === true)
      throw new CliError('EISDIR', `EISDIR: a folder: ${file}`, {
        hint: `\`multidrive cp -r\` takes folders`
      })
    const path = await insideTarget(multi, given ?? '/', isInput ? null : basename(file))
    const runs = executable ?? (stats !== null && (stats.mode & 0o100) !== 0)
    const from = isInput ? io.stdin : createReadStream(file)
    await pipeline(from, multi.createWriteStream(path, { executable: runs }), { signal })
    const written = infoOfStats(path, await multi.promises.lstat(path), drives)
    await out.item({ op: 'put', ...written }, () => `${printable(path)}  ${size(written.size).trim()}`)
  }
}
