/** Disks that take no more, or nothing at all. */
import { readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'tape'
import { cli } from '../helpers/cli.ts'
import { folderOf } from '../helpers/disk.ts'
import { remount, smallDisk } from '../helpers/small-disk.ts'

const limit = { timeout: 60_000 }
const SIZE = 3 << 20
const COMMANDS = [
  ['get', '/'],
  ['cp', '-r', 'drive:/'],
  ['sync', 'drive:/']
]

for (const argv of COMMANDS) {
  test(`${argv[0]!} to a disk that gets full, and has room again`, limit, async (t) => {
    const path = await smallDisk(t, '2m')
    if (path === null) {
      t.skip('needs to mount a disk')
      return
    }
    const ann = await folderOf(t, { small: 'fits' })
    await writeFile(join(ann, 'large'), Buffer.alloc(SIZE, 7))
    const line = [...argv, path, '-d', ann]
    const full = await cli(line)
    t.is(full.code, 1)
    t.match(
      full.err,
      /^multidrive \w+: [^\n]*\bENOSPC\b[^\n]*\(the disk is full; make room and run it again\)\n$/
    )
    t.notOk((await readdir(path)).includes('large'))
    await remount(path, 'remount,size=8m')
    t.is((await cli(line)).code, 0)
    t.ok((await readFile(join(path, 'large'))).equals(Buffer.alloc(SIZE, 7)))
    t.is((await stat(join(path, 'small'))).size, 4)
    t.notOk((await readdir(path)).some((name) => name.endsWith('.part')))
  })

  test(`${argv[0]!} to a disk that cannot be written to`, limit, async (t) => {
    const path = await smallDisk(t, '2m')
    if (path === null) {
      t.skip('needs to mount a disk')
      return
    }
    await remount(path, 'remount,ro')
    const { code, err } = await cli([...argv, path, '-d', await folderOf(t, { a: '1' })])
    t.is(code, 1)
    t.match(
      err,
      /^multidrive \w+: [^\n]*\bEROFS\b[^\n]*\(the disk takes no changes; name a folder elsewhere\)\n$/
    )
  })
}
