import { basename, dirname, join, posix, resolve } from 'node:path'
import type { Entry } from '../../../index.ts'
import type { OverDrives, Session } from '../command.ts'
import { copyIn, copyOut } from '../copying.ts'
import { DiskFolder } from '../disk.ts'
import { CliError, UsageError } from '../errors.ts'
import { failure } from '../failures.ts'
import { readingFolder } from '../folder.ts'
import { requireOnDisk } from '../on-disk.ts'
import { Jobs, JOBS_OPTION } from '../jobs.ts'
import { folderNamed } from '../named.ts'
import { size } from '../output.ts'
import { below, placeOf, type Place } from '../paths.ts'
import { printable } from '../printable.ts'
import { toDisk } from '../to-disk.ts'
import { insideTarget, outsideTarget } from '../targets.ts'

interface Options {
  jobs?: number
  recursive?: boolean
  preserve?: boolean
}

export const cp: OverDrives<[from: string, to: string], Options> = {
  over: 'drives',
  name: 'cp',
  args: '<from> <to>',
  summary: 'copy files in, out, or from one place in the drives to another',
  more:
    'drive:/path is a path in the drives; all else is on the disk (./drive:/path too). Where the target is a folder, it ' +
    'goes into it by its name. Folders without a file in them are not copied in or out. A link stays a link where it ' +
    'leads to what is copied too; on its way out any other is copied as the file that it leads to. A file that was ' +
    'interrupted on its way out goes on from the bytes that are there when it is run again; with -p, what is there is left.',
  options: [
    ['-r, --recursive', 'folders too, with all that is in them'],
    ['-p, --preserve', 'keep the dates'],
    JOBS_OPTION
  ],
  examples: [
    'cp -d ./notes todo.txt drive:/2026/todo.txt',
    'cp -d hd://KEY -r drive:/photos ./photos',
    'cp -d ./notes -d hd://KEY drive:/theirs.txt drive:/mine.txt'
  ],
  at: true,
  async run(session, [source, target], { recursive = false, preserve = false, jobs }) {
    const [from, to] = [placeOf(source), placeOf(target)]
    const opts = { recursive, keepDate: preserve, atOnce: jobs, signal: session.signal }
    if (from.inside && to.inside) return copyWithin(session, from.path, to, opts)
    if (from.inside) return outward(session, from.path, to, opts)
    if (to.inside) return inward(session, from, to, opts)
    throw new UsageError('neither is in the drives', 'a path in the drives is written drive:/path')
  }
}

interface CopyOptions {
  readonly recursive: boolean
  readonly keepDate: boolean
  readonly atOnce: number | undefined
  readonly signal: AbortSignal
}

async function copyWithin(
  { multi, view, out }: Session,
  from: string,
  to: Place,
  { recursive, keepDate }: CopyOptions
): Promise<void> {
  if (view !== multi) throw new UsageError('--at copies out, to the disk')
  const path = await insideTarget(multi, to.given, posix.basename(from))
  await multi.promises.cp(await multi.promises.realpath(from), path, {
    recursive,
    preserveTimestamps: keepDate
  })
  await out.item({ op: 'copy', path: from, to: path }, `${printable(from)} -> ${printable(path)}`)
}

async function outward(session: Session, from: string, to: Place, opts: CopyOptions): Promise<void> {
  const { out } = session
  const { recursive, keepDate, atOnce, signal } = opts
  const tell = (entry: Entry, path: string) =>
    out.item({ op: 'copy', path: entry.key, to: path }, () => line(entry.key, path, entry))
  await toDisk(session, async (view, transit) => {
    const copying = { keepDate, leaveSaved: keepDate, transit }
    if (!(await view.promises.stat(from)).isDirectory()) {
      const entry = await view.entry(from, { follow: true })
      if (!entry) throw failure('ENOENT', from)
      const target = await outsideTarget(to.path, posix.basename(from))
      const disk = new DiskFolder(dirname(target))
      await copyOut(view, entry, posix.dirname(entry.key), disk, basename(target), { ...copying, signal })
      return tell(entry, target)
    }
    if (!recursive) throw failure('ERR_FS_EISDIR', from)
    const root = from === '/' ? to.path : await outsideTarget(to.path, posix.basename(from))
    const disk = new DiskFolder(root)
    const folder = await folderNamed(view, from)
    await Jobs.run(signal, atOnce, async (jobs) => {
      for await (const entry of view.list(folder)) {
        const path = entry.key.slice(folder === '/' ? 1 : folder.length + 1)
        await jobs.add(async (signal) => {
          await copyOut(view, entry, folder, disk, path, { ...copying, signal })
          await tell(entry, disk.pathOf(path))
        })
      }
    })
  })
}

async function inward(session: Session, from: Place, to: Place, opts: CopyOptions): Promise<void> {
  const { multi, view, out } = session
  if (view !== multi) throw new UsageError('--at copies out, to the disk')
  const stats = await requireOnDisk(from.path)
  const source = resolve(from.path)
  if (stats.isDirectory() && !opts.recursive)
    throw new CliError('EISDIR', `EISDIR: a folder: ${from.given}`, { hint: 'add -r for all that is in it' })
  await readingFolder(stats.isDirectory() ? source : dirname(source), async (disk) => {
    const path = await insideTarget(multi, to.given, basename(source))
    const tell = (entry: Entry, at: string, name: string) =>
      out.item({ op: 'copy', path: name, to: at }, () => line(name, at, entry))
    if (!stats.isDirectory()) {
      const entry = await disk.entry(`/${basename(source)}`, { follow: true })
      if (!entry) throw new CliError('EINVAL', `EINVAL: no file: ${from.given}`)
      await copyIn(disk, entry, multi, path, opts)
      return tell(entry, path, from.path)
    }
    const { signal, atOnce, keepDate } = opts
    await Jobs.run(signal, atOnce, async (jobs) => {
      for await (const entry of disk.list('/')) {
        const at = below(path, entry.key.slice(1))
        await jobs.add(async (signal) => {
          await copyIn(disk, entry, multi, at, { keepDate, signal })
          await tell(entry, at, join(from.path, entry.key))
        })
      }
    })
  })
}

function line(from: string, to: string, { value }: Entry): string {
  const bytes = value.blob === null ? '' : `  ${size(value.blob.byteLength).trim()}`
  return `${printable(from)} -> ${printable(to)}${bytes}`
}
