// A process with a Corestore, a drive of its own and a MultiDrive over that and the other's drive, on a swarm of a loopback DHT.
//
//   peer.ts FOLDER NAME
//
// It is told what to do by messages and answers each; the first answer, to `start`, is its key.
import Corestore from 'corestore'
import HyperDHT from 'hyperdht'
import Hyperdrive from 'hyperdrive'
import Hyperswarm from 'hyperswarm'
import MultiDrive from '../../index.ts'
import { collect } from '../helpers/drives.ts'

const [, script, folder, name] = process.argv

export type Order =
  | { do: 'start' }
  | { do: 'join'; server: boolean; other: string; topic: string; bootstrap: { host: string; port: number }[] }
  | { do: 'put'; path: string; text: string }
  | { do: 'del'; path: string; recursive?: boolean }
  | { do: 'view' }
  | { do: 'clock' }
  | { do: 'whole'; length: number; fork: number }
  | { do: 'write-on' }
  | { do: 'stop' }

if (script === import.meta.filename) {
  const corestore = new Corestore(folder!)
  const own = new Hyperdrive(corestore.session())
  const multi = new MultiDrive(own)
  let swarm: Hyperswarm | null = null
  let copy: Hyperdrive

  const obey = async (order: Order): Promise<unknown> => {
    switch (order.do) {
      case 'start':
        await multi.ready()
        return own.key.toString('hex')
      case 'join': {
        copy = await multi.addDrive(order.other)
        const dht = new HyperDHT({ bootstrap: order.bootstrap, host: '127.0.0.1', firewalled: false })
        swarm = new Hyperswarm({ dht })
        swarm.on('connection', (connection) => {
          // Otherwise a peer that was killed is taken for a slow one for some 12 s.
          connection.setKeepAlive(500)
          connection.setTimeout(3000)
          connection.on('error', () => undefined)
          corestore.replicate(connection)
        })
        const { server } = order
        await swarm.join(Buffer.from(order.topic, 'hex'), { server, client: !server }).flushed()
        return null
      }
      case 'put':
        return multi.put(order.path, order.text)
      case 'del':
        return multi.del(order.path, { recursive: order.recursive === true })
      case 'clock':
        return { length: own.core.length, fork: own.core.fork }
      case 'whole':
        await new Promise<void>((resolve) => {
          const check = () => {
            if (copy.core.contiguousLength >= order.length) resolve()
          }
          multi.on('drive-sync', check)
          check()
        })
        return null
      case 'view': {
        const view: Record<string, unknown> = {}
        for (const entry of await collect(multi.list('/')))
          view[entry.key] = [String(await multi.get(entry)), entry.mtime, entry.drive.id, entry.seq]
        return view
      }
      case 'write-on':
        void (async () => {
          for (let i = 0; ; i++) {
            const path = `/log/${name}-${i % 50}`
            if (i % 7 === 6) {
              const gone = `/log/${name}-${(i - 3) % 50}`
              await multi.del(gone)
              process.stdout.write(`del ${gone}\n`)
            }
            await multi.put(path, `${i} ${'x'.repeat((i * 37) % 500)}`)
            process.stdout.write(`put ${path} ${i}\n`)
          }
        })()
        return null
      case 'stop':
        await swarm?.destroy()
        await multi.close()
        await corestore.close()
        return null
    }
  }

  process.on('message', (order: Order) => {
    obey(order).then(
      (value) => process.send!({ value }, () => order.do === 'stop' && process.disconnect()),
      (err: unknown) => process.send!({ error: err instanceof Error ? err.stack : String(err) })
    )
  })
}
