import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type Hyperdrive from 'hyperdrive'
import test, { type Test } from 'tape'
import type { Operation } from '../../lib/overlay/operation.ts'
import type { Overlay } from '../../lib/overlay/overlay.ts'
import { transact } from '../../lib/overlay/transact.ts'
import { commit } from '../../lib/overlay/write.ts'
import type { Staged, WritableLeaf } from '../../lib/sources/source.ts'
import { failureOf, hyperdrive, keys, localdrive } from '../helpers/drives.ts'
import { overlayOf } from './helpers.ts'

const KINDS = [
  ['a Hyperdrive', hyperdrive],
  ['a Localdrive', localdrive]
] as const

const file = (key: string, staged: Staged): Operation => ({
  type: 'file',
  key,
  executable: false,
  metadata: null,
  staged
})

const bytes = (text: string) => (writer: WritableLeaf) => writer.stage(Buffer.from(text))

async function put(overlay: Overlay, key: string, text: string): Promise<void> {
  const writer = overlay.requireWriter('put')
  await commit(overlay, writer, {
    syscall: 'put',
    operations: [file(key, await writer.stage(Buffer.from(text)))]
  })
}

async function textOf(overlay: Overlay, key: string): Promise<string | null> {
  const found = await (await overlay.view()).find(key)
  return found && String(await found.readAll())
}

/** Adds a letter to the text of a file, as it is seen while the write is prepared. */
function append(
  overlay: Overlay,
  key: string,
  letter: string,
  meanwhile: () => Promise<unknown>
): Promise<void> {
  return transact(overlay, 'append', key, async (at) => {
    const node = await at.look(key)
    const before = node?.kind === 'file' ? String(await node.located.candidate.readAll()) : ''
    const of = node?.kind === 'file' ? node.located.candidate : null
    const staged = await at.stage(key, of, bytes(before + letter))
    await meanwhile()
    return [file(key, staged)]
  })
}

