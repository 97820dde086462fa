import { once } from 'node:events'
import type Hyperdrive from 'hyperdrive'
import test, { type Test } from 'tape'
import { createStore } from '../../lib/share/drives.ts'
import { createSwarm, Peers, type PeersOptions } from '../../lib/share/peers.ts'
import type Corestore from 'corestore'
import { isFaster, took } from '../helpers/clock.ts'
import { cleanup, failureOf, folder, hyperdrive, store } from '../helpers/drives.ts'
import { network, provide } from '../helpers/network.ts'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const limit = { timeout: 60_000 }

function peersOf(t: Test, corestore: Corestore, opts: PeersOptions): Peers {
  const peers = new Peers(corestore, opts)
  cleanup(t, () => peers.close())
  return peers
}

/** A drive that others find. */
async function announced(t: Test, opts: PeersOptions): Promise<Hyperdrive> {
  const drive = await hyperdrive(t)
  await peersOf(t, drive.corestore, opts).announce(drive.discoveryKey)
  return drive
}

test('peers.openDrive(key) gives a drive that knows what the peer knows', limit, async (t) => {
  const bootstrap = await network(t)
  const theirs = await hyperdrive(t)
  await theirs.put('/file', 'text')
  await peersOf(t, theirs.corestore, { bootstrap }).announce(theirs.discoveryKey)
  const drive = await peersOf(t, await store(t), { bootstrap }).openDrive(theirs.key)
  t.is(drive.version, theirs.version)
  t.is(String(await drive.get('/file')), 'text')
})

test('peers.openDrive(key) of a drive that is empty', limit, async (t) => {
  const bootstrap = await network(t)
  const theirs = await announced(t, { bootstrap })
  const drive = await peersOf(t, await store(t), { bootstrap }).openDrive(theirs.key)
  t.is(await drive.entry('/file'), null)
})

test('peers.openDrive(key, { timeout }) of a key that nobody has: CONNECTION_FAILED', limit, async (t) => {
  const bootstrap = await network(t)
  const peers = peersOf(t, await store(t), { bootstrap })
  const turn = async () => {
    const started = performance.now()
    const err = await failureOf(peers.openDrive(Buffer.alloc(32, 1), { timeout: 300 }))
    t.is(err.code, 'CONNECTION_FAILED')
    t.match(err.message, /"hd:\/\/\w{52}" \(nobody who has it was found within 300 ms\)/)
    return performance.now() - started
  }
  t.ok(await isFaster(10_000, turn))
})

test('peers.openDrive(key) of a drive that comes later', limit, async (t) => {
  const bootstrap = await network(t)
  const theirs = await hyperdrive(t)
  await theirs.put('/file', 'text')
  const opening = peersOf(t, await store(t), { bootstrap }).openDrive(theirs.key)
  // It has looked and found nobody by then.
  await peersOf(t, theirs.corestore, { bootstrap }).announce(theirs.discoveryKey)
  t.is((await opening).version, theirs.version)
})

test('peers.openDrive(key, { version })', limit, async (t) => {
  const bootstrap = await network(t)
  const theirs = await announced(t, { bootstrap })
  await theirs.put('/file', 'text')
  const peers = peersOf(t, await store(t), { bootstrap })
  await peers.openDrive(theirs.key, { version: 2 })
  const err = await failureOf(peers.openDrive(theirs.key, { timeout: 500, version: 3 }))
  t.is(err.code, 'CONNECTION_FAILED')
  t.match(err.message, /nobody has told of version 3 within 500 ms; it is known up to 2/)
  const opening = peers.openDrive(theirs.key, { version: 3 })
  await theirs.put('/file', 'more')
  t.is((await opening).version, 3, 'it is waited for')
})

