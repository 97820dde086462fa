import test, { type Test } from 'tape'
import { FileDraft } from '../../lib/overlay/draft.ts'
import type { Candidate, Piece } from '../../lib/sources/source.ts'
import { alone, random, together, whole, within } from '../availability/links.ts'
import { cleanup, collect, failureOf, hyperdrive, link, localdrive, store } from '../helpers/drives.ts'
import { byteRow } from '../suites/fs-open-file.ts'
import { candidateOf } from './helpers.ts'

const BLOCK = 1 << 16

function draftOf(t: Test, base: Candidate | null, opts = {}): FileDraft {
  const draft = new FileDraft(base, opts)
  cleanup(t, () => draft.close())
  return draft
}

async function bytesOf(draft: FileDraft, start = 0, end = draft.byteLength): Promise<Buffer> {
  return Buffer.concat(await collect(draft.read(start, end)))
}

const KINDS = [
  ['a Hyperdrive', hyperdrive],
  ['a Localdrive', localdrive]
] as const

async function based(t: Test, make: (t: Test) => Promise<any>, bytes: Buffer): Promise<Candidate> {
  const drive = await make(t)
  await drive.put('/file', bytes)
  return candidateOf(t, drive, '/file')
}

test('a draft of nothing is empty, and holds what is written to it', async (t) => {
  const draft = draftOf(t, null)
  t.same([draft.byteLength, draft.pieces()], [0, []])
  t.equal(await draft.readInto(Buffer.alloc(5), 0), 0)
  await draft.write(Buffer.alloc(0), 100)
  t.equal(draft.byteLength, 0, 'nothing at a place makes nothing longer')
  await draft.write(Buffer.from('world'), 6)
  await draft.write(Buffer.from('hello'), 0)
  t.same(draft.pieces(), [
    { from: 'draft', start: 0, end: 5 },
    { from: 'zeros', start: 5, end: 6 },
    { from: 'draft', start: 6, end: 11 }
  ])
  t.equal(String(await bytesOf(draft)), 'hello\0world')
})

for (const [kind, make] of KINDS) {
  test(`a draft shows the version below what was written over it (${kind})`, async (t) => {
    const base = await based(t, make, Buffer.from('0123456789'))
    const draft = draftOf(t, base)
    t.same(draft.pieces(), [{ from: 'base', start: 0, end: 10 }])
    await draft.write(Buffer.from('AB'), 3)
    await draft.write(Buffer.from('C'), 12)
    t.same(draft.pieces(), [
      { from: 'base', start: 0, end: 3 },
      { from: 'draft', start: 3, end: 5 },
      { from: 'base', start: 5, end: 10 },
      { from: 'zeros', start: 10, end: 12 },
      { from: 'draft', start: 12, end: 13 }
    ])
    t.equal(String(await bytesOf(draft)), '012AB56789\0\0C')
    t.equal(String(await bytesOf(draft, 4, 6)), 'B5')
    const into = Buffer.alloc(6, '.')
    t.equal(await draft.readInto(into, 9), 4)
    t.equal(into.toString(), '9\0\0C..', 'no more is filled than there is')
  })

  test(`what a draft has cut off is gone, however long it becomes again (${kind})`, async (t) => {
    const base = await based(t, make, Buffer.from('0123456789'))
    const draft = draftOf(t, base)
    await draft.write(Buffer.from('ABCD'), 5)
    draft.truncate(7)
    t.equal(String(await bytesOf(draft)), '01234AB')
    draft.truncate(3)
    draft.truncate(10)
    t.equal(String(await bytesOf(draft)), '012\0\0\0\0\0\0\0')
    await draft.write(Buffer.from('x'), 8)
    t.equal(String(await bytesOf(draft)), '012\0\0\0\0\0x\0')
    draft.truncate(0)
    t.same(draft.pieces(), [])
  })

  test(`rebase(version) goes on from what has landed (${kind})`, async (t) => {
    const draft = draftOf(t, await based(t, make, Buffer.from('before')))
    await draft.write(Buffer.from('B'), 0)
    const landed = await based(t, make, Buffer.from('Before, and more'))
    await draft.rebase(landed)
    t.equal(draft.base, landed)
    t.same(draft.pieces(), [{ from: 'base', start: 0, end: 16 }])
    await draft.write(Buffer.from('!'), 16)
    t.equal(String(await bytesOf(draft)), 'Before, and more!')
  })

  test(`random steps on a draft agree with a Buffer (${kind})`, async (t) => {
    const bytes = byteRow(3 * BLOCK + 1000)
    const base = await based(t, make, bytes)
    let wrong = 0
    for (let seed = 0; seed < 25; seed++) {
      const problem = await play(seed % 5 === 0 ? null : base, bytes, random(seed))
      if (problem === null) continue
      t.fail(`seed ${seed}: ${problem}`)
      wrong++
    }
    t.equal(wrong, 0)
  })
}