for (const [kind, make] of KINDS) {
  const two = async (t: Test): Promise<[Overlay, Overlay]> => {
    const drive = await make(t)
    return [await overlayOf(t, [drive]), await overlayOf(t, [drive])]
  }

  test(`what was looked at has changed: the write is prepared again (${kind})`, async (t) => {
    const [mine, another] = await two(t)
    await put(mine, '/file', 'a')
    let prepared = 0
    await append(mine, '/file', 'z', async () => {
      if (++prepared === 1) await put(another, '/file', 'ab')
    })
    t.equal(prepared, 2)
    t.equal(await textOf(mine, '/file'), 'abz')
  })

  test(`what was looked at and was not there has come: the write is prepared again (${kind})`, async (t) => {
    const [mine, another] = await two(t)
    let prepared = 0
    await append(mine, '/file', 'z', async () => {
      if (++prepared === 1) await put(another, '/file', 'a')
    })
    t.equal(prepared, 2)
    t.equal(await textOf(mine, '/file'), 'az')
  })

  test(`what was not looked at has changed: the write lands as it is (${kind})`, async (t) => {
    const [mine, another] = await two(t)
    await put(mine, '/file', 'a')
    let prepared = 0
    await append(mine, '/file', 'z', async () => {
      prepared++
      await put(another, '/other', 'x')
    })
    t.equal(prepared, 1)
    t.equal(await textOf(mine, '/file'), 'az')
    t.equal(await textOf(mine, '/other'), 'x')
  })

  test(`a folder that something is put into is no longer there: the write is prepared again (${kind})`, async (t) => {
    const [mine, another] = await two(t)
    const change = (operation: Operation) =>
      commit(another, another.requireWriter('test'), { syscall: 'test', operations: [operation] })
    await change({ type: 'make-directory', key: '/folder', metadata: null })
    const seen: (string | undefined)[] = []
    await transact(mine, 'test', null, async (at) => {
      at.putInto('')
      at.putInto('/folder')
      seen.push((await at.tree.at('/folder'))?.kind)
      if (seen.length > 1) return []
      await change({ type: 'remove-directory', key: '/folder' })
      return [file('/folder/file', await at.stage('/folder/file', null, bytes('x')))]
    })
    t.same(seen, ['directory', undefined])
  })

  test(`something came into a tree that was walked: the write is prepared again (${kind})`, async (t) => {
    const [mine, another] = await two(t)
    await put(mine, '/tree/a', 'a')
    const walks: string[][] = []
    await transact(mine, 'remove', '/tree', async (at) => {
      walks.push((await at.walk('/tree')).map(({ key }) => key))
      if (walks.length === 1) await put(another, '/tree/sub/b', 'b')
      if (walks.length === 2) {
        const writer = another.requireWriter('remove')
        const operations: Operation[] = [{ type: 'remove', key: '/tree/a', tree: false }]
        await commit(another, writer, { syscall: 'remove', operations })
      }
      return [{ type: 'remove', key: '/tree', tree: true }]
    })
    t.same(walks, [
      ['/tree', '/tree/a'],
      ['/tree', '/tree/a', '/tree/sub', '/tree/sub/b'],
      ['/tree', '/tree/sub', '/tree/sub/b']
    ])
    t.equal(await textOf(mine, '/tree/sub/b'), null)
  })

  test(`a folder that was looked at has got other bits, or another name: the write is prepared again (${kind})`, async (t) => {
    const [mine, another] = await two(t)
    const make = (key: string, mode: number): Operation => {
      return { type: 'make-directory', key, mode, metadata: null, time: 1000 }
    }
    const change = (...operations: Operation[]) =>
      commit(another, another.requireWriter('change'), { syscall: 'change', operations })
    await change(make('/tree', 0o755), make('/tree/a', 0o755))
    const seen: unknown[] = []
    await transact(mine, 'look', '/tree', async (at) => {
      const nodes = await at.walk('/tree')
      seen.push(nodes.map((node) => [node.key, node.kind === 'directory' && node.record?.record.mode]))
      if (seen.length === 1) await change(make('/tree/a', 0o700))
      if (seen.length === 2)
        await change({ type: 'remove-directory', key: '/tree/a' }, make('/tree/b', 0o700))
      return [{ type: 'make-directory', key: '/other', metadata: null }]
    })
    t.same(seen, [
      [
        ['/tree', 0o755],
        ['/tree/a', 0o755]
      ],
      [
        ['/tree', 0o755],
        ['/tree/a', 0o700]
      ],
      [
        ['/tree', 0o755],
        ['/tree/b', 0o700]
      ]
    ])
  })

  test(`bytes are staged once for each version that they come from (${kind})`, async (t) => {
    const [mine, another] = await two(t)
    await put(mine, '/kept', 'kept')
    await put(mine, '/changed', 'one')
    const staged: string[] = []
    let prepared = 0
    await transact(mine, 'copy', '/copies', async (at) => {
      const operations: Operation[] = []
      for (const key of ['/kept', '/changed']) {
        const node = await at.look(key)
        if (node?.kind !== 'file') throw new Error(`no ${key}`)
        const { candidate } = node.located
        const copy = await at.stage(`/copies${key}`, candidate, async (writer) => {
          const text = String(await candidate.readAll())
          staged.push(text)
          return writer.stage(Buffer.from(text))
        })
        operations.push(file(`/copies${key}`, copy))
      }
      if (++prepared === 1) await put(another, '/changed', 'two')
      return operations
    })
    t.same(staged, ['kept', 'one', 'two'])
    t.same([await textOf(mine, '/copies/kept'), await textOf(mine, '/copies/changed')], ['kept', 'two'])
  })

  test(`a write that cannot be prepared leaves nothing (${kind})`, async (t) => {
    const [mine] = await two(t)
    await put(mine, '/file', 'a')
    const discarded: string[] = []
    const failing = transact(mine, 'append', '/file', async (at) => {
      const staged = await at.stage('/file', null, bytes('lost'))
      const discard = staged.discard.bind(staged)
      staged.discard = async () => {
        discarded.push('/file')
        await discard()
      }
      throw new Error('no more')
    })
    t.equal((await failureOf(failing)).message, 'no more')
    t.same(discarded, ['/file'])
    t.equal(await textOf(mine, '/file'), 'a')
    await append(mine, '/file', 'b', () => Promise.resolve())
    t.equal(await textOf(mine, '/file'), 'ab', 'and nobody is held up')
  })

  test(`one at a time changes the same path, also through two overlays of one drive (${kind})`, async (t) => {
    const [mine, another] = await two(t)
    await put(mine, '/file', '')
    let [prepared, atOnce, most] = [0, 0, 0]
    const one = (overlay: Overlay, letter: string) =>
      append(overlay, '/file', letter, async () => {
        prepared++
        most = Math.max(most, ++atOnce)
        await new Promise(setImmediate)
        atOnce--
      })
    const letters = 'abcdefghij'.split('')
    await Promise.all(letters.map((letter, i) => one(i % 2 === 0 ? mine : another, letter)))
    t.equal(most, 1)
    t.equal(prepared, letters.length, 'so nothing is prepared in vain')
    t.same((await textOf(mine, '/file'))!.split('').sort(), letters)
  })

  test(`no operations: nothing is written (${kind})`, async (t) => {
    const [mine] = await two(t)
    await put(mine, '/file', 'a')
    const drive = mine.requireWriter('look').drive as Hyperdrive
    const before = [drive.version, await keys(drive)]
    await transact(mine, 'look', '/file', async (at) => {
      await at.look('/file')
      await at.stage('/file', null, bytes('lost'))
      return []
    })
    t.same([drive.version, await keys(drive)], before)
    t.equal(await textOf(mine, '/file'), 'a')
  })
}

