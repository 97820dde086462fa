import fsp from 'node:fs/promises'
import path from 'node:path'
import test, { type Test } from 'tape'
import { FileDraft } from '../../lib/overlay/draft.ts'
import type { LocaldriveSource } from '../../lib/sources/localdrive/source.ts'
import type { Candidate, Change, Draft, Staged } from '../../lib/sources/source.ts'
import { random } from '../availability/links.ts'
import { cleanup, failureOf, hyperdrive } from '../helpers/drives.ts'
import { candidateOf } from '../overlay/helpers.ts'
import { byteRow } from '../suites/fs-open-file.ts'
import { file, fill, find, intercept, ioError, openSource, temporary } from './localdrive-helpers.ts'

const BLOCK = 1 << 16
const MIB = 1 << 20

const stamp = { mtime: 5000, ctime: 5000, clock: new Map<string, number>(), explicit: false, mode: null }

const change = (key: string, staged: Staged, more: object = {}): Change => ({
  type: 'file',
  key,
  executable: false,
  staged,
  metadata: null,
  stamp: { ...stamp, ...more }
})

function draftOf(t: Test, base: Candidate | null): FileDraft {
  const draft = new FileDraft(base)
  cleanup(t, () => draft.close())
  return draft
}

async function land(source: LocaldriveSource, draft: Draft, key = '/file'): Promise<void> {
  await source.commit([change(key, await source.amend(draft))])
}

async function staged(root: string): Promise<string[]> {
  return fsp.readdir(path.join(root, '.multidrive/staged')).catch(() => [])
}

test('amend(draft) writes what is new, and keeps the rest', async (t) => {
  const root = await temporary(t)
  const source = await openSource(root)
  const bytes = byteRow(3 * BLOCK)
  await fsp.writeFile(path.join(root, 'file'), bytes)
  const draft = draftOf(t, await find(source, '/file'))
  await draft.write(Buffer.from('middle'), BLOCK + 7)
  await draft.write(Buffer.from('far'), 4 * BLOCK)
  const whole = await source.amend(draft)
  t.ok((await fsp.readFile(path.join(root, 'file'))).equals(bytes), 'nothing is seen before the commit')
  await source.commit([change('/file', whole)])
  const expected = Buffer.alloc(4 * BLOCK + 3)
  bytes.copy(expected)
  expected.write('middle', BLOCK + 7)
  expected.write('far', 4 * BLOCK)
  t.ok((await fsp.readFile(path.join(root, 'file'))).equals(expected))
  t.same(await staged(root), [])
})

test('amend(draft) cuts off, and fills with zeros what was cut off before', async (t) => {
  const root = await temporary(t)
  const source = await openSource(root)
  await fill(root, { '/file': '0123456789' })
  const draft = draftOf(t, await find(source, '/file'))
  draft.truncate(4)
  draft.truncate(7)
  await land(source, draft)
  t.equal(await fsp.readFile(path.join(root, 'file'), 'utf8'), '0123\0\0\0')
  const empty = draftOf(t, await find(source, '/file'))
  empty.truncate(0)
  await land(source, empty)
  t.equal(await fsp.readFile(path.join(root, 'file'), 'utf8'), '')
})

test('amend(draft) of 100 GiB of zeros takes no room', async (t) => {
  const root = await temporary(t)
  const source = await openSource(root)
  await fill(root, { '/file': 'begin' })
  const draft = draftOf(t, await find(source, '/file'))
  draft.truncate(100 * 1024 * MIB)
  await draft.write(Buffer.from('end'), 100 * 1024 * MIB - 3)
  await land(source, draft)
  const { size, blocks } = await fsp.stat(path.join(root, 'file'))
  t.equal(size, 100 * 1024 * MIB)
  t.ok(blocks * 512 < MIB, `${blocks * 512} bytes on the disk`)
})

test('amend(draft) of a version of another drive writes all of it', async (t) => {
  const root = await temporary(t)
  const source = await openSource(root)
  await fill(root, { '/file': 'my own file of this name' })
  const other = await hyperdrive(t)
  const bytes = byteRow(BLOCK + 9)
  await other.put('/file', bytes)
  const draft = draftOf(t, await candidateOf(t, other, '/file'))
  await draft.write(Buffer.from('new'), 5)
  bytes.write('new', 5)
  await land(source, draft)
  t.ok((await fsp.readFile(path.join(root, 'file'))).equals(bytes))
})

test('amend(draft) of a file that was replaced since it was opened', async (t) => {
  for (const isRead of [true, false]) {
    const root = await temporary(t)
    const source = await openSource(root)
    await fill(root, { '/file': 'the old text' })
    const draft = draftOf(t, await find(source, '/file'))
    if (isRead) await draft.readInto(Buffer.alloc(3), 0)
    await source.commit([await file(source, '/file', 'NEW')])
    await draft.write(Buffer.from('T'), 0)
    const done = await land(source, draft).then(
      () => true,
      () => false
    )
    const now = await fsp.readFile(path.join(root, 'file'), 'utf8')
    if (isRead) t.equal(now, 'The old text', 'it stays on its version')
    else t.ok(now === 'The old text' || (!done && now === 'NEW'), `one or the other, no mixture: ${now}`)
  }
})

