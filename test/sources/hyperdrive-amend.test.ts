import Hyperdrive from 'hyperdrive'
import test, { type Test } from 'tape'
import { FileDraft } from '../../lib/overlay/draft.ts'
import { HyperdriveSource } from '../../lib/sources/hyperdrive/source.ts'
import type { Candidate, Draft } from '../../lib/sources/source.ts'
import { random, whole, within } from '../availability/links.ts'
import { cleanup, collect, failureOf, hyperdrive, link, store } from '../helpers/drives.ts'
import { byteRow } from '../suites/fs-open-file.ts'

const BLOCK = 1 << 16
const KIB = 1 << 10
const MIB = 1 << 20

const ignore = () => undefined

async function sourceOf(t: Test, drive: any): Promise<HyperdriveSource> {
  const source = new HyperdriveSource(drive)
  await source.open({ change: ignore, sync: ignore, close: ignore, format: ignore })
  cleanup(t, () => source.close())
  return source
}

async function candidateOf(source: HyperdriveSource): Promise<Candidate> {
  return (await (await source.view()).find('/file'))!
}

/** Changes a file as a descriptor would. */
async function edit(
  source: HyperdriveSource,
  change: (draft: FileDraft) => unknown,
  base?: Candidate | null
): Promise<{ appended: number; draft: FileDraft }> {
  const drive = source.drive as Hyperdrive
  const draft = new FileDraft(base === undefined ? await candidateOf(source) : base)
  const before = drive.blobs.core.byteLength
  await change(draft)
  const staged = await source.amend(draft)
  const stamp = { mtime: 1000, ctime: 1000, clock: new Map(), explicit: false }
  await source.commit([{ type: 'file', key: '/file', executable: false, staged, metadata: null, stamp }])
  await draft.close()
  return { appended: drive.blobs.core.byteLength - before, draft }
}

/** What is wrong with the file for any reader: all of it, a stream of it, parts of it, and its size. */
async function wrong(source: HyperdriveSource, drive: any, expected: Buffer): Promise<string | null> {
  if (!(await drive.get('/file')).equals(expected)) return 'get'
  const size = expected.byteLength
  const places = [0, 1, BLOCK - 1, BLOCK, 3 * BLOCK + 5, size - 1].filter((at) => at >= 0 && at < size)
  for (const start of places) {
    for (const length of [1, 100, BLOCK, BLOCK + 1].filter((length) => start + length <= size)) {
      const part = Buffer.concat(await collect(drive.createReadStream('/file', { start, length })))
      if (!part.equals(expected.subarray(start, start + length))) return `${length} bytes from ${start}`
      const end = start + length - 1
      const same = Buffer.concat(await collect(drive.createReadStream('/file', { start, end })))
      if (!same.equals(part)) return `bytes ${start} to ${end}`
    }
  }
  if (!Buffer.concat(await collect(drive.createReadStream('/file'))).equals(expected))
    return 'createReadStream'
  const candidate = await candidateOf(source)
  if (candidate.value.blob?.byteLength !== size)
    return `its size is ${candidate.value.blob?.byteLength}, not ${size}`
  if (!(await candidate.readAll()).equals(expected)) return 'readAll'
  return null
}

function patched(bytes: Buffer, chunk: Buffer, at: number): Buffer {
  const copy = Buffer.alloc(Math.max(bytes.byteLength, at + chunk.byteLength))
  bytes.copy(copy)
  chunk.copy(copy, at)
  return copy
}

async function inChunks(drive: any, bytes: Buffer, size: (i: number) => number, opts = {}): Promise<void> {
  const stream = drive.createWriteStream('/file', opts)
  for (let at = 0, i = 0; at < bytes.byteLength; i++) {
    const end = Math.min(bytes.byteLength, at + size(i))
    if (!stream.write(bytes.subarray(at, end))) await new Promise((resolve) => stream.once('drain', resolve))
    at = end
  }
  await new Promise((resolve) => stream.once('close', resolve).end())
}

