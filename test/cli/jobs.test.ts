import { setImmediate } from 'node:timers/promises'
import test from 'tape'
import { Jobs } from '../../lib/cli/jobs.ts'
import { failureOf } from '../helpers/drives.ts'

const limit = { timeout: 60_000 }
const { signal } = new AbortController()

/** Ends as a stream does: it says that it was ended, not why. */
function stopped(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener('abort', () => reject(new Error('the stream was destroyed')))
  )
}

test('Jobs.run(signal, atOnce, adding): so many at once', limit, async (t) => {
  const done = new Set<number>()
  let [running, most] = [0, 0]
  await Jobs.run(signal, 3, async (jobs) => {
    for (let i = 0; i < 200; i++)
      await jobs.add(async () => {
        most = Math.max(most, ++running)
        for (let n = 0; n < i % 5; n++) await setImmediate()
        running--
        done.add(i)
      })
  })
  t.is(most, 3)
  t.is(done.size, 200)
})

test('Jobs.run(): one that takes long holds up no others', limit, async (t) => {
  let finish: () => void = () => undefined
  const long = new Promise<void>((resolve) => (finish = resolve))
  let through = 0
  await Jobs.run(signal, 2, async (jobs) => {
    await jobs.add(() => long)
    for (let i = 0; i < 300; i++)
      await jobs.add(async () => {
        if (++through === 300) finish()
      })
  })
  t.is(through, 300)
})

test(
  'Jobs.run(): what fails first is told; it ends the others, and none is begun any more',
  limit,
  async (t) => {
    const broken = new Error('broken')
    let [begun, ended] = [0, 0]
    const failed = await failureOf(
      Jobs.run(signal, 3, async (jobs) => {
        await jobs.add((signal) => stopped(signal).finally(() => ended++))
        await jobs.add(() => Promise.reject(broken))
        for (;;)
          await jobs.add(async () => {
            begun++
          })
      })
    )
    t.is(failed, broken)
    t.is(ended, 1)
    t.ok(begun <= 1, String(begun))
  }
)

test('Jobs.run(): what adding throws ends those at work', limit, async (t) => {
  const broken = new Error('broken')
  let ended = false
  const failed = await failureOf(
    Jobs.run(signal, 2, async (jobs) => {
      await jobs.add((signal) => stopped(signal).finally(() => (ended = true)))
      throw broken
    })
  )
  t.is(failed, broken)
  t.is(ended, true)
})

test('drain() waits for those at work', limit, async (t) => {
  const order: string[] = []
  await Jobs.run(signal, 5, async (jobs) => {
    await jobs.add(async () => {
      await setImmediate()
      order.push('before')
    })
    await jobs.drain()
    order.push('drained')
    await jobs.add(async () => void order.push('after'))
  })
  t.same(order, ['before', 'drained', 'after'])
})

test('Jobs.run(): its signal ends it', limit, async (t) => {
  const stop = new AbortController()
  const running = failureOf(Jobs.run(stop.signal, 2, (jobs) => jobs.add(stopped)))
  stop.abort(new Error('it was stopped'))
  t.ok((await running) instanceof Error)
  const none = Jobs.run(stop.signal, 2, (jobs) => jobs.add(() => Promise.reject(new Error('begun'))))
  t.match((await failureOf(none)).message, /it was stopped/)
})