test('peers.openDrive(key) of a drive that is known from before needs no peer', limit, async (t) => {
  const bootstrap = await network(t)
  const corestore = await store(t)
  const theirs = await hyperdrive(t)
  await theirs.put('/file', 'text')
  const gone = new Peers(theirs.corestore, { bootstrap })
  await gone.announce(theirs.discoveryKey)
  const before = new Peers(corestore, { bootstrap })
  const first = await before.openDrive(theirs.key)
  t.is(String(await first.get('/file')), 'text')
  await gone.close()
  await before.close()
  await first.close()
  const drive = await peersOf(t, corestore, { bootstrap }).openDrive(theirs.key, { timeout: 300 })
  t.is(String(await drive.get('/file')), 'text')
})

test('peers.openDrive(key) of a drive that is open in the store', limit, async (t) => {
  const bootstrap = await network(t)
  const own = await hyperdrive(t)
  await own.put('/file', 'text')
  const drive = await peersOf(t, own.corestore, { bootstrap }).openDrive(own.key, { timeout: 300 })
  t.is(String(await drive.get('/file')), 'text')
  await drive.close()
  await own.put('/file', 'more')
  t.is(String(await own.get('/file')), 'more', 'which stays open')
})

test('peers.close() ends what waits', limit, async (t) => {
  const bootstrap = await network(t)
  const peers = new Peers(await store(t), { bootstrap })
  const opening = failureOf(peers.openDrive(Buffer.alloc(32, 1), { timeout: 0 }))
  await peers.close()
  t.is((await opening).code, 'CONNECTION_FAILED')
})

test('a swarm that is given is used, and left open', limit, async (t) => {
  const bootstrap = await network(t)
  const theirs = await announced(t, { bootstrap })
  await theirs.put('/file', 'text')
  const [{ default: Hyperswarm }, { default: HyperDHT }] = await Promise.all([
    import('hyperswarm'),
    import('hyperdht')
  ])
  const swarm = new Hyperswarm({ dht: new HyperDHT({ bootstrap, host: '127.0.0.1' }) })
  cleanup(t, () => swarm.destroy())
  const corestore = await store(t)
  for (const round of [1, 2]) {
    const peers = new Peers(corestore, { swarm })
    const drive = await peers.openDrive(theirs.key)
    t.is(String(await drive.get('/file')), 'text', `round ${round}`)
    await drive.close()
    await peers.close()
  }
  t.is(swarm.listenerCount('connection'), 0)
  t.is(swarm.connections.size, 1)
})

test('a provider that goes and comes back is found again', limit, async (t) => {
  const bootstrap = await network(t)
  const [root, storage] = [await folder(t), await folder(t)]
  await writeFile(join(root, 'file'), 'text')
  const opts = { bootstrap, storage }
  const first = await provide(t, root, opts)
  const drive = await peersOf(t, await store(t), { bootstrap }).openDrive(first.key)
  const gone = once(drive.core, 'peer-remove')
  await first.close()
  await gone
  const back = once(drive.core, 'peer-add')
  await provide(t, root, opts)
  await back
  t.is(String(await drive.get('/file')), 'text')
})

test('many drives in one swarm are no leak', { timeout: 60_000 }, async (t) => {
  const swarm = createSwarm(await network(t))
  cleanup(t, () => swarm.destroy())
  const corestore = createStore(await folder(t))
  cleanup(t, () => corestore.close())
  const warnings: string[] = []
  const listen = ({ message }: Error) => warnings.push(message)
  process.on('warning', listen)
  cleanup(t, () => process.off('warning', listen))
  const all = Array.from({ length: 12 }, () => new Peers(corestore, { swarm }))
  await Promise.all(
    all.map((peers, i) => failureOf(peers.openDrive(Buffer.alloc(32, i + 1), { timeout: 200 })))
  )
  await new Promise((resolve) => setImmediate(resolve))
  t.same(warnings, [])
  for (const peers of all) await peers.close()
})

test('peers.close() does not wait for a network that does not answer', limit, async (t) => {
  const drive = await hyperdrive(t)
  const turn = async () => {
    // Nobody listens at this address.
    const peers = peersOf(t, drive.corestore, { bootstrap: ['127.0.0.1:9'] })
    const announcing = peers.announce(drive.discoveryKey).catch(() => undefined)
    const time = await took(peers.close())
    await announcing
    return time
  }
  t.ok(await isFaster(4500, turn))
})