/** Ways in which a file can have come into a drive. */
const ORIGINS: Record<string, (drive: any, bytes: Buffer) => Promise<unknown>> = {
  'put of a Hyperdrive': (drive, bytes) => drive.put('/file', bytes),
  'a stream in chunks of 1 KB': (drive, bytes) => inChunks(drive, bytes, () => 1000),
  'a stream in chunks of 50 KB': (drive, bytes) => inChunks(drive, bytes, () => 50_000),
  'a stream in chunks of all sizes': (drive, bytes) =>
    inChunks(drive, bytes, (i) => 1 + ((i * 7919) % 100_000)),
  'a stream of as many blocks as put makes, of which the first is shorter': (drive, bytes) =>
    inChunks(drive, bytes, (i) => (i === 0 ? BLOCK - 1000 : BLOCK)),
  'a stream of as many blocks as put makes, of which the last but one is longer': (drive, bytes) =>
    inChunks(drive, bytes, (i) => (i === 31 ? BLOCK + 100 : BLOCK)),
  'a stream with a block map': (drive, bytes) => inChunks(drive, bytes, () => 70_000, { dedup: true }),
  'putEntry of a part of another block map': async (drive, bytes) => {
    await inChunks(drive, bytes, () => BLOCK, { dedup: true })
    const { value } = await drive.entry('/file')
    await drive.putEntry('/original', value)
    await drive.del('/file')
    await drive.putEntry('/file', { blob: value.blob })
  },
  'stage of a source': async (drive, bytes) => {
    const source = new HyperdriveSource(drive)
    await source.open({ change: ignore, sync: ignore, close: ignore, format: ignore })
    await edit(source, (draft) => draft.write(bytes, 0), null)
    await source.close()
  }
}

for (const [origin, make] of Object.entries(ORIGINS)) {
  test(`amend(draft) of a file that was written by ${origin} appends what changed`, async (t) => {
    const drive = await hyperdrive(t)
    const source = await sourceOf(t, drive)
    let bytes = byteRow(2 * MIB + 345)
    await make(drive, bytes)
    const place = MIB + 12_345
    const middle = await edit(source, (draft) => draft.write(Buffer.alloc(4096, 1), place))
    bytes = patched(bytes, Buffer.alloc(4096, 1), place)
    t.equal(await wrong(source, drive, bytes), null)
    t.ok(middle.appended < 256 * KIB, `4 KiB in the middle: ${middle.appended} bytes`)

    const line = await edit(source, (draft) => draft.write(Buffer.from('line\n'), draft.byteLength))
    bytes = Buffer.concat([bytes, Buffer.from('line\n')])
    t.equal(await wrong(source, drive, bytes), null)
    t.ok(line.appended < 160 * KIB, `a line: ${line.appended} bytes`)

    const cut = await edit(source, (draft) => draft.truncate(place + 100))
    bytes = bytes.subarray(0, place + 100)
    t.equal(await wrong(source, drive, bytes), null)
    t.ok(cut.appended < 160 * KIB, `a cut: ${cut.appended} bytes`)
  })
}

test('amend(draft) finds the blocks again when the drive was closed in between', async (t) => {
  const corestore = await store(t)
  let bytes = byteRow(2 * MIB)
  const key = await (async () => {
    const drive = new Hyperdrive(corestore.session())
    await drive.put('/file', bytes)
    const source = await sourceOf(t, drive)
    await edit(source, (draft) => draft.write(Buffer.from('first'), 1_000_000))
    await drive.close()
    return drive.key
  })()
  bytes = patched(bytes, Buffer.from('first'), 1_000_000)
  const drive = await hyperdrive(t, { store: corestore, key })
  const source = await sourceOf(t, drive)
  const { appended } = await edit(source, (draft) => draft.write(Buffer.from('second'), 500_000))
  t.equal(await wrong(source, drive, patched(bytes, Buffer.from('second'), 500_000)), null)
  t.ok(appended < 128 * KIB, `${appended} bytes`)
})

