import test, { type Test } from 'tape'
import type { Overlay } from '../../lib/overlay/overlay.ts'
import type { Operation } from '../../lib/overlay/operation.ts'
import { Tree } from '../../lib/overlay/tree.ts'
import { commit } from '../../lib/overlay/write.ts'
import { failureOf, hyperdrive, localdrive } from '../helpers/drives.ts'
import { overlayOf } from './helpers.ts'

function write(target: Overlay, ...operations: Operation[]): Promise<void> {
  return commit(target, target.requireWriter('write'), { syscall: 'write', operations })
}

async function put(target: Overlay, key: string, text = key): Promise<void> {
  const staged = await target.requireWriter('put').stage(Buffer.from(text))
  return write(target, { type: 'file', key, executable: false, metadata: null, staged })
}

const make = (key: string, metadata: any = null): Operation => ({
  type: 'make-directory',
  key,
  mode: 0o755,
  metadata
})
const unmake = (key: string): Operation => ({ type: 'remove-directory', key })
const remove = (key: string, tree = false): Operation => ({ type: 'remove', key, tree })

async function hasDirectory(target: Overlay, path: string): Promise<boolean> {
  return (await new Tree(await target.view()).at(path))?.kind === 'directory'
}

async function isFile(target: Overlay, key: string): Promise<boolean> {
  return (await (await target.view()).locate(key)) !== null
}

for (const [kind, writer] of Object.entries({
  Hyperdrive: (t: Test) => hyperdrive(t),
  Localdrive: (t: Test) => localdrive(t)
})) {
  test(`make-directory and remove-directory in a ${kind}`, async (t) => {
    const target = await overlayOf(t, [await writer(t), await hyperdrive(t)])
    t.notOk(await hasDirectory(target, '/a'))
    await write(target, make('/a'), make('/a/b', { note: 'x' }))
    t.ok(await hasDirectory(target, '/a'))
    const directory = await (await target.view()).directoryAt('/a/b')
    t.same([directory?.record.mode, directory?.record.metadata], [0o755, { note: 'x' }])
    t.is((await failureOf(write(target, unmake('/a')))).code, 'ENOTEMPTY')
    await write(target, unmake('/a/b'), unmake('/a'))
    t.notOk(await hasDirectory(target, '/a'))
  })

  test(`a directory of another drive is removed by a tombstone, and made again (${kind})`, async (t) => {
    const other = await hyperdrive(t)
    const theirs = await overlayOf(t, [other])
    await write(theirs, make('/a'))
    const target = await overlayOf(t, [await writer(t), other])
    t.ok(await hasDirectory(target, '/a'))
    await write(target, unmake('/a'))
    t.notOk(await hasDirectory(target, '/a'))
    t.ok(await hasDirectory(theirs, '/a'), 'its own drive still has it')
    await write(target, make('/a'))
    t.ok(await hasDirectory(target, '/a'))
  })

  test(`kinds do not mix (${kind})`, async (t) => {
    const other = await hyperdrive(t)
    await other.put('/file', 'x')
    await other.put('/folder/x', 'x')
    await write(await overlayOf(t, [other]), make('/empty'))
    const target = await overlayOf(t, [await writer(t), other])
    for (const [operation, code] of [
      [() => put(target, '/folder'), 'EISDIR'],
      [() => put(target, '/empty'), 'EISDIR'],
      [() => put(target, '/file/below'), 'ENOTDIR'],
      [() => put(target, '/file/far/below'), 'ENOTDIR'],
      [() => write(target, make('/file')), 'EEXIST'],
      [() => write(target, make('/file/below')), 'ENOTDIR']
    ] as const) {
      const err = await failureOf(operation)
      t.is(err.code, code)
      t.ok(err.path && err.syscall && err.errno < 0, err.message)
    }
    await write(target, unmake('/empty'))
    await put(target, '/empty')
    t.ok(await isFile(target, '/empty'), 'a directory that is gone is in nobody’s way')
  })

  test(`operations of one write see each other (${kind})`, async (t) => {
    const other = await hyperdrive(t)
    for (const key of ['/d/x', '/d/y', '/e']) await other.put(key, 'theirs')
    const target = await overlayOf(t, [await writer(t), other])
    const staged = await target.requireWriter('put').stage(Buffer.from('new'))
    await write(target, remove('/d', true), {
      type: 'file',
      key: '/d',
      executable: false,
      metadata: null,
      staged
    })
    t.ok(await isFile(target, '/d'))
    t.notOk(await isFile(target, '/d/x'))

    const again = await target.requireWriter('put').stage(Buffer.from('new'))
    const file: Operation = {
      type: 'file',
      key: '/e/below',
      executable: false,
      metadata: null,
      staged: again
    }
    t.is((await failureOf(write(target, file))).code, 'ENOTDIR')
    await write(target, remove('/e'), file)
    t.ok(await isFile(target, '/e/below'))

    const link: Operation = { type: 'link', key: '/l', linkname: '/e', metadata: null }
    t.is((await failureOf(write(target, link, make('/l/below')))).code, 'ENOTDIR')
    t.notOk(await isFile(target, '/l'), 'nothing of a write that fails lands')
  })

  test(`a tree deleted twice stays deleted, and its tombstones do not pile up (${kind})`, async (t) => {
    const other = await hyperdrive(t)
    for (const key of ['/d/x', '/d/e/y']) await other.put(key, 'theirs')
    const target = await overlayOf(t, [await writer(t), other])
    const below = async () => {
      const leaf = (await target.view()).leaves()[0]!
      return leaf.tombstonesBelow('/d').map(({ record }) => record.path + (record.tree ? '/' : ''))
    }
    await write(target, remove('/d/x'))
    await write(target, remove('/d/e', true))
    t.same((await below()).sort(), ['/d/e/', '/d/x'])
    await other.put('/d/z', 'theirs')
    await write(target, remove('/d', true))
    t.same(await below(), ['/d/'])
    for (const key of ['/d/x', '/d/e/y', '/d/z']) t.notOk(await isFile(target, key), key)
  })
}

test('deleting a file leaves what another drive keeps below a folder of the same name', async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  const target = await overlayOf(t, [own, other])
  await put(target, '/a')
  await other.put('/a', 'theirs', { metadata: { mtime: 1 } })
  await other.put('/a/b', 'theirs', { metadata: { mtime: 2 } })
  await write(target, remove('/a'))
  t.notOk(await isFile(target, '/a'))
  t.ok(await isFile(target, '/a/b'))
})

test('a delete of one’s own file alone leaves no tombstone', async (t) => {
  const own = await hyperdrive(t)
  const target = await overlayOf(t, [own, await hyperdrive(t)])
  await put(target, '/a')
  await write(target, remove('/a'))
  t.is((await target.view()).leaves()[0]!.tombstonesBelow('').length, 0)
  const { length } = own.core
  await write(target, remove('/a'), remove('/nothing'))
  t.is(own.core.length, length, 'deleting nothing appends nothing')
})
