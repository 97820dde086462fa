import { setTimeout } from 'node:timers/promises'
import test from 'tape'
import { Jobs } from '../../lib/cli/jobs.ts'
import { failureOf } from '../helpers/drives.ts'

const limit = { timeout: 10_000 }
const { signal } = new AbortController()

/** Resolves when its signal ends it. */
function stopped(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
}

test('Jobs.run(signal, atOnce, adding): so many at once, told of one after another', limit, async (t) => {
  const told: number[] = []
  let [running, most] = [0, 0]
  await Jobs.run(signal, 3, async (jobs) => {
    for (let i = 0; i < 200; i++)
      await jobs.add(
        async () => {
          most = Math.max(most, ++running)
          await setTimeout(i % 3)
          running--
        },
        async () => void told.push(i)
      )
    t.ok(told.length > 0, 'not only at the end')
  })
  t.is(most, 3)
  t.same(
    told,
    Array.from({ length: 200 }, (_, i) => i)
  )
})

test('Jobs.run(): one that fails ends the others, and none is begun any more', limit, async (t) => {
  const broken = new Error('broken')
  const told: string[] = []
  let [begun, ended] = [0, 0]
  const failed = await failureOf(
    Jobs.run(signal, 2, async (jobs) => {
      await jobs.add(
        async () => undefined,
        async () => void told.push('first')
      )
      await jobs.add(
        async (signal) => {
          await stopped(signal).finally(() => ended++)
        },
        async () => void told.push('waits')
      )
      await jobs.add(
        () => Promise.reject(broken),
        async () => void told.push('fails')
      )
      for (;;)
        await jobs.add(
          async () => {
            begun++
          },
          async () => void told.push('later')
        )
    })
  )
  t.is(failed, broken)
  t.same([told, begun, ended], [['first'], 0, 1])
})

test('Jobs.run(): what adding throws ends those at work', limit, async (t) => {
  const broken = new Error('broken')
  let ended = false
  const failed = await failureOf(
    Jobs.run(signal, 2, async (jobs) => {
      await jobs.add(
        (signal) => stopped(signal).finally(() => (ended = true)),
        async () => undefined
      )
      throw broken
    })
  )
  t.is(failed, broken)
  t.is(ended, true)
})

test('Jobs.run(): its signal ends it', limit, async (t) => {
  const stop = new AbortController()
  const running = failureOf(Jobs.run(stop.signal, 2, (jobs) => jobs.add(stopped, async () => undefined)))
  const reason = new Error('it was stopped')
  stop.abort(reason)
  t.is(await running, reason)
})