test('amend(draft) of a drive whose history was cut off and written anew', async (t) => {
  const drive = await hyperdrive(t)
  const source = await sourceOf(t, drive)
  await drive.put('/first', 'x')
  const [version, blobs] = [drive.version, drive.blobs.core.length]
  const bytes = byteRow(400_000)
  await inChunks(drive, bytes, (i) => (i === 0 ? 10_000 : 65_000))
  await edit(source, (draft) => draft.write(Buffer.from('old'), 5))
  await drive.truncate(version, { blobs })
  await inChunks(drive, bytes, (i) => (i === 6 ? 10_000 : 65_000))
  const { value } = await drive.entry('/file')
  t.equal(value.blob.blockLength, 7, 'as many blocks at the same place, cut in another way')
  await edit(source, (draft) => draft.write(Buffer.from('new'), 300_000))
  t.equal(await wrong(source, drive, patched(bytes, Buffer.from('new'), 300_000)), null)
})

test('amend(draft) cuts a file off at every kind of place', async (t) => {
  const drive = await hyperdrive(t)
  const source = await sourceOf(t, drive)
  const bytes = byteRow(10 * BLOCK + 77)
  for (const size of [10 * BLOCK, 5 * BLOCK, 5 * BLOCK + 1, 5 * BLOCK - 1, BLOCK, 3, 1, 0]) {
    await drive.put('/file', bytes)
    await edit(source, (draft) => draft.truncate(size))
    const { blob } = (await drive.entry('/file')).value
    t.equal(await wrong(source, drive, bytes.subarray(0, size)), null, `${size} bytes`)
    if (size <= 2 * BLOCK)
      t.notOk(blob.blockMap, 'what is short is written anew, and says its size to everybody')
  }
})

test('amend(draft) makes a file longer by zeros, many of which take no room', async (t) => {
  const drive = await hyperdrive(t)
  const source = await sourceOf(t, drive)
  const bytes = byteRow(3 * BLOCK + 5)
  for (const [size, most] of [
    [3 * BLOCK + 6, 2 * BLOCK],
    [4 * BLOCK, 2 * BLOCK],
    [MIB, MIB + BLOCK],
    [9 * MIB + 1, 2 * MIB + BLOCK]
  ] as const) {
    await drive.put('/file', bytes)
    const { appended } = await edit(source, (draft) => draft.truncate(size))
    t.equal(await wrong(source, drive, patched(bytes, Buffer.alloc(0), size)), null, `${size} bytes`)
    t.ok(appended < most, `${appended} bytes appended`)
  }
  await drive.del('/file')
  const { appended } = await edit(source, (draft) => draft.write(Buffer.from('end'), 20 * MIB), null)
  t.equal(await wrong(source, drive, patched(Buffer.alloc(20 * MIB), Buffer.from('end'), 20 * MIB)), null)
  t.ok(appended < 2 * MIB, `${appended} bytes appended`)
})

test('amend(draft) of a few bytes among many zeros appends less than 1 MiB', async (t) => {
  const drive = await hyperdrive(t)
  const source = await sourceOf(t, drive)
  await edit(source, (draft) => draft.truncate(64 * MIB), null)
  for (const [what, place] of [
    ['in the middle of zeros', 32 * MIB + 500_000],
    ['across an edge of blocks', 16 * MIB - 2000]
  ] as const) {
    const { appended } = await edit(source, (draft) => draft.write(Buffer.alloc(4096, 1), place))
    t.ok(appended < MIB, `${what}: ${appended} bytes`)
    const part = await collect(drive.createReadStream('/file', { start: place - 1, length: 4098 }))
    t.ok(Buffer.concat(part).equals(patched(Buffer.alloc(4098), Buffer.alloc(4096, 1), 1)))
  }
})

