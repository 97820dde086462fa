import { once } from 'node:events'
import test from 'tape'
import { DemandReader, PendingReads } from '../../lib/sources/hyperdrive/reader.ts'
import { within } from '../availability/links.ts'
import { failureOf, hyperdrive, link, store } from '../helpers/drives.ts'

/** As a tree of Hyperbee that is closed in the middle of a read may do: it never answers. */
const never = () => new Promise<never>(() => undefined)

test('a read on demand ends with its time, its peers and its drive, though the tree never answers', async (t) => {
  const [here, there] = [await store(t), await store(t)]
  const theirs = await hyperdrive(t, { store: there })
  await theirs.put('/x', 'text')
  const drive = await hyperdrive(t, { store: here, key: theirs.key })
  const met = once(drive.core, 'peer-add')
  const unlink = link(here, there)
  await met
  const pending = new PendingReads()
  const reader = new DemandReader(drive, 2, false, pending)
  const late = failureOf(reader.run({ timeout: 50 }, never))
  t.equal((await within(5000, 'a bounded read', late)).code, 'REQUEST_TIMEOUT')

  let isHere = false
  const answer = () => {
    const reads = isHere
    isHere = true
    return reads ? Promise.resolve('here') : never()
  }
  const alone = reader.run({}, answer)
  pending.end('alone')
  t.ok(
    ['here', null].includes(await within(5000, 'a read without peers', alone)),
    'what is here is read again'
  )

  const closed = failureOf(reader.run({}, never))
  pending.end('closed')
  t.equal((await within(5000, 'a read of a closed drive', closed)).code, 'CLOSED')
  await unlink()
})

test('a read on demand of a drive that is truncated meanwhile gives nothing of two histories', async (t) => {
  const drive = await hyperdrive(t)
  for (const path of ['/a', '/b', '/c']) await drive.put(path, 'text')
  const reader = new DemandReader(drive, drive.version, true, new PendingReads())
  t.is(await reader.run({}, () => Promise.resolve('read')), 'read')
  const failed = await failureOf(
    reader.run({}, async () => {
      await drive.core.truncate(2)
      return 'read'
    })
  )
  t.is(failed.code, 'DRIVE_FAILED')
  t.is(failed.drive, drive)
})
