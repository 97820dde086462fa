import test from 'tape'
import { inBlocks } from '../../lib/sources/hyperdrive/blocks.ts'
import { BlobRuns } from '../../lib/sources/hyperdrive/runs.ts'
import { HyperdriveSource } from '../../lib/sources/hyperdrive/source.ts'
import { within } from '../availability/links.ts'
import { cleanup, collect, hyperdrive, multidrive } from '../helpers/drives.ts'
import { byteRow } from '../suites/fs-open-file.ts'

const BLOCK = 1 << 16
const MIB = 1 << 20

const ignore = () => undefined
const STAMP = { mtime: 1000, ctime: 1000, clock: new Map(), explicit: false }

async function opened(drive: any): Promise<HyperdriveSource> {
  const source = new HyperdriveSource(drive)
  await source.open({ change: ignore, sync: ignore, close: ignore, format: ignore })
  return source
}

async function name(source: HyperdriveSource, key: string, staged: any): Promise<void> {
  await source.commit([{ type: 'file', key, executable: false, staged, metadata: null, stamp: STAMP }])
}

test('stage(stream) lets others write between any two of its parts', async (t) => {
  const drive = await hyperdrive(t)
  const source = await opened(drive)
  cleanup(t, () => source.close())
  const bytes = byteRow(6 * MIB + 17)
  const parts = async function* () {
    for (let at = 0; at < bytes.byteLength; at += MIB) {
      yield bytes.subarray(at, at + MIB)
      await within(5000, 'put', drive.put(`/beside-${at / MIB}`, byteRow(100_000, at / MIB)))
    }
  }
  await name(source, '/file', await source.stage(parts()))
  t.ok((await drive.entry('/file')).value.blob.blockMap, 'as others came between, it has a map')
  t.ok((await drive.get('/file')).equals(bytes))
  for (let i = 0; i < 7; i++) t.ok((await drive.get(`/beside-${i}`)).equals(byteRow(100_000, i)))
  const candidate = (await (await source.view()).find('/file'))!
  t.equal(candidate.value.blob?.byteLength, bytes.byteLength)
  for (const start of [0, MIB - 1, 3 * MIB + 5, bytes.byteLength - 9]) {
    const part = Buffer.concat(await collect(drive.createReadStream('/file', { start, length: 9 })))
    t.ok(part.equals(bytes.subarray(start, start + 9)), `9 bytes from ${start}`)
  }
})

for (const size of [0, 1, BLOCK, MIB - 1, MIB, MIB + 1, 5 * MIB + 3]) {
  test(`stage(${size} bytes) among nobody else's gives a plain blob`, async (t) => {
    const drive = await hyperdrive(t)
    const source = await opened(drive)
    cleanup(t, () => source.close())
    await drive.put('/before', 'x')
    const bytes = byteRow(size)
    const ways: Record<string, any> = { bytes, stream: [bytes.subarray(0, 1000), bytes.subarray(1000)] }
    for (const [way, data] of Object.entries(ways)) {
      await name(source, `/${way}`, await source.stage(data))
      const { blob } = (await drive.entry(`/${way}`)).value
      t.same([blob.byteLength, blob.blockLength, blob.blockMap], [size, Math.ceil(size / BLOCK), undefined])
      t.ok((await drive.get(`/${way}`)).equals(bytes), way)
    }
  })
}

test('two files of many parts that land at once', async (t) => {
  const drive = await hyperdrive(t)
  const source = await opened(drive)
  cleanup(t, () => source.close())
  const files = Array.from({ length: 3 }, (_, i) => byteRow(5 * MIB + i * 70_001, i))
  const staged = await Promise.all(files.map((bytes) => source.stage(bytes)))
  for (const [i, bytes] of files.entries()) {
    await name(source, `/${i}`, staged[i])
    t.ok((await drive.get(`/${i}`)).equals(bytes), String(i))
  }
})

test('inBlocks(data, shortBlocks) cuts what comes later into longer blocks, which every Hyperdrive reads', async (t) => {
  const drive = await hyperdrive(t)
  const { blobs } = await drive.getBlobs().then(() => drive)
  const bytes = byteRow(4 * MIB + 5 * BLOCK + 7)
  for (const isAlone of [true, false]) {
    const runs = new BlobRuns(blobs)
    const blocks = []
    for await (const block of inBlocks([bytes.subarray(0, 3_000_000), bytes.subarray(3_000_000)], 5)) {
      blocks.push({ index: await runs.put(block), byteLength: block.byteLength })
      if (!isAlone) await drive.put('/beside', 'x')
    }
    t.same(
      blocks.map(({ byteLength }) => byteLength),
      [BLOCK, BLOCK, BLOCK, BLOCK, BLOCK, MIB, MIB, MIB, MIB, 7]
    )
    const { blob } = await runs.end(blocks)
    t.equal(blob.blockMap === true, !isAlone)
    await drive.putEntry('/file', { blob })
    t.ok((await drive.get('/file')).equals(bytes))
    const part = await collect(drive.createReadStream('/file', { start: 2 * MIB, length: MIB }))
    t.ok(Buffer.concat(part).equals(bytes.subarray(2 * MIB, 3 * MIB)))
  }
})

test('a file that lands at close(fd) holds up no other write of its drive', async (t) => {
  const drive = await hyperdrive(t)
  const multi: any = await multidrive(t, [drive])
  const bytes = byteRow(64 * MIB)
  // They take turns: how much lands between two of the others is a matter of the disk, and of what else the machine does.
  let isAhead = false
  for (let turn = 0; turn < 4 && !isAhead; turn++) {
    const fd = await multi.open(`/large-${turn}`, 'w')
    await multi.write(fd, bytes)
    const before = drive.blobs?.core.byteLength ?? 0
    const closing = multi.close(fd)
    for (let i = 0; i < 8; i++) await multi.put(`/small-${turn}-${i}`, 'x')
    const landed = (await drive.getBlobs()).core.byteLength - before
    t.comment(`${landed / MIB} MiB had landed when the others were done`)
    isAhead = landed < 48 * MIB && (await drive.entry(`/large-${turn}`)) === null
    await closing
    t.ok((await multi.get(`/large-${turn}`)).equals(bytes))
    t.equal((await multi.stat(`/large-${turn}`)).size, bytes.byteLength)
  }
  t.ok(isAhead)
  for await (const { value } of drive.list()) t.ok(value.blob)
})