test('amend(draft) of 100 GiB of zeros is small, and what no map can tell is EFBIG', async (t) => {
  const drive = await hyperdrive(t)
  const source = await sourceOf(t, drive)
  const size = 100 * KIB * MIB
  await drive.put('/file', 'begin')
  const { appended } = await edit(source, (draft) => draft.truncate(size))
  t.ok(appended < 8 * MIB, `${appended} bytes`)
  t.equal((await candidateOf(source)).value.blob?.byteLength, size)
  const ends = [0, size - 4].map(async (start) => {
    return String(Buffer.concat(await collect(drive.createReadStream('/file', { start, length: 4 }))))
  })
  t.same(await Promise.all(ends), ['begi', '\0\0\0\0'])

  const [version, blobs] = [drive.version, drive.blobs.core.length]
  for (const change of [
    (draft: FileDraft) => Promise.resolve().then(() => draft.truncate(2 ** 50)),
    (draft: FileDraft) => draft.write(Buffer.from('x'), Number.MAX_SAFE_INTEGER - 1)
  ]) {
    t.equal((await failureOf(edit(source, change))).code, 'EFBIG')
  }
  t.same([drive.version, drive.blobs.core.length], [version, blobs], 'and nothing is written')
  await within(5000, 'put', drive.put('/other', 'x'))
})

test('amend(draft) that changes nothing appends nothing', async (t) => {
  const drive = await hyperdrive(t)
  const source = await sourceOf(t, drive)
  const bytes = byteRow(5 * BLOCK)
  await drive.put('/file', bytes)
  const { appended } = await edit(source, () => undefined)
  t.equal(appended, 0)
  t.equal(await wrong(source, drive, bytes), null)
})

test('amend(draft) of a version of another drive writes all of it', async (t) => {
  const [drive, other] = [await hyperdrive(t), await hyperdrive(t)]
  const source = await sourceOf(t, drive)
  const bytes = byteRow(5 * BLOCK + 9)
  await other.put('/file', bytes)
  // A block of the same place is there in both.
  await drive.put('/mine', byteRow(5 * BLOCK + 9, 3))
  const base = await candidateOf(await sourceOf(t, other))
  const { appended } = await edit(source, (draft) => draft.write(Buffer.from('new'), 7), base)
  t.equal(appended, bytes.byteLength)
  t.equal(await wrong(source, drive, patched(bytes, Buffer.from('new'), 7)), null)
})

test('amend(draft) of an encrypted drive', async (t) => {
  const drive = new Hyperdrive(await store(t), null, { encryptionKey: Buffer.alloc(32, 5) })
  await drive.ready()
  cleanup(t, () => drive.close())
  const source = await sourceOf(t, drive)
  let bytes = byteRow(6 * BLOCK + 9)
  await drive.put('/file', bytes)
  for (const at of [0, 2 * BLOCK - 5, bytes.byteLength]) {
    const { appended } = await edit(source, (draft) => draft.write(Buffer.from('changed'), at))
    bytes = patched(bytes, Buffer.from('changed'), at)
    t.equal(await wrong(source, drive, bytes), null, `at ${at}`)
    t.ok(appended < 3 * BLOCK, `${appended} bytes`)
  }
})

test('a draft that cannot be read leaves the drive as it was, and open for others', async (t) => {
  const drive = await hyperdrive(t)
  const source = await sourceOf(t, drive)
  await drive.put('/file', byteRow(8 * BLOCK))
  const draft = new FileDraft(await candidateOf(source))
  await draft.write(Buffer.from('x'), 5 * BLOCK)
  const broken: Draft = {
    base: draft.base,
    byteLength: draft.byteLength,
    pieces: () => draft.pieces(),
    read: async function* () {
      yield Buffer.alloc(100)
      throw new Error('no more')
    }
  }
  const { version } = drive
  t.equal((await failureOf(source.amend(broken))).message, 'no more')
  t.equal(drive.version, version)
  await within(5000, 'put', drive.put('/other', 'x'))
  await draft.close()
})