test('amend(draft) of a file that is gone', async (t) => {
  const root = await temporary(t)
  const source = await openSource(root)
  await fill(root, { '/file': 'the old text' })
  const draft = draftOf(t, await find(source, '/file'))
  await draft.readInto(Buffer.alloc(3), 0)
  await source.commit([{ type: 'remove', key: '/file' }])
  await draft.write(Buffer.from('T'), 0)
  await land(source, draft)
  t.equal(await fsp.readFile(path.join(root, 'file'), 'utf8'), 'The old text', 'it stays on its version')
})

test('amend(draft) that fails leaves nothing behind', async (t) => {
  const root = await temporary(t)
  const source = await openSource(root)
  await fill(root, { '/file': 'before' })
  const draft = draftOf(t, await find(source, '/file'))
  await draft.write(Buffer.from('x'), 3)
  const broken: Draft = {
    base: draft.base,
    byteLength: draft.byteLength,
    pieces: () => draft.pieces(),
    read: async function* () {
      yield Buffer.from('y')
      throw new Error('no more')
    }
  }
  t.equal((await failureOf(source.amend(broken))).message, 'no more')
  t.same(await staged(root), [])
  t.equal(await fsp.readFile(path.join(root, 'file'), 'utf8'), 'before')

  const full = intercept(['open'], () => {
    throw ioError('ENOSPC')
  })
  const err = await failureOf(source.amend(draft)).finally(full)
  t.equal(err.code, 'ENOSPC')
  t.same(await staged(root), [])
  await land(source, draft)
  t.equal(await fsp.readFile(path.join(root, 'file'), 'utf8'), 'befxre', 'and it can be tried again')
})

test('reuse(candidate) copies no bytes, and what is done to the one is not done to the other', async (t) => {
  const root = await temporary(t)
  const source = await openSource(root)
  const bytes = byteRow(2 * MIB)
  await source.commit([change('/file', await source.stage(bytes), { mode: 0o640 })])
  const ino = async (name: string) => (await fsp.stat(path.join(root, name))).ino
  const before = await fsp.stat(path.join(root, 'file'))

  const moved = await source.reuse((await find(source, '/file'))!)
  await source.commit([change('/moved', moved, { mode: 0o640 }), { type: 'remove', key: '/file' }])
  t.equal(await ino('moved'), before.ino, 'a file that is moved is the same file')

  const copy = await source.reuse((await find(source, '/moved'))!)
  await source.commit([change('/copy', copy, { mode: 0o600, mtime: 7000 })])
  const [first, second] = [await fsp.stat(path.join(root, 'moved')), await fsp.stat(path.join(root, 'copy'))]
  t.same([first.mode & 0o777, first.mtimeMs], [0o640, 5000], 'the first is as it was')
  t.same([second.mode & 0o777, second.mtimeMs], [0o600, 7000])
  t.notEqual(first.ino, second.ino)

  const twin = await source.reuse((await find(source, '/moved'))!)
  await source.commit([change('/twin', twin, { mode: 0o640 })])
  const draft = draftOf(t, await find(source, '/twin'))
  await draft.write(Buffer.from('changed'), 0)
  await land(source, draft, '/twin')
  t.ok((await fsp.readFile(path.join(root, 'moved'))).equals(bytes), 'a change of its twin is none of it')
  t.equal(String((await fsp.readFile(path.join(root, 'twin'))).subarray(0, 7)), 'changed')
})

test('a copy is a file of its own, also where neither its bits nor its date are others', async (t) => {
  const root = await temporary(t)
  const source = await openSource(root)
  await source.commit([await file(source, '/file', 'text')])
  const original = (await find(source, '/file'))!
  const { mode, mtime } = original.stamp
  await source.commit([change('/copy', await source.reuse(original), { mode, mtime: mtime! })])
  await fsp.appendFile(path.join(root, 'copy'), ' from outside')
  t.equal(await fsp.readFile(path.join(root, 'file'), 'utf8'), 'text')
})

test('random changes of one file agree with a Buffer', async (t) => {
  const root = await temporary(t)
  const source = await openSource(root)
  let wrong = 0
  for (let seed = 0; seed < 6; seed++) {
    const next = random(seed)
    const upTo = (n: number) => Math.floor(next() * (n + 1))
    const key = `/file-${seed}`
    let bytes = byteRow(200_000, seed)
    await fsp.writeFile(path.join(root, key), bytes)
    for (let step = 0; step < 8; step++) {
      const draft = new FileDraft(await find(source, key))
      for (let times = upTo(3); times >= 0; times--) {
        const copy = (size: number) => {
          const longer = Buffer.alloc(size)
          bytes.copy(longer)
          bytes = longer
        }
        if (next() < 0.3) {
          const size = upTo(300_000)
          draft.truncate(size)
          copy(size)
        } else {
          const chunk = Buffer.alloc(1 + upTo(50_000), upTo(255))
          const at = upTo(300_000)
          await draft.write(chunk, at)
          copy(Math.max(bytes.byteLength, at + chunk.byteLength))
          chunk.copy(bytes, at)
        }
      }
      await land(source, draft, key)
      await draft.close()
      if ((await fsp.readFile(path.join(root, key))).equals(bytes)) continue
      t.fail(`seed ${seed}, step ${step}`)
      wrong++
      break
    }
  }
  t.equal(wrong, 0)
})
