import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import test, { type Test } from 'tape'
import type { MultiDrive } from '../../../index.ts'
import { cleanup, link } from '../../helpers/drives.ts'
import { fsFilesSuite } from '../../suites/fs-files.ts'
import { fsPathsSuite } from '../../suites/fs-paths.ts'
import type { Limits } from '../../suites/fs.ts'

/** Where every MultiDrive differs from Node. */
export const LIMITS: Limits = {
  showsAtClose: true,
  staysOnVersion: true,
  keepsNoOwners: true,
  keepsNoAtime: true,
  keepsNoBirthtime: true,
  keepsFolderTimes: true,
  hasNoHardLinks: true,
  countsNoLinks: true,
  numbersPaths: true,
  isWhole: true,
  entersNoLinks: true,
  resolvesInOneCall: true,
  givesPromises: true,
  numbersFrom20: true,
  countsNoFiles: true,
  keepsDescriptorErrors: true,
  takesIterables: true,
  streamsOfDrives: true,
  wordsItsOwn: true,
  splitsAtBackslashes: true,
  saysWhatIsRemoved: true,
  listsTreesInAllEncodings: true,
  truncatesPathsOnly: true,
  rmdirFollowsNoLinks: true,
  copyFileKeepsTarget: true,
  copiesLinksOver: true,
  knowsEveryPosition: true,
  accessTakesOptions: true,
  takesNoOptions: true,
  namesBuffers: true,
  beginsIn1970: true
}

/** The whole suite on one kind of MultiDrive. */
export function multiSuite(name: string, make: (t: Test) => Promise<MultiDrive>): void {
  const kind = {
    name,
    make: async (t: Test) => {
      const multi = await make(t)
      return { fs: multi, promises: multi.promises, root: '' }
    },
    limits: LIMITS
  }
  fsPathsSuite(kind)
  fsFilesSuite(kind)
}

const THEIRS = {
  /** Close, in order, to what the suite makes. */
  beside: ['/dir!/file', '/dir0', '/file!', '/fil', '/from.old/file', '/a-b/file', '/zz'],
  /** Where the suite makes files and folders. */
  buried: [
    '/a/b/c',
    '/dir/file',
    '/dir/sub/file',
    '/file',
    '/from/sub/run',
    '/full/file',
    '/link',
    '/new',
    '/to/file'
  ]
}

interface Others {
  /** A corestore of this side. */
  readonly ours: any
  readonly keys: readonly Uint8Array[]
}

let others: Promise<Others> | undefined
let writers = 0

/**
 * Two drives of other people and one's own. Theirs were replicated here, once for all tests of a file: that and the opening of a
 * corestore take longer than most tests.
 */
export async function overOthers(
  t: Test,
  where: keyof typeof THEIRS = 'beside'
): Promise<{ theirs: any[]; own: any }> {
  const { ours, keys } = await (others ??= replicate(THEIRS[where]))
  const drives = [new Hyperdrive(ours.namespace(String(writers++)))]
  for (const key of keys) drives.push(new Hyperdrive(ours.session(), key))
  for (const drive of drives) {
    await drive.ready()
    cleanup(t, () => drive.close())
  }
  const [own, ...theirs] = drives
  return { theirs, own }
}

async function replicate(paths: readonly string[]): Promise<Others> {
  const path = await mkdtemp(join(tmpdir(), 'multidrive-test-'))
  const [far, ours] = [new Corestore(join(path, 'far')), new Corestore(join(path, 'ours'))]
  const unlink = link(far, ours)
  const keys: Uint8Array[] = []
  for (const name of ['one', 'two']) {
    const source = new Hyperdrive(far.namespace(name))
    await source.ready()
    const batch = source.batch()
    for (const at of paths) await batch.put(at, `${at} of ${name}`)
    await batch.flush()
    keys.push(source.key)

    const drive = new Hyperdrive(ours.session(), source.key)
    await drive.ready()
    await drive.update({ wait: true })
    await drive.core.download({ start: 0, end: source.core.length }).done()
    await drive.close()
    await source.close()
  }
  await unlink()
  await far.close()
  test.onFinish(async () => {
    await ours.close()
    await rm(path, { recursive: true, force: true })
  })
  return { ours, keys }
}