test('what somebody else does to the folder of a Localdrive is seen before the write lands', async (t) => {
  const drive = await localdrive(t)
  const overlay = await overlayOf(t, [drive])
  await put(overlay, '/file', 'a')
  let prepared = 0
  await append(overlay, '/file', 'z', async () => {
    if (++prepared === 1) await writeFile(join(drive.root, 'file'), 'from outside ')
  })
  t.equal(prepared, 2)
  t.equal(await textOf(overlay, '/file'), 'from outside z')
})

test('what was looked at in a drive of somebody else is watched too', async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  const overlay = await overlayOf(t, [own, other])
  await other.put('/file', 'a', { metadata: { mtime: Date.now() } })
  let prepared = 0
  await append(overlay, '/file', 'z', async () => {
    if (++prepared === 1) await other.put('/file', 'b', { metadata: { mtime: Date.now() } })
  })
  t.equal(prepared, 2)
  t.equal(await textOf(overlay, '/file'), 'bz')
  t.equal(String(await own.get('/file')), 'bz')
  t.equal(String(await other.get('/file')), 'b')
})

test('a failing landing tells why, and the bytes are let go', async (t) => {
  const drive = await localdrive(t)
  const overlay = await overlayOf(t, [drive])
  let staged: Staged | null = null
  const failing = transact(overlay, 'close', '/dir', async (at) => {
    staged = await at.stage('/dir', null, bytes('lost'))
    await put(overlay, '/dir/file', 'x')
    return [file('/dir', staged)]
  })
  const { code, path } = await failureOf(failing)
  t.same([code, path], ['EISDIR', '/dir'])
  const { readdir } = await import('node:fs/promises')
  t.same(await readdir(join(drive.root, '.multidrive/staged')), [])
  t.equal(await textOf(overlay, '/dir/file'), 'x')
})

test('overlay.view() is one and the same until a drive changes, and so is what it finds', async (t) => {
  const drive = await hyperdrive(t)
  const overlay = await overlayOf(t, [drive, await hyperdrive(t)])
  await put(overlay, '/a', 'one')
  const first = await overlay.view()
  t.equal(overlay.view(), first, 'also when it had to be waited for')
  const [leaf] = first.leaves()
  t.equal(await leaf!.find('/a'), await leaf!.find('/a'))
  t.equal(await leaf!.find('/none'), null)
  await drive.put('/a', Buffer.from('two'))
  t.notEqual(await overlay.view(), first)
  t.equal(await textOf(overlay, '/a'), 'two')
  t.equal(String(await (await first.find('/a'))!.readAll()), 'one', 'who holds the first sees what it saw')
})

test('transact(overlay, …) prepares again when the file is another one before it could be opened', async (t) => {
  const drive = await localdrive(t)
  const overlay = await overlayOf(t, [drive])
  await put(overlay, '/file', 'old')
  let tries = 0
  await transact(overlay, 'append', '/file', async (at) => {
    const node = await at.look('/file')
    if (node?.kind !== 'file') throw new Error('no file')
    const { candidate } = node.located
    if (++tries === 1) await put(overlay, '/file', 'newer')
    const content = await candidate.open()
    const before = Buffer.alloc(10)
    const length = await content.read(before, 0)
    await content.close()
    return [
      file('/file', await at.stage('/file', candidate, bytes(`${before.toString('utf8', 0, length)}!`)))
    ]
  })
  t.equal(await textOf(overlay, '/file'), 'newer!')
  t.equal(tries, 2)
})
