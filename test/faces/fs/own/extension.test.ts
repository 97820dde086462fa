import test, { type Test } from 'tape'
import type { MultiDrive } from '../../../../index.ts'
import { alone, together, whole, within } from '../../../availability/links.ts'
import {
  cleanup,
  failureOf,
  hyperdrive,
  link,
  localdrive,
  multidrive,
  store
} from '../../../helpers/drives.ts'
import { QUICK } from './helpers.ts'

/** Two MultiDrives on two machines over one drive, which are each other's peers. */
async function pair(t: Test) {
  const [theirs, ours] = [await store(t), await store(t)]
  const author = await hyperdrive(t, { store: theirs })
  await author.put('/file', 'x')
  const copy = await hyperdrive(t, { store: ours, key: author.key })
  const [left, right] = [await multidrive(t, [author]), await multidrive(t, [copy])]
  const end = link(theirs, ours)
  let ended: Promise<void> | null = null
  const unlink = () => (ended ??= end())
  cleanup(t, unlink)
  await Promise.all([together(author), together(copy)])
  return { left, right, unlink, author, copy, theirs, ours }
}

/** What comes to one side, as one waits for it. */
function inbox(multi: MultiDrive, name: string, opts: object = {}) {
  const messages: { message: any; peer: any }[] = []
  const errors: Error[] = []
  let told: () => void = () => undefined
  const extension = multi.registerExtension(name, {
    ...opts,
    onmessage: (message: unknown, peer: unknown) => {
      messages.push({ message, peer })
      told()
    },
    onerror: (err: Error) => {
      errors.push(err)
      told()
    }
  })
  const next = async (count: number, of: readonly unknown[] = messages) => {
    await within(
      QUICK,
      `${count} messages`,
      new Promise<void>((resolve) => {
        told = () => of.length >= count && resolve()
        told()
      })
    )
  }
  return { extension, messages, errors, next }
}

/** Both sides know of the extension once each has heard the other. */
async function meet(one: any, other: any, message: unknown): Promise<void> {
  const hello = setInterval(() => {
    one.extension.broadcast(message)
    other.extension.broadcast(message)
  }, 20)
  await Promise.all([one.next(1), other.next(1)]).finally(() => clearInterval(hello))
}

/** As compact-encoding has them. */
const numbers = {
  preencode: (state: { end: number }) => void (state.end += 4),
  encode: (state: { start: number; buffer: Buffer }, n: number) => {
    state.buffer.writeUInt32BE(n, state.start)
    state.start += 4
  },
  decode: (state: { start: number; end: number; buffer: Buffer }) => {
    if (state.end - state.start < 4) throw new Error('no number')
    const n = Buffer.from(state.buffer).readUInt32BE(state.start)
    state.start += 4
    return n
  }
}

for (const [name, encoding, hello, sent] of [
  ['json', 'json', { hello: true }, { text: 'ä', list: [1, null, { deep: true }] }],
  ['utf-8', 'utf-8', 'hello', 'grüße ✓'],
  ['binary', 'binary', Buffer.from('hello'), Buffer.from([0, 255, 1, 254])],
  ['nothing said', undefined, Buffer.from('hello'), Buffer.from([0, 255, 1, 254])],
  ['an encoding of its own', numbers, 1, 4_000_000_000]
] as const) {
  test(`registerExtension with ${name}: messages come as they were sent, and can be answered`, async (t) => {
    const { left, right } = await pair(t)
    const opts = encoding === undefined ? {} : { encoding }
    const [here, there] = [inbox(left, 'chat', opts), inbox(right, 'chat', opts)]
    t.equal(here.extension.name, 'chat')
    await meet(here, there, hello)
    const before = there.messages.length
    here.extension.broadcast(sent)
    await there.next(before + 1)
    const found = there.messages.findLast(({ message }) => JSON.stringify(message) === JSON.stringify(sent))!
    t.same(found.message, sent)
    if (Buffer.isBuffer(sent)) t.ok(Buffer.isBuffer(found.message))
    t.ok(right.peers.includes(found.peer), 'with the peer that it came from')

    const answers = here.messages.length
    there.extension.send(sent, found.peer)
    await here.next(answers + 1)
    t.same(here.messages.at(-1)!.message, sent, 'an answer to that peer')
    t.same([here.errors, there.errors], [[], []])
  })
}

