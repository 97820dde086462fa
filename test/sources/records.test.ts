import test from 'tape'
import { compareKeys } from '../../lib/path.ts'
import { noChanges, Records } from '../../lib/sources/records.ts'
import type { Directory } from '../../lib/sources/source.ts'

const paths = (found: readonly Directory[]) => found.map(({ record }) => record.path)

/** Records with directories made, or with `!` before their path taken away. */
function changed(records: Records, ...names: string[]): Records {
  const changes = noChanges()
  for (const name of names) {
    const isGone = name.startsWith('!')
    const path = isGone ? name.slice(1) : name
    changes.directories.set(path, isGone ? null : ({ record: { path } } as Directory))
  }
  return records.with(changes)
}

test('directoriesBelow(folder) gives what lies below it in the order of keys, whatever changes', (t) => {
  const many = Array.from({ length: 100 }, (_, i) => `/many/${i}`)
  const steps = [
    ['/a/b', '/a', '/a/b/c', '/a!b', '/a0'],
    ['/a/\u{10000}', '/a/\uffff', '/a/a'],
    ['/a/a', '!/a/b', '!/nobody'],
    many,
    ['!/a/\uffff', '/a/z'],
    many.map((path) => '!' + path)
  ]
  let records = Records.EMPTY
  const there = new Set<string>()
  for (const step of steps) {
    const before = { records, below: paths(records.directoriesBelow('')) }
    records = changed(records, ...step)
    for (const name of step) {
      if (name.startsWith('!')) there.delete(name.slice(1))
      else there.add(name)
    }
    const sorted = [...there].sort(compareKeys)
    t.same(paths(records.directoriesBelow('')), sorted)
    t.same(
      paths(records.directoriesBelow('/a')),
      sorted.filter((path) => path.startsWith('/a/'))
    )
    t.same(paths(before.records.directoriesBelow('')), before.below, 'the records before stay what they were')
  }
  t.same(paths(records.directoriesBelow('/a/b')), ['/a/b/c'])
  t.end()
})