test('two amendments at once do not mix', async (t) => {
  const drive = await hyperdrive(t)
  const source = await sourceOf(t, drive)
  const bytes = byteRow(8 * BLOCK)
  await drive.put('/file', bytes)
  const base = await candidateOf(source)
  const drafts = Array.from({ length: 8 }, () => new FileDraft(base))
  await Promise.all(
    drafts.map((draft, i) => draft.write(Buffer.alloc(BLOCK, i + 1), i * BLOCK - (i > 0 ? 9 : 0)))
  )
  const [all] = await Promise.all([
    Promise.all(drafts.map((draft) => source.amend(draft))),
    drive.put('/beside', byteRow(4 * BLOCK, 99))
  ])
  const stamp = { mtime: 1000, ctime: 1000, clock: new Map(), explicit: false }
  await source.commit(
    all.map((staged, i) => ({ type: 'file', key: `/${i}`, executable: false, staged, metadata: null, stamp }))
  )
  for (let i = 0; i < 8; i++) {
    const expected = patched(bytes, Buffer.alloc(BLOCK, i + 1), i * BLOCK - (i > 0 ? 9 : 0))
    t.ok((await drive.get(`/${i}`)).equals(expected), String(i))
  }
  t.ok((await drive.get('/beside')).equals(byteRow(4 * BLOCK, 99)))
  for (const draft of drafts) await draft.close()
})

test('random changes of one file agree with a Buffer, for a replicated reader too', async (t) => {
  for (const [seed, origin] of Object.keys(ORIGINS).entries()) {
    const [theirs, ours] = [await store(t), await store(t)]
    const drive = await hyperdrive(t, { store: theirs })
    const source = await sourceOf(t, drive)
    const next = random(seed + 1)
    const upTo = (n: number) => Math.floor(next() * (n + 1))
    let bytes = byteRow(900_000 + upTo(100_000), seed)
    await ORIGINS[origin]!(drive, bytes)
    let problem: string | null = null
    for (let step = 0; step < 5 && problem === null; step++) {
      let changed = 0
      const { appended } = await edit(source, async (draft) => {
        for (let times = upTo(3); times >= 0; times--) {
          if (next() < 0.25) {
            const size = upTo(3) === 0 ? upTo(20) * BLOCK : upTo(1_200_000)
            draft.truncate(size)
            changed += Math.max(0, size - bytes.byteLength)
            bytes = patched(bytes.subarray(0, Math.min(size, bytes.byteLength)), Buffer.alloc(0), size)
          } else {
            const chunk = Buffer.alloc(1 + upTo(next() < 0.6 ? 2000 : 150_000), upTo(255))
            const at = next() < 0.3 ? bytes.byteLength : upTo(1_200_000)
            await draft.write(chunk, at)
            changed += chunk.byteLength + Math.max(0, at - bytes.byteLength)
            bytes = patched(bytes, chunk, at)
          }
        }
      })
      problem = await wrong(source, drive, bytes)
      // What is kept less than two blocks of is written anew; else each change costs the blocks at its two ends, and the map.
      const most = Math.max(3 * BLOCK, changed) + 4 * 2 * 100_000 + 64 * KIB
      if (appended > most) problem ??= `${appended} bytes appended for ${changed}`
      if (problem) t.fail(`seed ${seed} (${origin}), step ${step}: ${problem}`)
    }
    if (problem) continue
    const session = drive.checkout(drive.version)
    await session.ready()
    t.equal(await wrong(await sourceOf(t, session), session, bytes), null, `${origin}, another session`)
    await session.close()
    const copy = await hyperdrive(t, { store: ours, key: drive.key })
    cleanup(t, link(theirs, ours))
    copy.core.download({ start: 0, end: -1 })
    await within(5000, 'metadata', whole(copy, drive))
    t.equal(
      await within(20_000, 'bytes', wrong(await sourceOf(t, copy), copy, bytes)),
      null,
      `${origin}, another store`
    )
  }
})
