/**
 * Makes the golden vectors of a format version: drives as this release stores them, and what they must read as ever after. Run once
 * for a version, when it is released (`tsx test/format/make-golden.ts`); what it made is never changed again.
 */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import Localdrive from 'localdrive'
import MultiDrive from '../../index.ts'
import { FORMAT_VERSION } from '../../lib/format/stamp.ts'
import { sourceOf } from '../../lib/sources/index.ts'
import { link } from '../helpers/drives.ts'
import { describe } from './golden.ts'

const target = join(dirname(fileURLToPath(import.meta.url)), `golden-${FORMAT_VERSION}`)
const work = await mkdtemp(join(tmpdir(), 'multidrive-golden-'))

// Fixed keys and a fixed clock: made twice, the vectors are the same.
const stores = ['a', 'b'].map((name, i) => {
  return new Corestore(join(work, name), { primaryKey: Buffer.alloc(32, i + 1), unsafe: true })
})
let now = Date.UTC(2026, 0, 1)
Date.now = () => (now += 1000)

const [storeA, storeB] = stores
const ann = new Hyperdrive(storeA.session())
const bob = new Hyperdrive(storeB.session())
await Promise.all([ann.ready(), bob.ready()])
const annOfBob = new Hyperdrive(storeA.session(), bob.key)
const bobOfAnn = new Hyperdrive(storeB.session(), ann.key)
await mkdir(join(work, 'folder'))
const local = new Localdrive(join(work, 'folder'))

const forAnn = new MultiDrive(ann)
const forBob = new MultiDrive(bob)
await forAnn.addDrive(annOfBob)
await forBob.addDrive(bobOfAnn)

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

const expected = await describe({ ann, bob: annOfBob, local })
await Promise.all(stores.map((store) => store.close()))
await rm(target, { recursive: true, force: true })
await mkdir(target, { recursive: true })
// What the database notes for itself is of no use elsewhere.
const isNote = (path: string) => /\/(LOG|LOCK|SESSION_ID|CORESTORE)$/.test(path)
await cp(join(work, 'a'), join(target, 'store'), { recursive: true, filter: (path) => !isNote(path) })
await cp(join(work, 'folder'), join(target, 'folder'), { recursive: true, preserveTimestamps: true })
await writeFile(join(target, 'expected.json'), JSON.stringify(expected, null, 2) + '\n')
await rm(work, { recursive: true })

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
