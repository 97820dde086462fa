import { once } from 'node:events'
import { readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import Hyperdrive from 'hyperdrive'
import test from 'tape'
import {
  cleanup,
  failureOf,
  folder,
  hyperdrive,
  localdrive,
  multidrive,
  store
} from '../../helpers/drives.ts'

const MIB = 1 << 20

/** The files of a folder that are there, or that are gone and still open. */
async function filesOf(path: string): Promise<string[]> {
  const open = process.platform === 'linux' ? await readdir('/proc/self/fd') : []
  const targets = await Promise.all(open.map((fd) => readlink(join('/proc/self/fd', fd)).catch(() => '')))
  return [...(await readdir(path)), ...targets.filter((target) => target.startsWith(path))]
}

test('close() of a MultiDrive lets go of descriptors, and what was not closed does not land', async (t) => {
  const corestore = await store(t)
  const multi = await multidrive(t, [new Hyperdrive(corestore.session())])
  await multi.writeFile('/file', 'before')
  const reading = await multi.open('/file', 'r')
  await multi.read(reading, Buffer.alloc(2), 0, 2, null)
  const writing = await multi.open('/file', 'w')
  await multi.write(writing, Buffer.alloc(3 * MIB))
  const handle = await multi.promises.open('/new', 'wx')
  await handle.write('new')
  await multi.close()

  for (const fd of [reading, writing, handle.fd]) {
    t.ok((await failureOf(() => multi.fstat(fd))) instanceof Error)
    t.ok((await failureOf(() => multi.close(fd))) instanceof Error)
  }
  t.ok((await failureOf(() => handle.write('more'))) instanceof Error)
  t.ok((await failureOf(() => multi.open('/file', 'r'))) instanceof Error)

  const again = await multidrive(t, [new Hyperdrive(corestore.session())])
  t.equal(await again.readFile('/file', 'utf8'), 'before')
  t.equal((await failureOf(again.stat('/new'))).code, 'ENOENT')
  const made = await again.open('/new', 'wx')
  t.ok(Number.isInteger(made), 'what was to be made by the one can be made by the other')
  await again.close(made)
})

test('what waits to be landed leaves no file behind', async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  const temporary = await folder(t)
  const { TMPDIR } = process.env
  cleanup(t, () => {
    if (TMPDIR === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = TMPDIR
  })
  process.env['TMPDIR'] = temporary
  const fd = await multi.open('/file', 'w')
  for (let i = 0; i < 8; i++) await multi.write(fd, Buffer.alloc(MIB, i))
  t.notSame(await filesOf(temporary), [], 'so many bytes do not wait in memory')
  await multi.close(fd)
  t.same(await filesOf(temporary), [])
  const lost = await multi.open('/lost', 'w')
  await multi.write(lost, Buffer.alloc(4 * MIB))
  await multi.close()
  t.same(await filesOf(temporary), [])
})

for (const way of ['createReadStream', 'createWriteStream'] as const) {
  test(`${way}, aborted before it opens, leaves nothing open`, async (t) => {
    const multi: any = await multidrive(t, [await hyperdrive(t)])
    await multi.writeFile('/file', 'before')
    const emptied = new Promise((resolve) => {
      cleanup(t, () => watcher.destroy())
      const watcher = multi.watch('/', resolve)
    })
    const stream = multi[way]('/file', { flags: 'w+', signal: AbortSignal.abort() })
    t.equal((await failureOf(once(stream, 'close'))).name, 'AbortError')
    await emptied
    t.equal((await failureOf(multi.fstat(20))).code, 'EBADF')
    t.equal(await multi.readFile('/file', 'utf8'), '', 'as in Node it was opened all the same')
  })
}

for (const [name, writer] of [
  ['a Hyperdrive', hyperdrive],
  ['a Localdrive', localdrive]
] as const) {
  test(`wx is atomic between MultiDrives of the same process that write to ${name}`, async (t) => {
    const drive = await writer(t)
    const multis: any[] = [await multidrive(t, [drive]), await multidrive(t, [drive])]
    const tries = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) => multis[i % 2].open('/lock', 'wx'))
    )
    const won = tries.flatMap(({ status }, i) => (status === 'fulfilled' ? [i] : []))
    t.equal(won.length, 1)
    const [winner, loser] = [multis[won[0]! % 2], multis[(won[0]! + 1) % 2]]
    t.equal((await failureOf(loser.writeFile('/lock', 'x', { flag: 'wx' }))).code, 'EEXIST')
    const fd = (tries[won[0]!] as PromiseFulfilledResult<number>).value
    await winner.write(fd, 'mine')
    await winner.close(fd)
    t.equal((await failureOf(loser.open('/lock', 'wx'))).code, 'EEXIST')
    t.equal(await loser.readFile('/lock', 'utf8'), 'mine')
  })

  test(`an open descriptor never holds up another write to ${name}`, async (t) => {
    const drive = await writer(t)
    const multi = await multidrive(t, [drive])
    await multi.writeFile('/file', 'before')
    const [fd, stream] = [await multi.open('/file', 'r+'), multi.createWriteStream('/stream', { flags: 'w' })]
    await multi.write(fd, 'B')
    await new Promise((resolve) => stream.write('part', resolve))
    await multi.writeFile('/other', 'other')
    await multi.appendFile('/log', 'line')
    await multi.rename('/other', '/renamed')
    await multi.unlink('/log')
    await drive.put('/direct', Buffer.from('direct'))
    t.equal(await multi.readFile('/renamed', 'utf8'), 'other')
    t.equal(String(await drive.get('/file')), 'before', 'a reader of the drive sees none of it')
    await multi.close(fd)
    t.equal(String(await drive.get('/file')), 'Before', 'and then all')
    const closed = once(stream, 'close')
    stream.end()
    await closed
  })
}
