import test from 'tape'
import type { MultiDrive } from '../../../../index.ts'
import { within } from '../../../availability/links.ts'
import { failureOf, hyperdrive, multidrive } from '../../../helpers/drives.ts'
import { byteRow } from '../../../suites/fs-open-file.ts'
import { QUICK, shared, shown, stateOf, WRITERS } from './helpers.ts'

/** All that stands in a MultiDrive, with what there is to know of it. */
async function all(multi: MultiDrive, folder = '/'): Promise<Record<string, unknown>> {
  const names: string[] = await multi.promises.readdir(folder, { recursive: true })
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await shown(multi, `${folder}/${name}`)] as const))
  )
}

/** How often a drive's metadata grows while something is done. */
async function appends(drive: any, work: () => Promise<unknown>): Promise<number> {
  let count = 0
  const listener = () => count++
  drive.core.on('append', listener)
  await work()
  drive.core.off('append', listener)
  return count
}

/** Whether a call found what it is about; what comes too late does not. */
async function unlessGone(call: Promise<unknown>): Promise<boolean> {
  try {
    await call
    return true
  } catch (err) {
    if ((err as { code: string }).code !== 'ENOENT') throw err
    return false
  }
}

async function fill(multi: MultiDrive, folder: string, files: number): Promise<void> {
  const batch = multi.batch()
  for (let i = 0; i < files; i++)
    await batch.put(`${folder}/${i % 20}/file-${i}`, `text ${i}`, { metadata: { i } })
  await batch.flush()
}

test('rename of own files is one append, and none to the blobs', async (t) => {
  const drive = await hyperdrive(t)
  const multi = await multidrive(t, [drive, await hyperdrive(t)])
  const bytes = byteRow(300_000)
  await multi.writeFile('/file', bytes, { mode: 0o600 })
  await multi.setMetadata('/file', 'note', 'kept')
  await multi.utimes('/file', 1, 1_500_000_000)
  await multi.writeFile('/target', 'is replaced')
  await multi.mkdir('/dir')
  for (const [from, to] of [
    ['/file', '/dir/moved'],
    ['/dir/moved', '/target'],
    ['/target', '/back']
  ] as const) {
    const before = await shown(multi, from)
    const { byteLength } = drive.blobs.core
    t.equal(await appends(drive, () => multi.rename(from, to)), 1)
    t.equal(drive.blobs.core.byteLength, byteLength)
    t.same(await shown(multi, to), before, `${to} is what ${from} was`)
    t.equal((await failureOf(multi.stat(from))).code, 'ENOENT')
    t.ok((await drive.get(to)).equals(bytes))
  }
  t.equal(await appends(drive, () => multi.rename('/back', '/back')), 0, 'onto itself: nothing')

  const { byteLength } = drive.blobs.core
  t.equal(await appends(drive, () => multi.copyFile('/back', '/copy')), 1)
  await multi.chmod('/copy', 0o640)
  await multi.cp('/copy', '/copy-2')
  t.equal(drive.blobs.core.byteLength, byteLength, 'a copy takes no more room')
  t.ok((await drive.get('/copy-2')).equals(bytes))
  await multi.appendFile('/copy-2', 'x')
  t.equal((await drive.get('/copy')).byteLength, 300_000, 'and is a file of its own')
})

