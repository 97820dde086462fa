import type { EntryDifference, MultiDrive } from '../../../index.ts'
import type { OverDrives, Session } from '../command.ts'
import { Drives } from '../drives.ts'
import { EXIT, UsageError } from '../errors.ts'
import { infoOfEntry } from '../listing.ts'
import { folderNamed, placeNamed } from '../named.ts'
import { insidePath } from '../paths.ts'
import { printable } from '../printable.ts'
import { compareTrees } from '../trees.ts'
import { versionNamed } from '../versions.ts'

interface Options {
  since?: string
  to?: string
  with?: string[]
}

type Difference = EntryDifference & { from: Drives; than: Drives }

export const diff: OverDrives<[folder?: string], Options> = {
  over: 'drives',
  name: 'diff',
  args: '[folder]',
  summary: 'tell which files have changed since a version, or are others in other drives',
  more:
    'Exits with 0 when nothing differs, 1 when something does, 2 when it fails. + is there now and was not, - was there ' +
    'and is not, ~ is another file. Folders of the disk have no versions: compare those with --with.',
  options: [
    ['--since <version>', 'beside what there was at a version, or at the tag of that name'],
    ['--to <version>', 'what there was then, in place of what there is now'],
    [
      '--with <spec>',
      'beside what other drives have; once for each',
      (text, before = []) => [...(before as string[]), text]
    ]
  ],
  examples: [
    'diff -d hd://KEY --since v1',
    'diff -d hd://KEY --since v1 --to v2 /docs',
    'diff -d ./notes --with ./backup'
  ],
  failure: 2,
  async run(session, [folder = '/'], opts) {
    if ((opts.since === undefined) === (opts.with === undefined))
      throw new UsageError('diff needs exactly one of --since and --with', '--since VERSION, or --with SPEC')
    if (opts.to !== undefined && opts.since === undefined) throw new UsageError('--to goes with --since')
    const root = insidePath(folder)
    const others = opts.with
      ? new Drives({ ...session, warn: (text, drive) => session.out.warn(text, drive) })
      : null
    let differs = false
    try {
      await others?.open(opts.with!)
      const differences = others ? beside(session, others, root) : since(session, opts.since!, opts.to, root)
      for await (const { left, right, from, than } of differences) {
        differs = true
        const op = right === null ? 'add' : left === null ? 'remove' : 'change'
        const path = (left ?? right)!.key
        const value = {
          op,
          path,
          left: left && infoOfEntry(left, from),
          right: right && infoOfEntry(right, than)
        }
        await session.out.item(value, `${{ add: '+', change: '~', remove: '-' }[op]} ${printable(path)}`)
      }
    } finally {
      await others?.close()
    }
    return differs ? EXIT.failure : EXIT.ok
  }
}

async function* since(
  { multi, drives }: Session,
  before: string,
  after: string | undefined,
  root: string
): AsyncGenerator<Difference, void, void> {
  const version = await versionNamed(multi, before)
  const now = after === undefined ? multi : multi.checkout(await versionNamed(multi, after))
  const then = multi.checkout(version)
  const folder = await folderOfAny([now, then], root).finally(() => then.close())
  for await (const { left, right } of now.diff(version, folder))
    yield { left, right, from: drives, than: drives }
}

async function* beside(
  { multi, drives, signal }: Session,
  others: Drives,
  root: string
): AsyncGenerator<Difference, void, void> {
  await folderOfAny([multi, others.multi], root)
  const sides = [multi, others.multi].map(async (view) => ({ view, folder: await placeNamed(view, root) }))
  const [left, right] = await Promise.all(sides)
  const opts = { checksum: false, signal }
  for await (const found of compareTrees(left!, right!, opts))
    yield { left: found.left, right: found.right, from: drives, than: others }
}

/** @throws ENOENT, ENOTDIR when none of them has the folder */
async function folderOfAny(views: readonly MultiDrive[], path: string): Promise<string> {
  const found = await Promise.allSettled(views.map((view) => folderNamed(view, path)))
  const there = found.find((result) => result.status === 'fulfilled')
  if (there) return there.value
  throw (found[0] as PromiseRejectedResult).reason
}
