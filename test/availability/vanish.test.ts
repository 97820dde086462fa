/** The owner of the winning drive goes away and comes back, over streams and over a swarm of a loopback DHT. */
import createTestnet from '@hyperswarm/testnet'
import type Corestore from 'corestore'
import HyperDHT from 'hyperdht'
import type Hyperdrive from 'hyperdrive'
import Hyperswarm from 'hyperswarm'
import test, { type Test } from 'tape'
import { isFaster } from '../helpers/clock.ts'
import { cleanup, collect, failureOf, hyperdrive, keys, link, multidrive, store } from '../helpers/drives.ts'
import { alone, together, whole, within } from './links.ts'

const QUICK = 5000
const LONG = 20_000
const TIMEOUT = 400
const BIG = Buffer.alloc(300_000, 5)

interface Owner {
  author: Hyperdrive
  vanish: () => Promise<void>
  comeBack: () => Promise<void>
}

/** What one sees of a file whose newest version lies in a drive of someone else, an older one in another's. */
async function vanishing(
  t: Test,
  own: any,
  copy: Hyperdrive,
  older: any,
  { author, vanish, comeBack }: Owner
) {
  const multi = await multidrive(t, [own, older, copy])
  const download = multi.download('/docs')
  await within(LONG, 'download', download.done())
  await vanish()
  await alone(copy)

  t.same(await within(QUICK, 'list', keys(multi)), ['/docs/a', '/plan'], 'listings still answer')
  t.same(await within(QUICK, 'readdir', collect(multi.readdir('/'))), ['docs', 'plan'])
  const entry = (await within(QUICK, 'entry', multi.entry('/plan')))!
  t.same([entry.drive === copy, entry.mtime, entry.value.blob!.byteLength], [true, 2000, BIG.length])
  t.equal((await within(QUICK, 'stat', multi.promises.stat('/plan'))).size, BIG.length)
  t.equal(String(await within(QUICK, 'get', multi.get('/docs/a'))), 'a', 'what was downloaded is here')
  t.equal(await within(QUICK, 'has', multi.has('/plan')), false)

  const turn = async () => {
    const started = performance.now()
    const err = await within(QUICK, 'get', failureOf(multi.get('/plan', { timeout: TIMEOUT })))
    t.same([err.code, err.path, err.drive === copy], ['REQUEST_TIMEOUT', '/plan', true])
    t.ok(err.message.includes('/plan') && err.message.includes(copy.id), err.message)
    return performance.now() - started
  }
  t.ok(await isFaster(TIMEOUT + 5000, turn), 'within its time')
  const stale = (await within(QUICK, 'get', multi.get('/plan', { timeout: TIMEOUT, fallback: true })))!
  t.same([String(stale), stale.stale], ['the older plan', true])

  const waiting = multi.download('/plan')
  const reading = multi.get('/plan')
  await comeBack()
  await together(copy)
  await within(LONG, 'download', waiting.done())
  t.ok((await within(LONG, 'get', reading))!.equals(BIG), 'all goes on when it is back')
  const newest = (await multi.get('/plan', { timeout: TIMEOUT, fallback: true }))!
  t.same([newest.equals(BIG), newest.stale], [true, undefined])
  const synced = new Promise((resolve) => multi.once('drive-sync', resolve))
  await author.put('/docs/b', 'b')
  await within(LONG, 'the next version', synced)
  t.equal(String(await within(LONG, 'get', multi.get('/docs/b'))), 'b')
}

async function drives(t: Test) {
  const [theirs, ours] = [await store(t), await store(t)]
  const author = await hyperdrive(t, { store: theirs })
  await author.put('/plan', BIG, { metadata: { mtime: 2000 } })
  await author.put('/docs/a', 'a')
  const copy = await hyperdrive(t, { store: ours, key: author.key })
  copy.core.download({ start: 0, end: -1 })
  const older = await hyperdrive(t)
  await older.put('/plan', 'the older plan', { metadata: { mtime: 1000 } })
  return { theirs, ours, author, copy, older, own: await hyperdrive(t, { store: ours.namespace('own') }) }
}

test('a peer vanishes and comes back: two corestores over a stream', async (t) => {
  const { theirs, ours, author, copy, older, own } = await drives(t)
  let unlink = link(theirs, ours)
  await within(LONG, 'metadata', whole(copy, author))
  await vanishing(t, own, copy, older, {
    author,
    vanish: () => unlink(),
    comeBack: () => Promise.resolve(void (unlink = link(theirs, ours)))
  })
  await unlink()
})

test('a peer vanishes and comes back: over a swarm', async (t) => {
  const { theirs, ours, author, copy, older, own } = await drives(t)
  const testnet = await createTestnet(3)
  cleanup(t, () => testnet.destroy())
  const join = async (corestore: Corestore, server: boolean) => {
    const dht = new HyperDHT({ bootstrap: testnet.bootstrap, host: '127.0.0.1', firewalled: false })
    const swarm = new Hyperswarm({ dht })
    swarm.on('connection', (connection) => {
      connection.on('error', () => undefined)
      corestore.replicate(connection)
    })
    await swarm.join(author.discoveryKey, { server, client: !server }).flushed()
    return swarm
  }
  let server = await join(theirs, true)
  const client = await join(ours, false)
  cleanup(t, async () => {
    await client.destroy()
    await server.destroy()
  })
  await within(LONG, 'metadata', whole(copy, author))
  await vanishing(t, own, copy, older, {
    author,
    vanish: () => server.destroy(),
    comeBack: async () => {
      server = await join(theirs, true)
      // The other side would look again by itself, only later.
      await client
        .join(author.discoveryKey, { server: false, client: true })
        .refresh({ client: true, server: false })
    }
  })
})
