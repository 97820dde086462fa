/** The README holds: its examples run and print what they say, its headings and tables name what there is. */
import { execFile } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'tape'
import MultiDrive, { ERRORS } from '../index.ts'
import { ReadingFace } from '../lib/faces/drive/reading.ts'
import { FileHandle } from '../lib/faces/fs/handle.ts'
import { folder, localdrive, multidrive } from './helpers/drives.ts'
import type { Limits } from './suites/fs.ts'

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
const INTERNAL = new Set([
  'constructor',
  'reader',
  'waiting',
  'serve',
  'body',
  'call',
  'release',
  'is',
  'inode'
])

/** Under which words the README tells each difference that the suite of the fs face knows. */
const DIFFERENCES: Record<keyof Limits, string> = {
  showsAtClose: 'Visible at `close`.',
  staysOnVersion: 'Stays on its version.',
  keepsNoOwners: 'No owners.',
  keepsNoAtime: 'No `atime`.',
  keepsNoBirthtime: 'No `birthtime`.',
  keepsFolderTimes: 'Dates of folders.',
  hasNoHardLinks: 'No hard links.',
  countsNoLinks: '`nlink` is 1',
  numbersPaths: "`ino` is the path's.",
  isWhole: 'The root is all there is.',
  entersNoLinks: 'Links to folders are not entered',
  resolvesInOneCall: '`realpath` by callback',
  givesPromises: 'Promises.',
  numbersFrom20: 'Descriptors from 20.',
  countsNoFiles: 'Descriptors from 20.',
  keepsDescriptorErrors: 'Errors of descriptors.',
  takesIterables: 'Iterables.',
  streamsOfDrives: 'Streams of a path',
  splitsAtBackslashes: '`\\` is `/`',
  saysWhatIsRemoved: '`rm` of `folder/..`',
  listsTreesInAllEncodings: 'Recursive `readdir` by callback',
  truncatesPathsOnly: '`truncate` of a descriptor',
  rmdirFollowsNoLinks: '`rmdir` with `recursive`',
  copyFileKeepsTarget: '`copyFile` of a folder',
  copiesLinksOver: '`cp` over links',
  knowsEveryPosition: 'Positions.',
  accessTakesOptions: 'Options of `access`.',
  takesNoOptions: 'Options of `stat`.',
  namesBuffers: '`promisify(writev)`',
  beginsIn1970: 'No dates before 1970.',
  wordsItsOwn: 'Words.'
}

/** What each EventEmitter has of its own. */
const OF_EMITTERS = new Set(Object.getOwnPropertyNames(new EventEmitter()))