for (const [kind, writer] of WRITERS) {
  test(`rename of a tree of 500 files (${kind})`, async (t) => {
    const drive = await writer(t)
    const multi = await multidrive(t, [drive, await hyperdrive(t)])
    await fill(multi, '/tree', 500)
    await multi.mkdir('/tree/empty/deep', { recursive: true, mode: 0o700 })
    await multi.promises.symlink('0/file-0', '/tree/link')
    await multi.chmod('/tree/3', 0o711)
    await multi.setMetadata('/tree/3', 'note', 'kept')
    await multi.mkdir('/to/here', { recursive: true })
    const before = await all(multi, '/tree')
    const blobs = drive.blobs?.core.byteLength
    const rename = () => multi.rename('/tree', '/to/here')
    if (kind === 'a Hyperdrive') {
      t.equal(await appends(drive, rename), 1)
      t.equal(drive.blobs.core.byteLength, blobs)
    } else await rename()
    t.same(await all(multi, '/to/here'), before)
    t.same(await multi.promises.readdir('/'), ['to'])
    const listed: string[] = []
    for await (const { key } of drive.list('/', { ignore: ['.multidrive'] })) listed.push(key)
    t.equal(listed.length, 501)
    t.ok(listed.every((key) => key.startsWith('/to/here/')))
  })

  test(`rename of a tree that parts of lie in other drives brings those over once (${kind})`, async (t) => {
    const { multi, own, author, authors, third, synced } = await shared(t, kind)
    await authors.mkdir('/tree/sub', { recursive: true })
    await authors.writeFile('/tree/theirs', byteRow(100_000))
    await authors.writeFile('/tree/sub/both', 'theirs')
    await synced()
    await multi.writeFile('/tree/mine', byteRow(50_000))
    await multi.writeFile('/tree/sub/both', 'mine')
    const before = await all(multi, '/tree')
    const theirs = await stateOf(author)
    const blobs = own.blobs?.core.byteLength
    await multi.rename('/tree', '/moved')
    t.same(await all(multi, '/moved'), before)
    t.equal((await failureOf(multi.stat('/tree'))).code, 'ENOENT')
    if (kind === 'a Hyperdrive') t.equal(own.blobs.core.byteLength - blobs, 100_000, 'only what was not here')
    t.same(await stateOf(author), theirs)
    await authors.writeFile('/tree/theirs', 'again')
    await authors.writeFile('/tree/new', 'new')
    await synced()
    t.same(await multi.promises.readdir('/tree'), ['new', 'theirs'], 'what is written there later is there')
    if (kind === 'a Hyperdrive') t.same(await all(await third()), await all(multi))
  })

  test(`what is written into a tree while it is renamed is not lost (${kind})`, async (t) => {
    const drive = await writer(t)
    const [multi, another] = [await multidrive(t, [drive]), await multidrive(t, [drive])]
    let landed = 0
    for (let round = 0; round < 4 || (landed === 0 && round < 40); round++) {
      const [from, to] = [`/from-${round}`, `/to-${round}`]
      await fill(multi, from, 60)
      const done: string[] = []
      const renaming = multi.rename(from, to)
      const write = async (path: string, call: () => Promise<unknown>) => {
        if (await unlessGone(call())) done.push(path)
      }
      await Promise.all([
        renaming,
        write('/new', () => another.writeFile(`${from}/new`, 'new')),
        write('/3/file-3', () => another.appendFile(`${from}/3/file-3`, ' and more')),
        write('/4/file-4', () => another.chmod(`${from}/4/file-4`, 0o600)),
        write('/5', () => another.setMetadata(`${from}/5`, 'note', 'x'))
      ])
      landed += done.length
      const found: any = { ...(await all(multi, to)), ...(await all(multi, from).catch(() => ({}))) }
      if (done.includes('/new')) t.equal(found['new']?.text, 'new', `round ${round}: a new file`)
      if (done.includes('/3/file-3')) t.equal(found['3/file-3'].text, 'text 3 and more', 'what was appended')
      if (done.includes('/4/file-4')) t.equal(found['4/file-4'].mode, 0o600, 'bits of a file')
      if (done.includes('/5')) t.same(found['5'].metadata, { note: 'x' }, 'metadata of a folder')
      t.ok(Object.keys(found).length >= 80)
    }
    t.ok(landed > 0, `${landed} came in time`)
  })

  test(`bits of a folder that come while its tree is renamed are not lost (${kind})`, async (t) => {
    const multi = await multidrive(t, [await writer(t)])
    const lost: number[] = []
    let landed = 0
    for (let round = 0; round < 8 || (landed === 0 && round < 100); round++) {
      const [from, to] = [`/from-${round}`, `/to-${round}`]
      await multi.mkdir(`${from}/sub`, { recursive: true, mode: 0o755 })
      for (let i = 0; i < 5; i++) await multi.writeFile(`${from}/${i}`, 'x')
      const renaming = multi.rename(from, to)
      const changed = await unlessGone(multi.chmod(`${from}/sub`, 0o700))
      await renaming
      if (changed) landed++
      if (changed && ((await multi.stat(`${to}/sub`)).mode & 0o777) !== 0o700) lost.push(round)
    }
    t.same(lost, [])
    t.ok(landed > 0, `${landed} came in time`)
  })

  test(`rename of a tree that is written to all the time comes to an end (${kind})`, async (t) => {
    const drive = await writer(t)
    const [multi, another] = [await multidrive(t, [drive]), await multidrive(t, [drive])]
    await fill(multi, '/from', 400)
    let writes = 0
    const over = new AbortController()
    const writing = (async () => {
      while (!over.signal.aborted) await another.put('/from/0/file-0', `write ${++writes}`)
    })()
    const took = await within(QUICK, 'rename', multi.rename('/from', '/to')).then(() => null, String)
    over.abort()
    await writing
    t.equal(took, null, `${writes} writes`)
  })
}