test('registerExtension: what cannot be decoded is told to onerror, and harms nobody', async (t) => {
  const { left, right, author, copy } = await pair(t)
  const [raw, json] = [inbox(left, 'chat'), inbox(right, 'chat', { encoding: 'json' })]
  const hello = setInterval(() => raw.extension.broadcast(Buffer.from('{"hello": 1}\n')), 20)
  await json.next(1).finally(() => clearInterval(hello))
  raw.extension.broadcast(Buffer.from('no json'))
  await json.next(1, json.errors)
  t.ok(json.errors[0] instanceof Error)
  const before = json.messages.length
  raw.extension.broadcast(Buffer.from('[1]'))
  await json.next(before + 1)
  t.same(json.messages.at(-1)!.message, [1], 'what comes after it comes')

  const own = inbox(right, 'numbers', { encoding: numbers })
  const short = inbox(left, 'numbers')
  const number = setInterval(() => short.extension.broadcast(Buffer.from([0, 0, 0, 7])), 20)
  await own.next(1).finally(() => clearInterval(number))
  t.equal(own.messages[0]!.message, 7)
  short.extension.broadcast(Buffer.from([1]))
  await own.next(1, own.errors)
  t.equal(own.errors[0]!.message, 'no number', 'what its own encoding throws')
  await whole(copy, author)
  t.equal(await right.readFile('/file', 'utf8'), 'x')

  const silent = right.registerExtension('silent', { encoding: 'json' })
  const talker = inbox(left, 'silent')
  talker.extension.broadcast(Buffer.from('no json'))
  raw.extension.broadcast(Buffer.from('[2]'))
  await json.next(before + 2)
  t.pass('without onerror it is dropped')
  silent.destroy()
})

test('registerExtension: what is destroyed hears and says nothing more', async (t) => {
  const { left, right } = await pair(t)
  const [here, there] = [
    inbox(left, 'chat', { encoding: 'json' }),
    inbox(right, 'chat', { encoding: 'json' })
  ]
  const [control, echo] = [
    inbox(left, 'control', { encoding: 'json' }),
    inbox(right, 'control', { encoding: 'json' })
  ]
  await meet(here, there, 'hello')
  await meet(control, echo, 'hello')
  there.extension.destroy()
  const before = [there.messages.length, echo.messages.length] as const
  here.extension.broadcast('unheard')
  control.extension.broadcast('heard')
  await echo.next(before[1] + 1)
  t.equal(there.messages.filter(({ message }) => message === 'unheard').length, 0)

  const again = inbox(right, 'chat', { encoding: 'json' })
  await meet(here, again, 'hello again')
  t.pass('the name can be registered again')
})

test('registerExtension: peers that come later are heard too', async (t) => {
  const { left, right, unlink, author, copy, theirs, ours } = await pair(t)
  const [here, there] = [
    inbox(left, 'chat', { encoding: 'json' }),
    inbox(right, 'chat', { encoding: 'json' })
  ]
  await meet(here, there, 'hello')
  await unlink()
  await Promise.all([alone(author), alone(copy)])
  here.extension.broadcast('to nobody')
  const { length } = there.messages
  cleanup(t, link(theirs, ours))
  await Promise.all([together(author), together(copy)])
  const hello = setInterval(() => here.extension.broadcast('back'), 20)
  await there.next(length + 1).finally(() => clearInterval(hello))
  t.equal(there.messages.at(-1)!.message, 'back')
  t.notOk(there.messages.some(({ message }) => message === 'to nobody'))
})

test('registerExtension: a MultiDrive as the primary lends that of its own primary', async (t) => {
  const { left, right } = await pair(t)
  const outer = await multidrive(t, [left])
  const [here, there] = [
    inbox(outer, 'chat', { encoding: 'json' }),
    inbox(right, 'chat', { encoding: 'json' })
  ]
  await meet(here, there, 'hello')
  const before = there.messages.length
  here.extension.broadcast({ text: 'through two' })
  await there.next(before + 1)
  t.ok(there.messages.some(({ message }) => message.text === 'through two'))
  t.ok(outer.peers.includes(here.messages[0]!.peer))
})

test('registerExtension: a drive without a core is DRIVE_INVALID', async (t) => {
  const multi: any = await multidrive(t, [await localdrive(t), await hyperdrive(t)])
  const err = await failureOf(() => multi.registerExtension('chat', { encoding: 'json' }))
  t.same([err.code, err.drive === multi.primary, err.syscall], ['DRIVE_INVALID', true, 'registerExtension'])
  t.ok(
    (await failureOf(() => multi.registerExtension('chat', { encoding: 'no such thing' }))) instanceof Error
  )
})
