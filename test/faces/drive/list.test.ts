import test from 'tape'
import MultiDrive from '../../../index.ts'
import { cleanup, hyperdrive } from '../../helpers/drives.ts'

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
    const count = nodesRead(drive.db)
    const iterator = read()[Symbol.asyncIterator]()
    await iterator.next()
    await iterator.return?.()
    const nodes = count()
    t.ok(nodes > 0 && nodes < FILES / 2, `${name} read ${nodes} of ${FILES}`)
  }
})

/** Counts what range iterators of a tree give, until it is asked how many that were. */
function nodesRead(db: any): () => number {
  const create = db.createRangeIterator
  let count = 0
  db.createRangeIterator = function (...args: unknown[]) {
    const iterator = create.apply(this, args)
    const next = iterator.next.bind(iterator)
    iterator.next = async () => {
      const node = await next()
      if (node !== null) count++
      return node
    }
    return iterator
  }
  return () => {
    delete db.createRangeIterator
    return count
  }
}
