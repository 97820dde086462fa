import test from 'tape'
import { exchange } from './authors.ts'

for (const seed of [1, 2, 3]) {
  test(`three authors over links that are cut at random points, seed ${seed}`, async (t) => {
    const { faults, halfway, cuts } = await exchange(t, seed, 25)
    t.same(faults, [])
    t.ok(halfway > 0, `${halfway} of ${cuts} cuts were in the middle of a sync`)
  })
}
