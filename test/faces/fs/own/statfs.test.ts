import fs from 'node:fs'
import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import test from 'tape'
import { cleanup, failureOf, folder, hyperdrive, localdrive, multidrive } from '../../../helpers/drives.ts'
import { caller } from '../../../suites/fs.ts'

const MEMBERS = ['type', 'bsize', 'blocks', 'bfree', 'bavail', 'files', 'ffree']

/** What stays the same about a disk while others write to it. */
const steady = ({ type, bsize, blocks }: fs.StatsFs) => [type, bsize, blocks]

test('statfs(path) of a MultiDrive tells of the disk that its writer is stored on', async (t) => {
  const path = await folder(t)
  const corestore = new Corestore(path)
  cleanup(t, () => corestore.close())
  const local = await localdrive(t)
  for (const [writer, disk] of [
    [new Hyperdrive(corestore.session()), path],
    [local, local.root]
  ] as [any, string][]) {
    const multi: any = await multidrive(t, [writer, await hyperdrive(t)])
    await multi.put('/dir/file', 'x')
    await multi.promises.symlink('dir', '/link')
    const expected = await fs.promises.statfs(disk)
    for (const at of ['/', '/dir', '/dir/file', '/link/file']) {
      for (const stats of [
        await multi.statfs(at),
        await multi.promises.statfs(at),
        await caller(multi)('statfs', at)
      ]) {
        t.same(Object.keys(stats), MEMBERS)
        t.same(steady(stats), steady(expected), at)
        t.ok(stats.bavail <= stats.blocks && stats.bavail > 0)
      }
    }
    const big = await multi.statfs('/', { bigint: true })
    t.same(Object.keys(big), MEMBERS)
    t.same(steady(big), steady((await fs.promises.statfs(disk, { bigint: true })) as never))
    t.equal((await failureOf(multi.statfs('/nowhere'))).code, 'ENOENT')
    t.equal((await failureOf(multi.statfs('/nowhere'))).syscall, 'statfs')
  }
})

test('statfs(path) of a Localdrive whose folder is not there yet', async (t) => {
  const local = await localdrive(t)
  await fs.promises.rm(local.root, { recursive: true })
  const multi = await multidrive(t, [local])
  const stats = await multi.statfs('/')
  t.ok(stats.bavail > 0)
})

test('statfs(path) without a writer: nothing is free', async (t) => {
  const source = await hyperdrive(t)
  await source.put('/file', 'x')
  const drive = source.checkout(source.version)
  await drive.ready()
  cleanup(t, () => drive.close())
  const multi = await multidrive(t, [drive])
  const stats = await multi.statfs('/file')
  t.same(Object.keys(stats), MEMBERS)
  t.same([stats.bfree, stats.bavail, stats.ffree], [0, 0, 0])
  const big = await multi.statfs('/', { bigint: true })
  t.same([big.bfree, big.bavail, typeof big.bsize], [0n, 0n, 'bigint'])
})