/** Random steps beside a Buffer; says what went wrong. */
async function play(base: Candidate | null, bytes: Buffer, next: () => number): Promise<string | null> {
  const upTo = (n: number) => Math.floor(next() * (n + 1))
  const draft = new FileDraft(base)
  let model: Buffer = base ? Buffer.from(bytes) : Buffer.alloc(0)
  try {
    for (let step = 0; step < 20; step++) {
      if (next() < 0.3) {
        const size = next() < 0.3 ? upTo(4) * BLOCK : upTo(5 * BLOCK)
        draft.truncate(size)
        model = resized(model, size)
      } else {
        const chunk = Buffer.alloc(1 + upTo(next() < 0.5 ? 100 : 2 * BLOCK), 1 + upTo(254))
        const at = next() < 0.2 ? model.byteLength : upTo(5 * BLOCK)
        await draft.write(chunk, at)
        model = resized(model, Math.max(model.byteLength, at + chunk.byteLength))
        chunk.copy(model, at)
      }
      if (draft.byteLength !== model.byteLength) return `step ${step}: byteLength`
      const [start, length] = [upTo(5 * BLOCK), upTo(2 * BLOCK)]
      const into = Buffer.alloc(length, 0xee)
      const expected = model.subarray(start, start + length)
      if ((await draft.readInto(into, start)) !== expected.byteLength) return `step ${step}: readInto length`
      if (!into.subarray(0, expected.byteLength).equals(expected)) return `step ${step}: readInto`
      const wrong = wrongPiece(draft.pieces(), model, base && bytes)
      if (wrong) return `step ${step}: ${wrong}`
    }
    const [start, end] = [upTo(model.byteLength), model.byteLength]
    return (await bytesOf(draft, start, end)).equals(model.subarray(start, end)) ? null : 'read'
  } finally {
    await draft.close()
  }
}

/** The pieces cover the file without a gap, and are what they say. */
function wrongPiece(pieces: readonly Piece[], model: Buffer, base: Buffer | null): string | null {
  let at = 0
  for (const { from, start, end } of pieces) {
    if (start !== at || end <= start) return `a piece begins at ${start}, not at ${at}`
    at = end
    const part = model.subarray(start, end)
    if (from === 'zeros' && !part.equals(Buffer.alloc(end - start))) return `no zeros from ${start} to ${end}`
    if (from === 'base' && !part.equals(base!.subarray(start, end))) return `not the base from ${start}`
  }
  return at === model.byteLength ? null : `the pieces end at ${at}, not at ${model.byteLength}`
}

function resized(bytes: Buffer, size: number): Buffer {
  const copy = Buffer.alloc(size)
  bytes.copy(copy)
  return copy
}

test('a draft asks for no more of its version than still shows', async (t) => {
  const [theirs, ours] = [await store(t), await store(t)]
  const author = await hyperdrive(t, { store: theirs })
  await author.put('/file', Buffer.alloc(4 * BLOCK, 1))
  const copy = await hyperdrive(t, { store: ours, key: author.key })
  const unlink = link(theirs, ours)
  copy.core.download({ start: 0, end: -1 })
  await within(5000, 'metadata', whole(copy, author))
  await within(5000, 'bytes', copy.get('/file'))
  await copy.blobs.core.clear(1, 4)
  await unlink()
  await alone(copy)
  const base = await candidateOf(t, copy, '/file')
  const draft = draftOf(t, base, { wait: false })
  await draft.write(Buffer.alloc(3 * BLOCK, 2), BLOCK)
  const expected = Buffer.concat([Buffer.alloc(BLOCK, 1), Buffer.alloc(3 * BLOCK, 2)])
  t.ok((await within(5000, 'read', bytesOf(draft))).equals(expected), 'one block is here, and is enough')

  const missing = draftOf(t, base, { wait: false })
  await missing.write(Buffer.alloc(BLOCK, 2), 2 * BLOCK)
  const err = await within(5000, 'read', failureOf(bytesOf(missing)))
  t.equal(err.code, 'BLOCK_NOT_AVAILABLE', 'what is not here is no zeros')
  cleanup(t, link(theirs, ours))
  await together(copy)
  const patient = draftOf(t, base, { timeout: 40_000 })
  await patient.write(Buffer.alloc(BLOCK, 2), 2 * BLOCK)
  t.equal((await bytesOf(patient)).indexOf(2), 2 * BLOCK, 'what comes later is')
})
