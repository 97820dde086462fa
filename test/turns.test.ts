import test from 'tape'
import { Turns } from '../lib/turns.ts'
import { failureOf } from './helpers/drives.ts'

test('run(name, work) runs one at a time of each name, in the order of the calls', async (t) => {
  const turns = new Turns()
  const seen: string[] = []
  let open!: () => void
  const opened = new Promise<void>((resolve) => (open = resolve))
  const first = turns.run('a', async () => {
    await opened
    seen.push('first')
  })
  const second = turns.run('a', () => Promise.resolve(seen.push('second')))
  await turns.run('b', () => Promise.resolve(seen.push('other')))
  t.same(seen, ['other'], 'another name does not wait')
  open()
  await Promise.all([first, second])
  t.same(seen, ['other', 'first', 'second'])
})

test('run(name, work) keeps nothing of names that nobody holds', async (t) => {
  const turns = new Turns()
  const names = Array.from({ length: 100 }, (_, i) => String(i % 10))
  const works = names.map((name) => turns.run(name, () => Promise.resolve(name)))
  t.equal(turns.size, 10)
  t.same(await Promise.all(works), names)
  const failed = await failureOf(turns.run('a', () => Promise.reject(new Error('no'))))
  t.equal(failed.message, 'no')
  t.equal(turns.size, 0)
})
