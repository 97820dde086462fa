/** A provider and a loader, each in a process of its own, of which one is killed in the middle of a large download. */
import { createReadStream } from 'node:fs'
import { mkdir, readdir, stat } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import test from 'tape'
import { folder } from '../helpers/drives.ts'
import { network } from '../helpers/network.ts'
import { kill, loader, provider, writeLarge } from './processes.ts'

const MiB = 1 << 20
const SIZE = 200 * MiB
/** What of a file may come twice: the requests that were on their way. */
const LITTLE = 4 * MiB
const limit = { timeout: 240_000 }
const isPosix = process.platform !== 'win32'

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

test(
  'a loader that is killed in the middle of 200 MiB goes on from the bytes on the disk',
  limit,
  async (t) => {
    const bootstrap = await network(t)
    const [root, tmp, diskPath] = [await folder(t), await folder(t), await folder(t)]
    await mkdir(join(root, 'model'))
    await writeLarge(join(root, 'model', 'weights.bin'), SIZE, 1)
    await writeLarge(join(root, 'model', 'small.bin'), 3 * MiB, 2)
    const { link } = await provider(t, tmp, bootstrap, [root])
    const task = { key: link, bootstrap, path: '/model', diskPath }

    const first = loader(t, tmp, { ...task, dieAt: 80 * MiB })
    t.is(await first.ended, null)
    t.is(first.child.signalCode, 'SIGKILL')
    const partial = (await readdir(diskPath)).find((name) => name.startsWith('weights.bin.'))!
    t.match(partial, /^weights\.bin\.[0-9a-f]{16}\.part$/, 'it has no name yet')
    const here = (await stat(join(diskPath, partial))).size
    t.ok(here >= 70 * MiB && here < SIZE, `${here} bytes are there`)

    const told = (await loader(t, tmp, task).ended)!
    t.same(told.results, [
      { file: '/model/small.bin', error: null, cached: true },
      { file: '/model/weights.bin', error: null, cached: false }
    ])
    t.comment(`${told.fetched} bytes came for the ${SIZE - here} that were left`)
    t.ok(told.fetched <= SIZE - here + LITTLE)
    t.ok(told.fetched >= SIZE - here)
    t.same((await readdir(diskPath)).sort(), ['small.bin', 'weights.bin'])
    t.is(await hashOf(join(diskPath, 'weights.bin')), await hashOf(join(root, 'model', 'weights.bin')))
  }
)

test(
  'a provider that is killed in the middle of 200 MiB and comes back is gone on with',
  limit,
  async (t) => {
    const bootstrap = await network(t)
    const [root, tmp, diskPath, storage] = [
      await folder(t),
      await folder(t),
      await folder(t),
      await folder(t)
    ]
    await writeLarge(join(root, 'weights.bin'), SIZE, 3)
    const args = [root, storage]
    const before = await provider(t, tmp, bootstrap, args)
    // It stands still there, lest it be through before this process has seen to the other one.
    const pause = isPosix ? { pauseAt: 60 * MiB } : {}
    const process = loader(t, tmp, { key: before.link, bootstrap, path: '/weights.bin', diskPath, ...pause })
    await process.reaches(60 * MiB)
    await kill(before.child)
    const [name] = await readdir(diskPath)
    t.match(name!, /\.part$/, 'it is under way')
    if (isPosix) process.child.kill('SIGCONT')
    await Promise.race([process.alone, process.ended])
    t.is(process.child.exitCode, null, 'the loader waits')
    const after = await provider(t, tmp, bootstrap, args)
    t.is(after.link, before.link)
    const told = (await process.ended)!
    t.same(told.results, [{ file: '/weights.bin', error: null, cached: false }])
    t.comment(`${told.fetched} bytes came`)
    t.ok(told.fetched <= SIZE + LITTLE, 'nothing came twice')
    t.is(await hashOf(join(diskPath, 'weights.bin')), await hashOf(join(root, 'weights.bin')))
  }
)
