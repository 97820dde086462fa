/** What is mounted is worked out once for as long as no record of it changes, whatever else is written. */
import test from 'tape'
import MultiDrive from '../../index.ts'
import { MountPoints } from '../../lib/overlay/mount-points.ts'
import { Overlay } from '../../lib/overlay/overlay.ts'
import { commit } from '../../lib/overlay/write.ts'
import { sourceOf } from '../../lib/sources/index.ts'
import type { Mount } from '../../lib/sources/source.ts'
import { unstamped } from '../../lib/format/stamp.ts'
import { cleanup, hyperdrive, localdrive } from '../helpers/drives.ts'
import { overlayOf } from './helpers.ts'

const KINDS = [
  ['a Hyperdrive', hyperdrive],
  ['a Localdrive', localdrive]
] as const

const ignore = () => undefined

const ID = 'y'.repeat(52)

async function put(overlay: Overlay, key: string): Promise<void> {
  const writer = overlay.requireWriter('put')
  const staged = await writer.stage(Buffer.from(key))
  await commit(overlay, writer, {
    syscall: 'put',
    operations: [{ type: 'file', key, executable: false, metadata: null, staged }]
  })
}

async function mount(overlay: Overlay, key: string, id: string | null): Promise<void> {
  const point = id === null ? null : { id, version: null, hash: null }
  await commit(overlay, overlay.requireWriter('mount'), {
    syscall: 'mount',
    operations: [{ type: 'mount', key, mount: point }]
  })
}

for (const [name, make] of KINDS) {
  test(`a put keeps what is mounted, a mount does not: ${name}`, async (t) => {
    const overlay = await overlayOf(t, [await make(t), await make(t)])
    await mount(overlay, '/m', ID)
    const before = (await overlay.view()).mountPoints()
    t.same([...before.keys()], ['/m'])
    await put(overlay, '/file')
    const view = await overlay.view()
    t.ok(await view.find('/file'))
    t.ok(view.mountPoints() === before, 'not worked out again')
    await mount(overlay, '/n', ID)
    const after = (await overlay.view()).mountPoints()
    t.same([...after.keys()], ['/m', '/n'])
    t.same([...before.keys()], ['/m'], 'who holds the old ones keeps them')
    await mount(overlay, '/m', null)
    t.same([...(await overlay.view()).mountPoints().keys()], ['/n'])
  })
}

test('a put keeps what is mounted by a drive whose deletions do not count, with a limit to dates', async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  await mount(await overlayOf(t, [own]), '/m', ID)
  const they = await overlayOf(t, [other, own])
  await mount(they, '/n', ID)
  await mount(they, '/m', null)
  const overlay = new Overlay(60_000)
  for (const [drive, tombstones] of [
    [own, true],
    [other, false]
  ]) {
    const source = sourceOf(drive)
    await source.open({ change: ignore, sync: ignore, close: ignore, format: ignore })
    cleanup(t, () => source.close())
    overlay.add({ source, tombstones })
  }
  const before = (await overlay.view()).mountPoints()
  t.same([...before.keys()], ['/m', '/n'])
  await put(overlay, '/file')
  t.ok((await overlay.view()).mountPoints() === before)
})

test('what is mounted in a MultiDrive of the set follows its records', async (t) => {
  const inner = new MultiDrive(await hyperdrive(t))
  cleanup(t, () => inner.close())
  await inner.mount('/m', ID)
  const multi = new MultiDrive(inner)
  cleanup(t, () => multi.close())
  await multi.put('/file', '')
  t.same([...(await multi.getAllMounts({ recursive: false })).keys()], ['/m'])
  await inner.unmount('/m')
  t.equal((await multi.getAllMounts({ recursive: false })).size, 0)
})

test('a record comes into force when its date is believed', async (t) => {
  const leaf = sourceOf(await hyperdrive(t))
  const record = (path: string, mtime: number, seq: number, id: string | null): Mount => ({
    origin: { id: `drive ${seq}`, seq },
    leaf,
    stamp: { ...unstamped(mtime), stamped: true },
    record: {
      path,
      mtime,
      ctime: mtime,
      clock: new Map(),
      mount: id === null ? null : { id, version: null, hash: null }
    }
  })
  const points = new MountPoints()
  const lists = [[record('/m', 100, 1, ID)], [record('/m', 200, 2, null)]]
  const at = (horizon: number) => [...points.of(lists, { horizon }).keys()]
  t.same(at(150), ['/m'])
  t.ok(points.of(lists, { horizon: 150 }) === points.of(lists, { horizon: 199 }), 'nothing came into force')
  t.same(at(200), [])
  t.same(at(150), ['/m'], 'a clock may be put back')
  t.end()
})
