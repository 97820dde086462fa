import { once } from 'node:events'
import MirrorDrive from 'mirror-drive'
import ServeDrive from 'serve-drive'
import test, { type Test } from 'tape'
import { random, whole, within } from '../../../availability/links.ts'
import { cleanup, hyperdrive, link, localdrive, multidrive, store } from '../../../helpers/drives.ts'
import { byteRow } from '../../../suites/fs-open-file.ts'
import { BLOCK, KIB, MIB, QUICK } from './helpers.ts'
import { grown, largeFileTest, part, patch } from './partial.ts'

largeFileTest('put of a Hyperdrive', (drive) => drive.put('/file', Buffer.alloc(256 * MIB, 7)))

test('4 KiB in the middle of 256 MiB of zeros take less than 1 MiB', async (t) => {
  const drive = await hyperdrive(t)
  const multi = await multidrive(t, [drive])
  await multi.writeFile('/file', '')
  t.ok((await grown(drive, () => multi.truncate('/file', 256 * MIB))) < 2 * MIB)
  const bytes = await grown(drive, () => patch(multi, '/file', Buffer.alloc(4096, 1), 128 * MIB + 1000))
  t.ok(bytes < MIB, `${bytes} bytes`)
  t.equal((await part(drive, '/file', 128 * MIB, 6000)).indexOf(1), 1000)
})

test('a log that grows line by line takes a bounded room for each line', async (t) => {
  const drive = await hyperdrive(t)
  const multi = await multidrive(t, [drive])
  await multi.writeFile('/log', byteRow(20 * BLOCK))
  let most = 0
  const lines = Array.from({ length: 100 }, (_, i) => `${i} ${'x'.repeat(2000)}\n`)
  for (const line of lines) most = Math.max(most, await grown(drive, () => multi.appendFile('/log', line)))
  t.ok(most < 128 * KIB, `${most} bytes at most`)
  const expected = Buffer.concat([byteRow(20 * BLOCK), Buffer.from(lines.join(''))])
  t.ok((await drive.get('/log')).equals(expected))
  const { blocks } = await drive.blobs.getBlockMap((await drive.entry('/log')).value.blob)
  t.ok(blocks.length <= 24, `${blocks.length} blocks: the short ones have become whole ones`)
})

test('edited files are right for whoever reads, mirrors or serves them', async (t) => {
  const [ours, theirs] = [await store(t), await store(t)]
  const drive = await hyperdrive(t, { store: ours })
  const multi: any = await multidrive(t, [drive])
  const files: Record<string, Buffer> = {}
  const next = random(3)
  for (let i = 0; i < 4; i++) {
    const path = `/file-${i}`
    const bytes = byteRow(600_000 + i * 1000, i)
    await multi.writeFile(path, bytes)
    for (let edit = 0; edit < 5; edit++) {
      const chunk = Buffer.alloc(1 + Math.floor(next() * 80_000), edit + 1)
      const at = Math.floor(next() * (bytes.byteLength - chunk.byteLength))
      chunk.copy(bytes, at)
      await patch(multi, path, chunk, at)
    }
    files[path] = bytes
  }
  t.ok((await drive.entry('/file-0')).value.blob.blockMap, 'they are edited in place')
  for (const [path, bytes] of Object.entries(files)) {
    const { blob } = (await multi.entry(path)).value
    t.same([blob.byteLength, blob.blockMap], [bytes.byteLength, undefined], 'the size is that of the file')
  }

  const copy = await hyperdrive(t, { store: theirs, key: drive.key })
  const far = await multidrive(t, [await hyperdrive(t, { store: theirs }), copy])
  cleanup(t, link(ours, theirs))
  await within(QUICK, 'metadata', whole(copy, drive))
  const checkout = drive.checkout(drive.version)
  cleanup(t, () => checkout.close())
  for (const [who, view] of Object.entries<any>({
    drive,
    copy,
    multi,
    far,
    checkout
  }))
    for (const [path, bytes] of Object.entries(files)) {
      t.ok((await within<any>(QUICK, 'get', view.get(path))).equals(bytes), `${who} ${path}`)
      t.ok((await part(view, path, 65_000, 70_000)).equals(bytes.subarray(65_000, 135_000)))
    }

  for (const target of [await localdrive(t), await hyperdrive(t)]) {
    const mirror = new MirrorDrive(far, target)
    await mirror.done()
    t.equal(mirror.count.add, 4)
    for (const [path, bytes] of Object.entries(files))
      t.ok((await target.get(path)).equals(bytes), `mirrored ${path}`)
    const again = new MirrorDrive(far, target)
    await again.done()
    t.same([again.count.add, again.count.change, again.count.remove], [0, 0, 0], 'and once is enough')
  }
  await served(t, far, files)
})

