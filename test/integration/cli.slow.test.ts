/** `multidrive get` and `sync` of 200 MiB, killed in the middle and run again; and `multidrive share`, killed and run again meanwhile. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import test from 'tape'
import { start } from '../helpers/cli.ts'
import { folder } from '../helpers/drives.ts'
import { network, provide } from '../helpers/network.ts'
import { writeLarge } from './processes.ts'

const MiB = 1 << 20
const SIZE = 200 * MiB
/** What of a file may come twice: the requests that were on their way. */
const LITTLE = 4 * MiB
/** Of the file beside the large one: more than may come twice. */
const SMALL = 12 * MiB
const limit = { timeout: 240_000 }

interface Uploading {
  getBlobs(): Promise<{ core: NodeJS.EventEmitter }>
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** Resolves when the file that is not yet whole in a folder has so many bytes. */
async function grows(root: string, bytes: number): Promise<void> {
  for (;;) {
    for (const name of await readdir(root)) {
      const there = await stat(join(root, name)).catch(() => null)
      if (name.endsWith('.part') && there && there.size >= bytes) return
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

function addresses(bootstrap: readonly unknown[]): string[] {
  const nodes = bootstrap as readonly { host: string; port: number }[]
  return nodes.flatMap(({ host, port }) => ['--bootstrap', `${host}:${port}`])
}

for (const argv of [
  ['get', '/model'],
  ['sync', 'drive:/model']
]) {
  test(`${argv[0]!} that is killed in the middle of 200 MiB goes on where it was`, limit, async (t) => {
    const bootstrap = await network(t)
    const [root, storage, out] = [await folder(t), await folder(t), await folder(t)]
    await mkdir(join(root, 'model'))
    await writeLarge(join(root, 'model', 'weights.bin'), SIZE, 1)
    await writeLarge(join(root, 'model', 'a-small.bin'), SMALL, 2)
    const { drive, link } = await provide(t, root, { bootstrap })
    let uploaded = 0
    const { core } = await (drive as unknown as Uploading).getBlobs()
    core.on('upload', (_index: number, bytes: number) => (uploaded += bytes))

    const line = [...argv, out, '-d', link, '--storage', storage, ...addresses(bootstrap)]
    const first = start(t, line)
    await grows(out, 60 * MiB)
    first.child.kill('SIGKILL')
    t.is((await first.ended).signal, 'SIGKILL')
    t.ok(
      (await readdir(out)).some((name) => name.endsWith('.part')),
      'it has no name yet'
    )

    // Stopped by Ctrl-C it is no other.
    const second = start(t, line)
    await grows(out, 120 * MiB)
    second.child.kill('SIGINT')
    t.same([(await second.ended).code, (await second.ended).err], [130, ''])

    const last = await start(t, line).ended
    t.same([last.code, last.err], [0, ''])
    t.match(
      last.out,
      argv[0] === 'get' ? /2 files, 222 MB in / : /\b1 file added, 0 changed, 0 removed, 210 MB/
    )
    t.comment(`${uploaded} bytes came`)
    t.ok(uploaded <= SIZE + SMALL + 2 * LITTLE, `${uploaded} bytes came`)
    t.same((await readdir(out)).sort(), ['a-small.bin', 'weights.bin'])
    t.is(await hashOf(join(out, 'weights.bin')), await hashOf(join(root, 'model', 'weights.bin')))
  })
}

test('get goes on with a share that is killed in the middle and comes back', limit, async (t) => {
  const bootstrap = await network(t)
  const [root, theirs, ours, out] = [await folder(t), await folder(t), await folder(t), await folder(t)]
  // As long as that takes, nobody need be quick to find it in the middle.
  await writeLarge(join(root, 'weights.bin'), 2 * SIZE, 3)
  const sharing = ['share', root, '--storage', theirs, ...addresses(bootstrap)]
  const before = start(t, sharing)
  const link = (await before.says(/^hd:\/\/\w+\n/)).trim()
  const getting = start(t, ['get', '-d', link, '--storage', ours, ...addresses(bootstrap), '/', out])
  await grows(out, 60 * MiB)
  before.child.kill('SIGKILL')
  await once(before.child, 'close')
  const after = start(t, sharing)
  t.is((await after.says(/^hd:\/\/\w+\n/)).trim(), link)
  const { code, err } = await getting.ended
  t.same([code, err], [0, ''])
  t.is(await hashOf(join(out, 'weights.bin')), await hashOf(join(root, 'weights.bin')))
})
