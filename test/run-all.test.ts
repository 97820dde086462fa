import test from 'tape'
import type { MultiDriveError } from '../index.ts'
import { calledBack, hyperdrive, indexes, localdrive, multidrive, over } from './helpers/drives.ts'

const limit = { timeout: 60_000 }

test('runAll(method, args) gives what each drive gave or threw, in the order of adding', limit, async (t) => {
  const [first, second] = [await hyperdrive(t), await hyperdrive(t)]
  const local = await localdrive(t)
  const broken = over(await hyperdrive(t), { exists: () => { throw new Error('it broke') } }) // prettier-ignore
  const bare = over(await hyperdrive(t))
  await second.put('/file', 'x')
  const multi = await multidrive(t, [first, broken, second, bare, local])
  const results = await multi.runAll('exists', ['/file'])
  t.same(
    indexes(
      results.map(({ drive }) => drive),
      [first, broken, second, bare, local]
    ),
    [0, 1, 2, 3, 4]
  )
  t.same(
    results.map(({ value }) => value),
    [false, undefined, true, undefined, false]
  )
  t.same(
    results.map(({ err }) => err?.message.replace(/,.*/, '') ?? null),
    [null, 'it broke', null, results[3]!.err!.message.replace(/,.*/, ''), null]
  )
  t.equal((results[3]!.err as MultiDriveError).code, 'DRIVE_INVALID')
  t.match(results[3]!.err!.message, /exists/)
  t.same((await multi.runAll('ready')).length, 5)
  const { returned, args } = await calledBack((cb) => multi.runAll('exists', ['/file'], cb))
  t.equal(returned, undefined)
  t.equal(args[0], null)
  t.same(
    args[1].map(({ value }: any) => value),
    [false, undefined, true, undefined, false]
  )
})