for (const { title, code } of examples) {
  test(`the example under "${title}" prints what it says`, async (t) => {
    const expected = [...code.matchAll(/\/\/ → (.*)$/gm)].map(([, line]) => line!)
    t.not(expected.length, 0, 'it says something')
    const cwd = await folder(t)
    await symlink(join(root, 'node_modules'), join(cwd, 'node_modules'), 'junction')
    const entry = (file: string) => `from '${new URL(`../${file}`, import.meta.url).href}'`
    const script = code
      .replaceAll(`from 'multidrive'`, entry('index.ts'))
      .replaceAll(`from 'multidrive/loader'`, entry('lib/loader/index.ts'))
    await writeFile(join(cwd, 'example.mjs'), script)
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
  t.ok(examples.every(({ code }) => /from 'multidrive(\/loader)?'/.test(code)))
  t.end()
})

test('a fresh machine needs two commands', (t) => {
  // Those of the command line are for test/cli/readme.test.ts.
  const commands = [...readme.matchAll(/^```sh\n([^]*?)^```$/gm)]
    .map(([, command]) => command!.trim())
    .filter((command) => !command.includes('npx multidrive'))
  t.same(commands, ['npm install && npm start', 'npm install && npm test'])
  t.end()
})

test('every public member has a heading or a row of a table, and each of those a member', async (t) => {
  const multi = await multidrive(t, [await localdrive(t)])
  const batch = multi.batch()
  const reading = membersOf(ReadingFace.prototype)

  const members = new Set([...membersOf(multi), ...reading])
  t.ok(members.has('addDrive') && members.has('entry') && members.has('ready') && members.has('primary'))
  const calls = callsIn(section("Node's `fs`"))
  t.ok(calls.has('lstat') && calls.has('fdatasync') && calls.has('setMetadata'))
  const named = new Set([...namedBy('multi'), ...calls])
  // Calls that throw, whatever they are asked, have one row together.
  const groups = [...tableNames(section('Left out'), /`\*(\w+)`/g)]
  const inGroup = (member: string, group: string) => member.endsWith(group)
  t.same(
    [...members].filter((member) => !named.has(member) && !groups.some((group) => inGroup(member, group))),
    [],
    'members of a MultiDrive'
  )
  t.same(
    groups.filter((group) => ![...members].some((member) => inGroup(member, group))),
    [],
    'groups of members of a MultiDrive'
  )
  t.same(
    groups.flatMap((group) => [...named].filter((member) => inGroup(member, group))),
    [],
    'no member is told twice'
  )
  t.same(
    [...named].filter((name) => !(name in multi)),
    [],
    'headings and rows of members of a MultiDrive'
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

/** What Stats have of some descriptors only (test/faces/fs/own/fallback.test.ts). */
const SOMETIMES = ['stale']

test('every member of a FileHandle and what Stats have beside those of Node has a row', async (t) => {
  const handle = tableNames(section('FileHandles'), /\bhandle\.(\w+)/g)
  t.same([...handle].sort(), [...membersOf(FileHandle.prototype)].sort())

  const multi = await multidrive(t, [await localdrive(t)])
  await multi.promises.writeFile('/file', 'text')
  const ofNode = membersOf(statSync(root))
  const more = [...membersOf(await multi.promises.stat('/file'))].filter((name) => !ofNode.has(name))
  t.same(
    [...tableNames(section('What stands there'), /^`(\w+)`|, `(\w+)`/g)].sort(),
    [...more, ...SOMETIMES].sort()
  )
})

test('the differences from Node have all that the suite knows', (t) => {
  const told = [...section('Differences from Node').matchAll(/^- \*\*(.+?)\*\*/gm)].map(([, lead]) => lead!)
  t.same(
    Object.values(DIFFERENCES).filter((lead) => !told.includes(lead)),
    []
  )
  t.is(new Set(told).size, told.length, 'each is told once')
  t.end()
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

/** The calls that rows of tables begin with, as in `stat(path)`. */
function callsIn(text: string): Set<string> {
  return tableNames(text, /`(\w+)\(/g)
}

/** What a pattern finds in the first cells of tables. */
function tableNames(text: string, pattern: RegExp): Set<string> {
  const cells = [...text.matchAll(/^\| (.*?) +\|/gm)].map(([, cell]) => cell!)
  return new Set(
    cells.flatMap((cell) => [...cell.matchAll(pattern)].map((found) => found.slice(1).find(Boolean)!))
  )
}

/** The public members of an object and of what it inherits, without those of every EventEmitter and every object. */
function membersOf(object: object): Set<string> {
  const names = new Set<string>()
  const ends: unknown[] = [EventEmitter.prototype, Object.prototype]
  for (let at = object; !ends.includes(at); at = Object.getPrototypeOf(at) as object) {
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

/** The text between a heading and the next one that is not below it. */
function section(heading: string): string {
  const lines = readme.split('\n')
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading)
  if (start === -1) return ''
  const level = lines[start]!.indexOf(' ')
  const length = lines.slice(start + 1).findIndex((line) => new RegExp(`^#{1,${level}} `).test(line))
  return lines.slice(start + 1, length === -1 ? undefined : start + 1 + length).join('\n')
}
