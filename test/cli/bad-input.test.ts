/** What cannot be meant, or is not there: one line that says what to do, and an exit code. */
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type Test } from 'tape'
import { COMMANDS } from '../../lib/cli/commands/index.ts'
import { Storage } from '../../lib/cli/storage.ts'
import { tell } from '../../lib/cli/errors.ts'
import { isFaster, took } from '../helpers/clock.ts'
import { cli, ownDrives, values } from '../helpers/cli.ts'
import { folderOf, treeOf } from '../helpers/disk.ts'
import { folder } from '../helpers/drives.ts'

/** What each command takes at least. */
const ARGS: Record<string, string[]> = {
  cat: ['/a'],
  cp: ['drive:/a', 'drive:/b'],
  diff: ['--since', 'v1'],
  find: ['*'],
  get: ['/a'],
  log: ['/a'],
  mv: ['/a', '/b'],
  put: ['-', '/a'],
  resolve: ['/a', '--delete'],
  rm: ['/a'],
  stat: ['/a'],
  sync: ['drive:/', '.']
}

/** Runs a command that has to fail: with a code, and one line. */
async function fails(t: Test, argv: string[], code: number, line: RegExp): Promise<void> {
  const title = argv.join(' ')
  const ran = await cli(argv, { input: 'bytes' })
  t.is(ran.code, code, title)
  t.ok(line.test(ran.err), `${title}: ${ran.err}`)
  t.ok(/^multidrive[^\n]*\n$/.test(ran.err), 'one line')
  t.is(ran.out, '')
}

const overDrives = COMMANDS.filter(({ over }) => over === 'drives')

