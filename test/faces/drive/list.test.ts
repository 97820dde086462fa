import test from 'tape'
import MultiDrive from '../../../index.ts'
import { cleanup, hyperdrive } from '../../helpers/drives.ts'
import { entriesRead } from '../../helpers/reads.ts'

const limit = { timeout: 60_000 }
const FILES = 2000

test('list(), readdir(), entries() and iteration read little more than is taken', limit, async (t) => {
  const drive = await hyperdrive(t)
  const batch = drive.batch()
  for (let i = 0; i < FILES; i++) await batch.symlink(`/file-${i}`, '/target')
  await batch.flush()
  const multi = new MultiDrive(drive)
  cleanup(t, () => multi.close())
  await multi.ready()
  const reads: [string, () => AsyncIterable<unknown>][] = [
    ['list()', () => multi.list('/')],
    ['readdir()', () => multi.readdir('/')],
    ['entries()', () => multi.entries()],
    ['iteration', () => multi]
  ]
  for (const [name, read] of reads) {
    const entries = await entriesRead(async () => {
      const iterator = read()[Symbol.asyncIterator]()
      await iterator.next()
      await iterator.return?.()
    })
    t.ok(entries > 0 && entries < FILES / 2, `${name} read ${entries} of ${FILES}`)
  }
})
