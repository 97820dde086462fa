/**
 * Makes the golden vectors of a format version: drives as this release stores them, and what they must read as ever after. Run once
 * for a vector, when it is released (`tsx test/format/make-golden.ts golden-1-mounts`); what it made is never changed again.
 */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import Localdrive from 'localdrive'
import MultiDrive from '../../index.ts'
import { sourceOf } from '../../lib/sources/index.ts'
import { link } from '../helpers/drives.ts'
import { describe, describeNames, openFrom } from './golden.ts'

/** What is written for each vector. */
const VECTORS = {
  'golden-1': filesAndDeletions,
  'golden-1-mounts': mountsAndTags
}

const [name] = process.argv.slice(2)
const vector = Object.entries(VECTORS).find(([known]) => known === name)?.[1]
if (!vector) throw new Error(`which of ${Object.keys(VECTORS).join(', ')}?`)

const target = join(dirname(fileURLToPath(import.meta.url)), name!)
const work = await mkdtemp(join(tmpdir(), 'multidrive-golden-'))

// Fixed keys and a fixed clock: made twice, the vectors are the same.
const stores = ['a', 'b'].map((name, i) => {
  return new Corestore(join(work, name), { primaryKey: Buffer.alloc(32, i + 1), unsafe: true })
})
let now = Date.UTC(2026, 0, 1)
Date.now = () => (now += 1000)

const [storeA, storeB] = stores
const opts = openFrom(storeA)
const ann = new Hyperdrive(storeA.session())
const bob = new Hyperdrive(storeB.session())
await Promise.all([ann.ready(), bob.ready()])
const annOfBob = new Hyperdrive(storeA.session(), bob.key)
const bobOfAnn = new Hyperdrive(storeB.session(), ann.key)
await mkdir(join(work, 'folder'))
const local = new Localdrive(join(work, 'folder'))

const forAnn = new MultiDrive(ann, opts)
const forBob = new MultiDrive(bob)
await forAnn.addDrive(annOfBob)
await forBob.addDrive(bobOfAnn)

const expected = await vector()
await Promise.all(stores.map((store) => store.close()))
await rm(target, { recursive: true, force: true })
await mkdir(target, { recursive: true })
// What the database notes for itself is of no use elsewhere.
const isNote = (path: string) => /\/(LOG|LOCK|SESSION_ID|CORESTORE)$/.test(path)
await cp(join(work, 'a'), join(target, 'store'), { recursive: true, filter: (path) => !isNote(path) })
await cp(join(work, 'folder'), join(target, 'folder'), { recursive: true, preserveTimestamps: true })
await writeFile(join(target, 'expected.json'), JSON.stringify(expected, null, 2) + '\n')
await rm(work, { recursive: true })

async function filesAndDeletions(): Promise<unknown> {
  // A plain writer, and a MultiDrive of one's own alone.
  await ann.put('/plain.txt', 'without any stamp')
  await ann.put('/dated.txt', 'with a date', { metadata: { mtime: 1_700_000_000_000 } })
  await forAnn.put('/both.txt', 'from ann')
  await forAnn.put('/docs/one.md', '# one', { metadata: { title: 'one' } })
  await forAnn.put('/docs/two.md', '# two', { metadata: { mtime: 1_600_000_000_000, title: 'two' } })
  await forAnn.put('/docs/deep/three.md', '# three', { metadata: 'a string' })
  await forAnn.put('/run.sh', '#!/bin/sh\n', { executable: true, metadata: {} })
  await forAnn.symlink('/latest', '/docs/two.md')
  await forAnn.put('/größe 大.txt', 'unicode')
  await exchange()

  await forBob.put('/both.txt', 'from bob, who had seen it')
  await forBob.del('/dated.txt')
  await forBob.del('/docs', { recursive: true })
  await forBob.put('/docs/four.md', '# four', { metadata: { multidrive: 'the name is taken' } })
  await forAnn.put('/docs/one.md', '# one, written at the same time', { metadata: { title: 'one' } })
  await directory(bob, '/empty')
  await exchange()
  await forAnn.put('/both.txt', 'from ann again')
  await exchange()

  // A folder as the writer over both.
  const forFolder = new MultiDrive(local)
  await forFolder.addDrive(ann)
  await forFolder.addDrive(annOfBob)
  await forFolder.put('/both.txt', 'from the folder', { metadata: { kept: 'beside' } })
  await forFolder.put('/local.txt', 'only here')
  await forFolder.del('/plain.txt')
  await forFolder.del('/docs', { recursive: true })
  await forFolder.update({ wait: true })
  return describe({ ann, bob: annOfBob, local })
}

async function mountsAndTags(): Promise<unknown> {
  // Who asks for the time does not move it: the libraries below ask as often as they please.
  now = Date.UTC(2026, 1, 1)
  const tick = () => (now += 1000)
  Date.now = () => now
  const cat = new Hyperdrive(storeA.namespace('cat'))
  await cat.put('/one.txt', 'one')
  await cat.put('/deep/two.txt', 'two')
  const { version } = cat
  const hash = await cat.core.treeHash(version)
  await cat.put('/one.txt', 'one, edited')

  tick()
  await forAnn.put('/now/hidden.txt', 'below what is mounted')
  await forAnn.put('/file.txt', 'from ann')
  await forAnn.createTag('first')
  tick()
  await forAnn.mount('/now', cat.key)
  await forAnn.mount('/in/then', cat.key, { version })
  await forAnn.mount('/checked', cat.key, { version, hash })
  await forAnn.mount('/wrong', cat.key, { version, hash: Buffer.alloc(32) })
  await forAnn.mount('/gone', cat.key)
  await forAnn.mount('/größe 大', bob.key)
  await forAnn.createTag('größe 大/../.')
  await forAnn.createTag('theirs', forAnn.version)
  await exchange()

  tick()
  await forBob.unmount('/gone')
  await forBob.deleteTag('theirs')
  await forBob.createTag('none', '')
  await forBob.put('/bob.txt', 'from bob')
  await exchange()
  tick()
  await forAnn.createTag('first', forAnn.version)

  tick()
  const forFolder = new MultiDrive(local, opts)
  await forFolder.addDrive(ann)
  await forFolder.addDrive(annOfBob)
  await forFolder.mount('/folder/now', cat.key)
  await forFolder.mount('/folder/then', cat.key, { version, hash })
  await forFolder.unmount('/in/then')
  await forFolder.createTag('in the folder')
  await forFolder.deleteTag('none')
  const drives = { ann, bob: annOfBob, local }
  return { ...(await describe(drives, opts)), names: await describeNames(drives, opts) }
}

async function exchange(): Promise<void> {
  const unlink = link(storeA, storeB)
  await Promise.all([forAnn.update({ wait: true }), forBob.update({ wait: true })])
  // The bytes too: the stored drives are read without any peer.
  for (const drive of [annOfBob, bobOfAnn]) if (drive.core.length > 0) await drive.download('/').done()
  await unlink()
}

async function directory(drive: any, path: string): Promise<void> {
  const source = sourceOf(drive)
  const ignore = () => undefined
  await source.open({ change: ignore, sync: ignore, close: ignore, format: ignore })
  const record = {
    path,
    mtime: Date.now(),
    ctime: Date.now(),
    clock: new Map(),
    mode: 0o755,
    metadata: { note: 'kept' }
  }
  await source.writer()!.commit([{ type: 'make-directory', record }])
  await source.close()
}
