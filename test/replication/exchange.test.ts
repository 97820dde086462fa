import createTestnet from '@hyperswarm/testnet'
import { randomBytes } from 'node:crypto'
import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import test, { type Test } from 'tape'
import { cleanup, folder } from '../helpers/drives.ts'
import { within } from '../availability/links.ts'
import type { Order } from './peer.ts'

const SCRIPT = join(import.meta.dirname, 'peer.ts')
const LONG = 20_000

/** A peer in a process of its own. */
class Peer {
  readonly child: ChildProcess
  readonly exited: Promise<void>
  said = ''
  #answers: ((answer: { value?: any; error?: string }) => void)[] = []

  constructor(t: Test, path: string, name: string) {
    this.child = spawn(process.execPath, ['--import', 'tsx', SCRIPT, path, name], {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc']
    })
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.said += text))
    this.exited = new Promise((resolve) => this.child.once('close', () => resolve()))
    void this.exited.then(() => this.#answers.forEach((answer) => answer({ error: 'the process ended' })))
    this.child.on('message', (answer: { value?: any; error?: string }) => this.#answers.shift()!(answer))
    cleanup(t, async () => {
      this.child.kill('SIGKILL')
      await this.exited
    })
  }

  async tell(order: Order): Promise<any> {
    const answer = new Promise<{ value?: any; error?: string }>((resolve) => this.#answers.push(resolve))
    this.child.send(order)
    const { value, error } = await within(LONG, order.do, answer)
    if (error !== undefined) throw new Error(`${order.do}: ${error}`)
    return value
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.exited
  }

  /** What it wrote and was told had landed, in order: the number in each file, null for a deleted one. */
  acknowledged(): Map<string, number | null> {
    const files = new Map<string, number | null>()
    // The last line may be cut off in the middle.
    for (const line of this.said.split('\n').slice(0, -1)) {
      const [what, path, n] = line.split(' ')
      files.set(path!, what === 'put' ? Number(n) : null)
    }
    return files
  }
}

/** Resolves when each has all that the other wrote. */
async function exchanged(a: Peer, b: Peer): Promise<void> {
  const [ofA, ofB] = await Promise.all([a.tell({ do: 'clock' }), b.tell({ do: 'clock' })])
  await Promise.all([a.tell({ do: 'whole', ...ofB }), b.tell({ do: 'whole', ...ofA })])
}

async function views(a: Peer, b: Peer): Promise<[Record<string, any[]>, Record<string, any[]>]> {
  return Promise.all([a.tell({ do: 'view' }), b.tell({ do: 'view' })])
}

const texts = (view: Record<string, any[]>) =>
  Object.fromEntries(Object.entries(view).map(([key, [text]]) => [key, text]))

const newer = (text: unknown, n: number) => Number(String(text).split(' ')[0]) > n

test('two processes on a swarm converge, conflicts and deletes included, and survive being killed', async (t) => {
  const testnet = await createTestnet(3)
  cleanup(t, () => testnet.destroy())
  const { bootstrap } = testnet
  const topic = randomBytes(32).toString('hex')
  const paths = [await folder(t), await folder(t)] as const
  const a = new Peer(t, paths[0], 'a')
  let b = new Peer(t, paths[1], 'b')
  const [keyA, keyB] = await Promise.all([a.tell({ do: 'start' }), b.tell({ do: 'start' })])

  // Before they meet: the same path on both sides, and each its own.
  await a.tell({ do: 'put', path: '/both', text: 'by a' })
  await b.tell({ do: 'put', path: '/both2', text: 'by b' })
  for (const path of ['/a/1', '/a/2', '/keep-a']) await a.tell({ do: 'put', path, text: `${path} of a` })
  for (const path of ['/b/1', '/b/2', '/keep-b']) await b.tell({ do: 'put', path, text: `${path} of b` })
  await b.tell({ do: 'put', path: '/both', text: 'by b' })
  await a.tell({ do: 'put', path: '/both2', text: 'by a' })

  // One after the other: of two that look for each other before either has announced itself, none finds the other.
  const join = (peer: Peer, other: string) =>
    peer.tell({ do: 'join', server: peer === a, other, topic, bootstrap })
  await join(a, keyB)
  await join(b, keyA)
  await exchanged(a, b)
  let [seenByA, seenByB] = await views(a, b)
  t.same(seenByA, seenByB, 'the same view, dates and drives included')
  t.same(texts(seenByA), {
    '/a/1': '/a/1 of a',
    '/a/2': '/a/2 of a',
    '/b/1': '/b/1 of b',
    '/b/2': '/b/2 of b',
    '/both': 'by b',
    '/both2': 'by a',
    '/keep-a': '/keep-a of a',
    '/keep-b': '/keep-b of b'
  })

  // Each deletes the other's, and they write over each other.
  await Promise.all([a.tell({ do: 'del', path: '/b/1' }), b.tell({ do: 'del', path: '/a', recursive: true })])
  await Promise.all([
    a.tell({ do: 'put', path: '/both', text: 'a again' }),
    b.tell({ do: 'put', path: '/b/2', text: 'b again' })
  ])
  await exchanged(a, b)
  await a.tell({ do: 'put', path: '/b/2', text: 'a over b' })
  await a.tell({ do: 'put', path: '/a/2', text: 'back' })
  await b.tell({ do: 'del', path: '/keep-a' })
  await exchanged(a, b)
  ;[seenByA, seenByB] = await views(a, b)
  t.same(seenByA, seenByB, 'the same view after each deleted what the other had')
  t.same(texts(seenByA), {
    '/a/2': 'back',
    '/b/2': 'a over b',
    '/both': 'a again',
    '/both2': 'by a',
    '/keep-b': '/keep-b of b'
  })

  // One is killed in the middle of writing.
  await b.tell({ do: 'write-on' })
  await within(
    LONG,
    'some writes',
    new Promise<void>((resolve) => {
      b.child.stdout!.on('data', () => b.said.split('\n').length > 60 && resolve())
    })
  )
  await b.kill()
  const acknowledged = b.acknowledged()
  b = new Peer(t, paths[1], 'b')
  t.equal(await b.tell({ do: 'start' }), keyB, 'it starts again with the same key')
  const alone = texts(await b.tell({ do: 'view' }))
  const lost = [...acknowledged].filter(([path, n]) => {
    const found = alone[path] === undefined ? null : Number((alone[path] as string).split(' ')[0])
    return found !== n
  })
  // One operation may have landed and not have been told any more.
  t.ok(
    lost.length <= 1,
    `what it was told had landed is there: ${acknowledged.size} files, but for ${lost.join()}`
  )
  t.ok(lost.every(([path, n]) => n === null || alone[path] === undefined || newer(alone[path], n)))
  t.ok(acknowledged.size > 40)

  await join(b, keyA)
  await a.tell({ do: 'put', path: '/while-b-was-away', text: 'x' })
  await exchanged(a, b)
  ;[seenByA, seenByB] = await views(a, b)
  t.same(seenByA, seenByB, 'they converge again')
  t.equal(texts(seenByB)['/while-b-was-away'], 'x')
  t.equal(texts(seenByA)['/both'], 'a again')
  await Promise.all([a.tell({ do: 'stop' }), b.tell({ do: 'stop' })])
  await within(LONG, 'the end of both', Promise.all([a.exited, b.exited]))
  t.pass('and both end by themselves when they are closed')
})
