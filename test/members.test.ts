/**
 * Every member that a Hyperdrive 13 has, and every one that the page of `multi-hyperdrive` names, is there or stands in one table of the
 * README with the reason.
 */
import { readFileSync } from 'node:fs'
import Hyperdrive from 'hyperdrive'
import test from 'tape'
import MultiDrive from '../index.ts'
import { hyperdrive, multidrive } from './helpers/drives.ts'

/** The headings of that page. */
const SEED =
  `key discoveryKey version writable peers primary writer drives addDrive runAll compareStats resolveLatest open read write
  createReadStream createWriteStream readFile writeFile truncate ftruncate mkdir readlink stat lstat access readdir unlink rmdir replicate
  checkout close destroyStorage mirror clear download watch mount unmount symlink createMountStream getAllMounts registerExtension
  setMetadata removeMetadata createTag getAllTags deleteTag getTaggedVersion`.split(/\s+/)

/** The rows of the table: the names, and why they are missing. */
const rows = missing()

test('every member of a Hyperdrive is one of a MultiDrive or is missing for a reason', async (t) => {
  const drive = await hyperdrive(t)
  const multi = await multidrive(t, [drive])
  const names = [...membersOf(Hyperdrive.prototype), ...membersOf(drive)]
  t.ok(
    ['checkout', 'downloadDiff', 'id', 'core', 'ready', 'supportsMetadata'].every((name) =>
      names.includes(name)
    )
  )
  const statics = Object.getOwnPropertyNames(Hyperdrive).filter(
    (name) => !/^(length|name|prototype)$/.test(name)
  )
  t.ok(statics.includes('normalizePath'))
  const told = rows.flatMap((row) => row.names)
  t.same(
    names.filter((name) => name in multi === told.includes(name)),
    [],
    'one or the other'
  )
  t.same(
    statics.filter((name) => name in MultiDrive === told.includes(name)),
    [],
    'one or the other, of the class itself'
  )
  t.same(
    told.filter((name) => !names.includes(name) && !statics.includes(name)),
    [],
    'nothing is missing that a Hyperdrive has not'
  )
  t.is(new Set(told).size, told.length, 'each is told once')
  t.notOk(
    rows.some(({ why }) => why.length < 20),
    'with a reason'
  )
  for (const name of names.filter((name) => name in multi)) {
    const [theirs, ours] = [kindOf(drive, name), kindOf(multi, name)]
    t.is(ours, theirs, `${name} is ${theirs}`)
  }
})

test('every name of multi-hyperdrive is there', async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  t.same(
    SEED.filter((name) => !(name in multi)),
    []
  )
})

/** What a member is to those who use it. */
function kindOf(object: any, name: string): string {
  return typeof object[name] === 'function' ? 'a method' : 'a value'
}

/** The public members of an object and of what it inherits, without those of every object. */
function membersOf(object: object): string[] {
  const names = new Set<string>()
  for (let at = object; at !== Object.prototype; at = Object.getPrototypeOf(at) as object) {
    for (const name of Object.getOwnPropertyNames(at)) if (!/^_|^constructor$/.test(name)) names.add(name)
  }
  return [...names]
}

function missing(): { names: string[]; why: string }[] {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const [, section = ''] = /^## What it does not do\n([^]*?)^## /m.exec(readme) ?? []
  return [...section.matchAll(/^\| (`.*?) +\| (.*?) +\|$/gm)].map(([, first, why]) => ({
    names: [...first!.matchAll(/`(\w+)`/g)].map(([, name]) => name!),
    why: why!
  }))
}
