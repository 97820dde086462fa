/** The README holds: its examples run and print what they say, its headings and tables name what there is. */
import { execFile } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import Hyperdrive from 'hyperdrive'
import test from 'tape'
import MultiDrive, { ERRORS } from '../index.ts'
import { ReadingFace } from '../lib/faces/drive/reading.ts'
import { folder, localdrive, multidrive } from './helpers/drives.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const run = promisify(execFile)

const headings = [...readme.matchAll(/^#+ (.*)$/gm)].map(([, text]) => text!)
const examples = [...readme.matchAll(/^(#+ .*)$|^```js\n([^]*?)^```$/gm)]
  .map(([, heading, code], i, all) => ({
    code,
    title: heading ?? all.slice(0, i).findLast(([, above]) => above)?.[1] ?? ''
  }))
  .filter((example): example is { code: string; title: string } => example.code !== undefined)

/** What is there for MultiDrive's own layers, not for callers. */
const INTERNAL = new Set(['constructor', 'reader'])

/** What each EventEmitter has of its own. */
const OF_EMITTERS = new Set(Object.getOwnPropertyNames(new EventEmitter()))

for (const { title, code } of examples) {
  test(`the example under "${title}" prints what it says`, async (t) => {
    const expected = [...code.matchAll(/\/\/ → (.*)$/gm)].map(([, line]) => line!)
    t.not(expected.length, 0, 'it says something')
    const cwd = await folder(t)
    await symlink(join(root, 'node_modules'), join(cwd, 'node_modules'), 'junction')
    const library = new URL('../index.ts', import.meta.url).href
    await writeFile(join(cwd, 'example.mjs'), code.replaceAll(`from 'multidrive'`, `from '${library}'`))
    // A time over is a failure too: an example has to end by itself.
    const args = ['--import', import.meta.resolve('tsx'), 'example.mjs']
    const { stdout, stderr } = await run(process.execPath, args, {
      cwd,
      timeout: 60_000,
      env: { ...process.env, NODE_NO_WARNINGS: '1' }
    })
    t.is(stderr, '')
    t.same(stdout.trimEnd().split('\n'), expected)
  })
}

test('the README has examples', (t) => {
  t.ok(examples.length >= 6)
  t.ok(examples.every(({ code }) => code.includes(`from 'multidrive'`)))
  t.end()
})

test('a fresh machine needs two commands', (t) => {
  const commands = [...readme.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, command]) => command!.trim())
  t.same(commands, ['npm install && npm start', 'npm install && npm test'])
  t.end()
})

test('every public member has a heading, and every heading a member', async (t) => {
  const multi = await multidrive(t, [await localdrive(t)])
  const batch = multi.batch()
  const reading = membersOf(ReadingFace.prototype)

  const members = new Set([...membersOf(multi), ...reading])
  t.ok(members.has('addDrive') && members.has('entry') && members.has('ready') && members.has('primary'))
  const named = namedBy('multi')
  t.same(
    [...members].filter((member) => !named.has(member)),
    [],
    'members of a MultiDrive'
  )
  t.same(
    [...named].filter((name) => !(name in multi)),
    [],
    'headings of members of a MultiDrive'
  )

  const inBatch = namedBy('batch')
  t.same(
    [...membersOf(batch)].filter((member) => !inBatch.has(member) && !reading.has(member) && !isLife(member)),
    [],
    'members of a Batch'
  )
  t.same(
    [...inBatch].filter((name) => !(name in batch)),
    [],
    'headings of members of a Batch'
  )
  await batch.close()

  const statics = Object.getOwnPropertyNames(MultiDrive).filter(
    (name) => !['length', 'name', 'prototype'].includes(name)
  )
  const inClass = namedBy('MultiDrive')
  t.same(
    statics.filter((name) => !inClass.has(name)),
    [],
    'statics'
  )
  t.same(
    [...inClass].filter((name) => !(name in MultiDrive)),
    [],
    'headings of statics'
  )
  t.end()
})

test('what Hyperdrive has is there or listed as missing', async (t) => {
  const multi = await multidrive(t, [await localdrive(t)])
  const missing = section('What it does not do')
  const prototype = (Hyperdrive as unknown as { prototype: object }).prototype
  const names = Object.getOwnPropertyNames(prototype).filter((name) => !/^_|^constructor$/.test(name))
  t.ok(names.includes('checkout'))
  for (const name of [...names, 'core', 'db', 'blobs', 'corestore']) {
    const listed = missing.includes(`\`${name}\``)
    t.is(listed, !(name in multi), `${name} is ${listed ? 'missing' : 'there'}`)
  }
})

test('the table of errors is that of lib/errors.ts', (t) => {
  const rows = [...section('Errors').matchAll(/^\| `(\w+)` *\| (.*?) *\| (.*?) *\|$/gm)]
  t.same(
    rows.map(([, code, message]) => [code, message]),
    Object.entries(ERRORS).map(([code, { message }]) => [code, message])
  )
  t.notOk(
    rows.some(([, , , when]) => when === ''),
    'each says when'
  )
  t.end()
})

test('links lead to files and headings that are there', (t) => {
  const anchors = headings.map(
    (text) =>
      '#' +
      text
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-')
  )
  const links = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link!)
  t.not(links.length, 0)
  for (const link of links.filter((link) => !link.startsWith('https:')))
    t.ok(link.startsWith('#') ? anchors.includes(link) : existsSync(join(root, link)), link)
  t.end()
})

/** The members that headings name of an object, as in `multi.put(path)`. */
function namedBy(object: string): Set<string> {
  const pattern = new RegExp(`\\b${object}\\.(\\w+)`, 'g')
  const code = headings.flatMap((text) => [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code!))
  return new Set(code.flatMap((text) => [...text.matchAll(pattern)].map(([, name]) => name!)))
}

/** The public members of an object and of what it inherits, without those of every EventEmitter. */
function membersOf(object: object): Set<string> {
  const names = new Set<string>()
  for (let at = object; at !== EventEmitter.prototype; at = Object.getPrototypeOf(at) as object) {
    for (const name of Object.getOwnPropertyNames(at)) {
      if (!name.startsWith('_') && !INTERNAL.has(name) && !OF_EMITTERS.has(name)) names.add(name)
    }
  }
  return names
}

/** How a thing opens and closes, which the README tells once. */
function isLife(member: string): boolean {
  return ['ready', 'close', 'opened', 'opening', 'closed', 'closing'].includes(member)
}

/** The text between a heading and the next one. */
function section(heading: string): string {
  const [, text] = new RegExp(`^## ${heading}\\n([^]*?)(?=^## |$(?![^]))`, 'm').exec(readme) ?? []
  return text ?? ''
}