test('every command without -d', async (t) => {
  for (const { name } of overDrives)
    await fails(t, [name, ...(ARGS[name] ?? [])], 2, /no drive is named \(add -d FOLDER or -d hd:\/\/KEY/)
})

test('every command over a folder that is not there, over a file, and over a key that is none', async (t) => {
  const files = await folderOf(t, { file: '' })
  for (const { name, failure = 1 } of overDrives) {
    const args = ARGS[name] ?? []
    await fails(
      t,
      [name, '-d', join(files, 'nope'), ...args],
      failure,
      /ENOENT: no such folder: .*make it first/
    )
    await fails(t, [name, '-d', join(files, 'file'), ...args], failure, /ENOTDIR: not a folder/)
    await fails(
      t,
      [name, '-d', `hd://${'ab'.repeat(31)}`, ...args],
      2,
      /KEY_INVALID: [^(]*\([^()]*hex[^()]*\)\n$/
    )
  }
  await fails(t, ['ls', '-d', 'ab'.repeat(32)], 1, /ENOENT.*a key is written hd:\/\/KEY/)
  await fails(t, ['ls', '-d', ''], 2, /-d is given nothing/)
})

test('every command has a help with examples that name it', async (t) => {
  for (const { name } of COMMANDS) {
    const { code, out, err } = await cli([name, '--help'])
    t.same([code, err], [0, ''], name)
    t.ok(out.includes('Examples:\n'), out)
    const examples = out.slice(out.indexOf('Examples:\n')).split('\n').slice(1).filter(Boolean)
    t.same(
      examples.filter((line) => !line.startsWith(`  $ multidrive ${name}`) || line.includes('npx')),
      []
    )
    t.ok(out.includes('--json'))
    t.is((await cli(['help', name])).out, out)
  }
  const { code, out } = await cli(['--help'])
  t.is(code, 0)
  for (const { name, summary } of COMMANDS) t.ok(out.includes(`  ${name} `) && summary !== '', name)
  t.ok(out.includes('Exit codes: 0 '))
})

test('what is no command, no option, and too much or too little', async (t) => {
  const ann = await folderOf(t, { a: '' })
  await fails(t, ['lss'], 2, /unknown command 'lss' \(Did you mean ls\?\) \(see multidrive --help\)/)
  await fails(t, ['ls', '--nope'], 2, /unknown option '--nope'/)
  await fails(t, ['cat', '-d', ann], 2, /missing required argument 'path' \(see multidrive cat --help\)/)
  await fails(t, ['ls', '-d', ann, '/', '/b'], 2, /too many arguments/)
  await fails(t, ['ls', '-d', ann, '--timeout', 'soon'], 2, /It is a number of seconds/)
  await fails(t, ['ls', '-d', ann, '--timeout', '0'], 2, /It is a number of seconds/)
  await fails(t, ['ls', '-d', ann, '--bootstrap', 'nowhere'], 2, /It is HOST:PORT/)
  await fails(t, ['log', '-d', ann, '-n', '0', '/a'], 2, /It is a whole number from 1 on/)
  await fails(t, ['watch', '-d', ann, '-n', 'x'], 2, /It is a whole number from 1 on/)
  const { code, out, err } = await cli([])
  t.same([code, out], [2, ''])
  t.ok(err.startsWith('Usage: multidrive'), 'with nothing at all: the help')
})

test('paths that are not there, folders where files are meant, and files where folders are', async (t) => {
  const ann = await folderOf(t, { a: '', 'b/c': '' })
  const at = ['-d', ann]
  for (const argv of [
    ['ls', '/x'],
    ['tree', '/x'],
    ['cat', '/x'],
    ['stat', '/x'],
    ['find', '*', '/x'],
    ['rm', '/x'],
    ['mv', '/x', '/y'],
    ['cp', 'drive:/x', '.'],
    ['cp', 'drive:/x', 'drive:/y'],
    ['sync', 'drive:/x', '.'],
    ['log', '/x']
  ])
    await fails(t, [argv[0]!, ...at, ...argv.slice(1)], 1, /ENOENT.*\/x.*multidrive ls/)
  for (const argv of [
    ['put', '/no/such/file'],
    ['cp', '/no/such/file', 'drive:/'],
    ['resolve', '/a', '--file', '/no/such/file']
  ]) {
    const [name, ...args] = argv as [string, ...string[]]
    await fails(
      t,
      [name, ...at, ...args],
      1,
      /ENOENT: no such file on the disk: \/no\/such\/file \(a file of the disk/
    )
  }
  await fails(t, ['sync', ...at, '/no/such/folder', 'drive:/'], 1, /ENOENT: no such folder/)
  await fails(t, ['share', '/no/such/folder'], 1, /ENOENT: no such folder/)
  await fails(t, ['share', join(ann, 'a')], 1, /ENOTDIR: not a folder/)

  await fails(t, ['cat', ...at, '/b'], 1, /EISDIR/)
  await fails(t, ['cat', ...at, '/'], 1, /EISDIR/)
  await fails(t, ['put', ...at, join(ann, 'b')], 1, /EISDIR.*cp -r/)
  await fails(t, ['put', ...at, '-', '/b'], 2, /a folder: \/b \(name the file in it/)
  await fails(t, ['put', ...at, '-'], 2, /- has no name/)
  await fails(t, ['put', ...at, '-', '/a/x'], 1, /ENOTDIR/)
  await fails(t, ['rm', ...at, '-r', '/'], 1, /EBUSY.*root itself/)
  await fails(t, ['mv', ...at, '/', '/x'], 1, /EBUSY.*root itself/)
  await fails(t, ['tree', ...at, '/a'], 1, /ENOTDIR/)
  await fails(t, ['find', ...at, '*', '/a'], 1, /ENOTDIR/)
  await fails(t, ['sync', ...at, 'drive:/a', '.'], 1, /ENOTDIR/)
  await fails(t, ['sync', ...at, join(ann, 'a'), 'drive:/'], 1, /ENOTDIR/)
})

test('options that say nothing, or two things', async (t) => {
  const ann = await folderOf(t, { a: '' })
  const at = ['-d', ann]
  await fails(
    t,
    ['cp', ...at, '/a', '/b'],
    2,
    /neither is in the drives \(a path in the drives is written drive:/
  )
  await fails(t, ['sync', ...at, 'drive:/a', 'drive:/b'], 2, /both are in the drives/)
  await fails(t, ['sync', ...at, 'a', 'b'], 2, /neither is in the drives/)
  await fails(t, ['diff', ...at], 2, /needs exactly one of --since and --with/)
  await fails(t, ['diff', ...at, '--since', 'v1', '--with', ann], 2, /needs exactly one of/)
  await fails(t, ['diff', ...at, '--with', ann, '--to', 'v1'], 2, /--to goes with --since/)
  await fails(t, ['resolve', ...at, '/a'], 2, /needs exactly one of --keep, --file and --delete/)
  await fails(t, ['resolve', ...at, '/a', '--delete', '--keep', ann], 2, /needs exactly one of/)
  await fails(t, ['resolve', ...at, '/a', '--keep', await folder(t)], 2, /--keep is none of the drives/)
  await fails(t, ['tag', ...at, '--delete'], 2, /no name/)
  await fails(t, ['find', ...at, '-t', 'folder', '*'], 2, /--type is file or link/)
  await fails(t, ['find', ...at, ''], 2, /the glob is empty/)
})

test('tags and versions that are none', async (t) => {
  const { storage, links } = await ownDrives(t, 2)
  const [one, two] = links.map((link) => ['-d', link, '--storage', storage]) as [string[], string[]]
  await fails(
    t,
    ['cat', ...one, '--at', 'v1', '/a'],
    1,
    /TAG_NOT_FOUND: no such tag or version: v1 \(.*multidrive tag/
  )
  await fails(t, ['diff', ...one, '--since', 'v1'], 2, /TAG_NOT_FOUND/)
  await fails(t, ['tag', ...one, '--delete', 'v1'], 1, /TAG_NOT_FOUND/)
  await fails(t, ['tag', ...one, '--of', 'v1', 'v2'], 1, /TAG_NOT_FOUND/)
  const put = await cli(['put', ...two, '-', '/a'], { input: 'text' })
  t.is(put.code, 0)
  const { out } = await cli(['tag', ...two, 'v1', '--json'])
  const { version } = JSON.parse(out) as { version: string }
  await fails(t, ['ls', ...one, '--at', version], 1, /VERSION_NOT_AVAILABLE.*same drives/)
})

test('drives of which none can be written to', async (t) => {
  const ann = await folderOf(t, { a: '', 'b/c': '' })
  const at = ['-d', `${ann}:ro`]
  const none = /EROFS.*no writable drive among .*:ro.*-d \.\/folder/
  await fails(t, ['put', ...at, '-', '/x'], 1, none)
  await fails(t, ['rm', ...at, '/a'], 1, none)
  await fails(t, ['rm', ...at, '-r', '/b'], 1, none)
  await fails(t, ['mv', ...at, '/a', '/x'], 1, none)
  await fails(t, ['cp', ...at, 'drive:/a', 'drive:/x'], 1, none)
  await fails(t, ['cp', ...at, join(ann, 'a'), 'drive:/x'], 1, none)
  await fails(t, ['sync', ...at, ann, 'drive:/x'], 1, /EROFS/)
  await fails(t, ['resolve', ...at, '/a', '--delete'], 1, none)
  await fails(t, ['tag', ...at, 'v1'], 1, none)
})

test('a key that nobody has', async (t) => {
  const storage = await folder(t)
  const key = `hd://${'0'.repeat(63)}1`
  // Nobody listens at this address.
  const at = ['-d', key, '--storage', storage, '--bootstrap', '127.0.0.1:9', '--timeout', '0.5']
  const turn = () => took(fails(t, ['ls', ...at], 1, /CONNECTION_FAILED.*longer --timeout/))
  t.ok(await isFaster(5000, turn), 'in its time')
})

test('with --json an error is one value too, and with --verbose it says where', async (t) => {
  const ann = await folderOf(t, {})
  const { code, err } = await cli(['cat', '--json', '-d', ann, '/x'])
  t.is(code, 1)
  const { error, path, message, hint } = JSON.parse(err)
  t.same([error, path], ['ENOENT', '/x'])
  t.ok(message.startsWith('ENOENT: ') && hint !== '')
  t.is(err.split('\n').length, 2)
  const verbose = await cli(['cat', '--verbose', '-d', ann, '/x'])
  t.ok(/\n {4}at /.test(verbose.err))
  const bad = await cli(['ls', '--json', '--nonsense', '-d', '.'])
  t.is(bad.code, 2)
  t.same([JSON.parse(bad.err).error, bad.out], ['USAGE', ''], 'also where the command line cannot be meant')
  for (const address of ['127.0.0.1:99999', '127.0.0.1:0', '127.0.0.1'])
    t.is((await cli(['ls', '-d', '.', '--bootstrap', address])).code, 2, address)
})

test('a share of which it is lost what key it had never gets another one by itself', async (t) => {
  const [storage, ann] = [await folder(t), await folder(t)]
  await new Storage(storage).shareOf(ann)
  const [name] = await readdir(join(storage, 'shares'))
  for (const text of ['', '{}', '{"id":"x"}']) {
    await writeFile(join(storage, 'shares', name!), text)
    await fails(t, ['share', ann, '--storage', storage], 1, /STORAGE_BROKEN: .*shares.*remove it/)
  }
})

test('a folder that nothing can be written to, as it lies in the way', async (t) => {
  const ann = await folderOf(t, { a: 'text' })
  const disk = await folder(t)
  await writeFile(join(disk, 'file'), '')
  await fails(t, ['cp', '-d', ann, 'drive:/a', join(disk, 'file', 'a')], 1, /^multidrive cp: /)
  await fails(t, ['sync', '-d', ann, 'drive:/', join(disk, 'file')], 1, /ENOTDIR/)
})

test('what is said twice of an error is said once', async (t) => {
  const ann = await folderOf(t, { 'b/c': '' })
  await fails(
    t,
    ['rm', '-d', ann, '/b'],
    1,
    /^multidrive rm: ERR_FS_EISDIR: a folder: \/b \(add -r [^()]*\)$/m
  )
  const key = `hd://${'0'.repeat(63)}1`
  const away = ['-d', key, '--storage', await folder(t), '--bootstrap', '127.0.0.1:9', '--timeout', '0.2']
  const { err } = await cli(['ls', ...away])
  t.is(err.split('was found').length, 2, err)
  t.is(tell(Object.assign(new Error('moved'), { code: 'DEVICE_FILE' })).hint?.includes('--storage'), true)
})

test('a folder that is not there', async (t) => {
  const ann = await folderOf(t, { a: '' })
  for (const path of ['/nope', '/a']) {
    const line = path === '/a' ? /ENOTDIR.*\/a/ : /ENOENT.*\/nope/
    await fails(t, ['conflicts', '-d', ann, path], 1, line)
    await fails(t, ['watch', '-d', ann, path], 1, line)
    await fails(t, ['diff', '-d', ann, '--with', ann, path], 2, line)
  }
  const { storage, links } = await ownDrives(t, 1)
  const mine = ['-d', links[0]!, '--storage', storage]
  t.is((await cli(['put', ...mine, '-', '/docs/x'], { input: '' })).code, 0)
  t.is((await cli(['tag', ...mine, 'v1'])).code, 0)
  await fails(t, ['diff', ...mine, '--since', 'v1', '/nope'], 2, /ENOENT.*\/nope/)
  t.is((await cli(['rm', ...mine, '-r', '/docs'])).code, 0)
  t.is((await cli(['diff', ...mine, '--since', 'v1', '/docs'])).out, '- /docs/x\n', 'one that was there')
})

test('resolve where there is no conflict', async (t) => {
  const ann = await folderOf(t, { a: 'text', 'b/c': '' })
  const none = /NO_CONFLICT: no conflict there: .* \(`multidrive conflicts`/
  await fails(t, ['resolve', '-d', ann, '/a', '--delete'], 1, none)
  await fails(t, ['resolve', '-d', ann, '/a', '--file', '-'], 1, none)
  await fails(t, ['resolve', '-d', ann, '/a', '--keep', ann], 1, none)
  await fails(t, ['resolve', '-d', ann, '/nope', '--delete'], 1, none)
  t.same(await treeOf(ann), { a: 'text', 'b/c': '' })
})

test('tags of what has no versions, and tags that are there', async (t) => {
  const ann = await folderOf(t, { a: '' })
  await fails(t, ['tag', '-d', ann, 'v1'], 1, /NO_VERSIONS: folders of the disk keep no versions \(/)
  const { storage, links } = await ownDrives(t, 1)
  const mine = ['-d', links[0]!, '--storage', storage]
  const put = async (input: string) => {
    t.is((await cli(['put', ...mine, '-', '/a'], { input })).code, 0)
  }
  await put('1')
  const [first] = await values(t, 'tag', ...mine, 'v1')
  await put('2')
  await fails(t, ['tag', ...mine, 'v1'], 1, /EEXIST: the tag v1 is given already, to [^ ]+ \(.*--force/)
  t.is((await cli(['cat', ...mine, '--at', 'v1', '/a'])).out, '1')
  const [moved] = await values(t, 'tag', ...mine, '--force', 'v1')
  t.is(moved.was, first.version)
  t.is((await cli(['cat', ...mine, '--at', 'v1', '/a'])).out, '2')
})