async function served(t: Test, drive: any, files: Record<string, Buffer>): Promise<void> {
  const server = new ServeDrive({
    port: 0,
    host: '127.0.0.1',
    get: () => drive,
    release: () => undefined
  })
  await server.ready()
  cleanup(t, () => server.close())
  for (const [path, bytes] of Object.entries(files)) {
    const url = server.getLink(path)
    const response = await fetch(url)
    t.equal(response.headers.get('content-length'), String(bytes.byteLength))
    t.ok(Buffer.from(await response.arrayBuffer()).equals(bytes), `served ${path}`)
    const ranged = await fetch(url, { headers: { range: 'bytes=100000-200000' } })
    t.ok(Buffer.from(await ranged.arrayBuffer()).equals(bytes.subarray(100_000, 200_001)), 'a range')
  }
}

test('a stream with the flags r+ changes a part, and a new version of a plain Hyperdrive is edited in turn', async (t) => {
  const drive = await hyperdrive(t)
  const multi: any = await multidrive(t, [drive])
  let bytes = byteRow(10 * BLOCK)
  for (let round = 0; round < 3; round++) {
    // Somebody who knows nothing of maps writes the file anew.
    await drive.put('/file', bytes, { metadata: { round } })
    const added = await grown(drive, async () => {
      const stream = multi.createWriteStream('/file', { flags: 'r+', start: 100_000 })
      const closed = once(stream, 'close')
      stream.end(Buffer.alloc(1000, round + 1))
      await closed
    })
    t.ok(added < 3 * BLOCK, `${added} bytes`)
    bytes = Buffer.from(bytes)
    bytes.fill(round + 1, 100_000, 101_000)
    t.ok((await drive.get('/file')).equals(bytes))
    t.same((await multi.entry('/file')).value.metadata, { round })
  }
})

test('an edited file keeps its bytes and its size wherever it goes', async (t) => {
  const drive = await hyperdrive(t)
  const multi = await multidrive(t, [drive])
  const bytes = byteRow(10 * BLOCK)
  await multi.writeFile('/file', bytes)
  await patch(multi, '/file', Buffer.from('edited'), 3 * BLOCK + 5)
  bytes.write('edited', 3 * BLOCK + 5)
  const before = drive.blobs.core.byteLength
  await multi.chmod('/file', 0o600)
  await multi.utimes('/file', 1, 1)
  await multi.setMetadata('/file', 'note', 'x')
  await multi.copyFile('/file', '/copy')
  await multi.rename('/file', '/moved')
  t.equal(drive.blobs.core.byteLength, before, 'without being written again')
  for (const path of ['/copy', '/moved']) {
    t.equal((await multi.stat(path)).size, bytes.byteLength)
    t.ok((await drive.get(path)).equals(bytes))
    await patch(multi, path, Buffer.from('again'), 7 * BLOCK)
    t.equal((await multi.stat(path)).size, bytes.byteLength)
    t.equal(String(await part(drive, path, 3 * BLOCK + 5, 6)), 'edited')
  }
  await drive.put('/moved', 'anew')
  t.equal((await multi.stat('/moved')).size, 4)
})
