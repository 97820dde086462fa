import { once } from 'node:events'
import nodeFs from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import * as scandir from '@nodelib/fs.scandir'
import * as fsStat from '@nodelib/fs.stat'
import * as walk from '@nodelib/fs.walk'
import fastGlob, { type Options } from 'fast-glob'
import { fdir } from 'fdir'
import test from 'tape'
import { glob as tinyGlob } from 'tinyglobby'
import { collect, folder } from '../helpers/drives.ts'
import { difference, grounds, onDisk, plant, type Item, type Tree } from '../suites/fs-programs.ts'

const glob7 = createRequire(import.meta.url)('glob')

const limit = { timeout: 240_000 }
const multis = grounds.filter((kind) => kind !== onDisk)

const files = [
  'index.ts',
  'UPPER.TS',
  'a0.ts',
  'a/x.ts',
  'a/x.js',
  'src/a.ts',
  'src/b.ts',
  'src/ab.ts',
  'src/a.d.ts',
  'src/.hidden.ts',
  'src/deep/d.ts',
  'src/deep/er/e.ts',
  'src/deep/er/e.js',
  'src/deep/er/est/f.ts',
  'docs/read me.md',
  'docs/é.ts',
  '.env',
  '.config/settings.ts',
  '[odd]/in brackets.ts',
  '(odd)/in parens.ts'
]
const tree: Tree = new Map<string, Item>([
  ...files.map((path, i): [string, Item] => [
    path,
    { bytes: path.repeat(i), mode: i % 3 ? 0o644 : 0o755, mtime: 1_600_000_000_000 + i * 1500 }
  ]),
  ['empty', { folder: true }],
  ['empty, too/inside', { folder: true, mode: 0o700 }],
  ['links/to file.ts', { link: '../src/a.ts' }],
  ['links/to folder', { link: '../src/deep' }],
  ['links/to link', { link: 'to folder' }],
  ['links/broken.ts', { link: '../none.ts' }]
])
/** A folder in itself, which a walk that follows links enters until the system refuses. */
const loop: Tree = new Map<string, Item>([
  ['in/file.ts', { bytes: 'file' }],
  ['in/again', { link: '.' }]
])

const all: Options = { dot: true, onlyFiles: false }
const follow: Options = { followSymbolicLinks: true }
const stay: Options = { followSymbolicLinks: false }

const cases: [patterns: string[], opts?: Options][] = [
  [['**/*.ts']],
  [['**/*.ts', '!**/er/**', '!src/a*.ts']],
  [['**/*.ts'], { ignore: ['src/deep', 'links/**', 'a0.ts'] }],
  [['**'], { dot: true }],
  [['**'], { dot: false, onlyFiles: false }],
  [['**/*', '.*'], all],
  [['**'], { onlyDirectories: true }],
  [['**'], { onlyDirectories: true, dot: true, markDirectories: true }],
  [['**'], { ...all, markDirectories: true }],
  [['**'], { ...all, stats: true }],
  [['**'], { ...all, ...stay, stats: true }],
  [['**'], { ...all, objectMode: true }],
  [['**'], { ...all, ...stay, objectMode: true }],
  [['**/*.ts'], follow],
  [['**/*.ts'], stay],
  [['links/**'], { ...all, ...stay }],
  [['links/**'], { ...all, ...follow, throwErrorOnBrokenSymbolicLink: true }],
  [['links/*/*'], stay],
  [['links/to link/**'], follow],
  [['**/*.ts'], { deep: 1 }],
  [['**/*.ts'], { deep: 2, onlyFiles: false }],
  [['**/*.ts'], { absolute: true }],
  [['**/*.TS'], { caseSensitiveMatch: false }],
  [['*.ts'], { baseNameMatch: true }],
  [['{src,docs}/*.{ts,md}', 'src/!(a).ts', 'src/+(a|b).ts', 'src/[ab].ts', 'src/?.ts']],
  [['src/*.ts', 'src/a*.ts'], { unique: false }],
  [['**/*.ts'], { concurrency: 1 }],
  [['src/a.ts', 'docs/read me.md', 'none.ts', 'src/none/none.ts', 'src', 'links/to file.ts']],
  [['src/a.ts', 'src', 'empty', 'links/to file.ts', 'links/to folder'], { onlyFiles: false, stats: true }],
  [['links/to file.ts', 'links/to folder'], { ...stay, onlyFiles: false, stats: true }],
  [['links/broken.ts'], { onlyFiles: false }],
  [['\\[odd\\]/*.ts', fastGlob.escapePath('(odd)/in parens.ts')]],
  [['none/**', 'src/none/*']],
  [['src/a.ts/*']],
  [['src/a.ts/*'], { suppressErrors: true }],
  [['src/a.ts/none.ts']]
]

/** What two results on two trees have in common: paths below the tree, and what programs keep. */
function common(found: any, dir: string): unknown {
  if (typeof found === 'string') return found.startsWith(`${dir}/`) ? found.slice(dir.length) : found
  const { name, path, dirent, stats } = found
  return {
    name,
    path: common(path, dir),
    dirent: dirent && [dirent.name, ...kind(dirent)],
    stats: stats && seen(stats)
  }
}

function kind(one: any): string[] {
  return ['isFile', 'isDirectory', 'isSymbolicLink', 'isFIFO', 'isSocket'].filter((is) => one[is]())
}

function seen(stats: any): unknown[] {
  const kept = stats.isFile() ? [stats.size, stats.mode, stats.mtimeMs, stats.mtime] : []
  return [...kind(stats), ...kept]
}

/** What a search finds, a line for each, or the error that it ends with. */
async function outcome(search: () => Promise<any[]>, dir: string): Promise<string[]> {
  try {
    return (await search()).map((found) => JSON.stringify(common(found, dir === '/' ? '' : dir)))
  } catch (err: any) {
    if (err.code === undefined) throw err
    return [`${err.code}, ${err.syscall}`]
  }
}

async function statOf(fs: any, path: string, followSymbolicLink: boolean): Promise<object> {
  return { path, stats: await promisify(fsStat.stat)(path, { fs, followSymbolicLink }) }
}

/** For a stream that ends and never closes, on which an iterator would wait. */
async function flowing(stream: Readable): Promise<unknown[]> {
  const found: unknown[] = []
  stream.on('data', (one) => found.push(one))
  await once(stream, 'end')
  return found
}

/** Programs that take an `fs`, each asked for all that it can find. */
const walkers: Record<string, (fs: any, dir: string) => Promise<any[]>> = {
  '@nodelib/fs.walk': (fs, dir) => promisify(walk.walk)(dir, { fs }),
  '@nodelib/fs.walk following links': (fs, dir) =>
    promisify(walk.walk)(dir, { fs, followSymbolicLinks: true, stats: true }),
  '@nodelib/fs.walk as a stream': (fs, dir) => flowing(walk.walkStream(dir, { fs, stats: true })),
  '@nodelib/fs.walk of a file': (fs, dir) => promisify(walk.walk)(join(dir, 'index.ts'), { fs }),
  '@nodelib/fs.scandir': (fs, dir) => promisify(scandir.scandir)(dir, { fs }),
  '@nodelib/fs.scandir with stats': (fs, dir) => promisify(scandir.scandir)(dir, { fs, stats: true }),
  '@nodelib/fs.scandir of broken links': (fs, dir) =>
    promisify(scandir.scandir)(join(dir, 'links'), { fs, followSymbolicLinks: true }),
  '@nodelib/fs.stat': async (fs, dir) => [await statOf(fs, join(dir, 'links/to file.ts'), true)],
  '@nodelib/fs.stat of a link': async (fs, dir) => [await statOf(fs, join(dir, 'links/to file.ts'), false)],
  glob: (fs, dir) => promisify(glob7)('**', { fs, cwd: dir, dot: true, mark: true, nosort: true }),
  'glob with stats': (fs, dir) =>
    promisify(glob7)('**/*.ts', { fs, cwd: dir, stat: true, nodir: true, follow: true }),
  fdir: (fs, dir) => new fdir({ fs }).withFullPaths().crawl(dir).withPromise(),
  'fdir following links': (fs, dir) =>
    new fdir({ fs }).withSymlinks().withFullPaths().crawl(dir).withPromise(),
  tinyglobby: (fs, dir) => tinyGlob('**', { fs, cwd: dir, dot: true, onlyFiles: false }),
  'tinyglobby with absolute paths': (fs, dir) => tinyGlob('**/*.ts', { fs, cwd: dir, absolute: true })
}

for (const { name, make } of grounds) {
  test(`fast-glob finds on ${name} what it finds on disk`, limit, async (t) => {
    const [disk, { fs, dir }] = [await onDisk.make(t, tree), await make(t, tree, '/')]
    for (const [patterns, opts] of cases) {
      const title = `${patterns.join(' ')} ${opts ? JSON.stringify(opts) : ''}`
      const expected = await outcome(() => fastGlob(patterns, { ...opts, cwd: disk.dir }), disk.dir)
      const on = { ...opts, fs, cwd: dir }
      t.same(difference(await outcome(() => fastGlob(patterns, on), dir), expected), [], title)
      const stream = () => collect(fastGlob.stream(patterns, on))
      t.same(difference(await outcome(stream, dir), expected), [], `${title} as a stream`)
    }
  })

  test(`fast-glob ends in a folder that links to itself on ${name}`, limit, async (t) => {
    const [disk, { fs, dir }] = [await onDisk.make(t, loop), await make(t, loop, '/')]
    const expected = await outcome(() => fastGlob('**', { ...all, cwd: disk.dir }), disk.dir)
    t.ok(expected.length > 40)
    t.same(difference(await outcome(() => fastGlob('**', { ...all, cwd: dir, fs }), dir), expected), [])
  })

  test(`other walkers find on ${name} what they find on disk`, limit, async (t) => {
    const [disk, { fs, dir }] = [await onDisk.make(t, tree), await make(t, tree)]
    for (const [title, search] of Object.entries(walkers)) {
      const expected = await outcome(() => search(nodeFs, disk.dir), disk.dir)
      t.ok(expected.length > 0, `${title} finds something`)
      t.same(difference(await outcome(() => search(fs, dir), dir), expected), [], title)
    }
  })
}

for (const { name, make } of multis) {
  test(`fast-glob and the others never look at the disk through ${name}`, limit, async (t) => {
    const real = await folder(t)
    await plant(nodeFs, real, tree)
    const { fs } = await make(t, new Map([['file', { bytes: 'ours' }]]), '/elsewhere')
    for (const [patterns, opts] of cases) {
      const found = await outcome(() => fastGlob(patterns, { ...opts, fs, cwd: real }), real)
      t.same(found, [], `${patterns.join(' ')} ${opts ? JSON.stringify(opts) : ''}`)
    }
    for (const [title, search] of Object.entries(walkers)) {
      const found = await outcome(() => search(fs, real), real)
      t.same(
        found.filter((line) => !line.startsWith('ENOENT, ')),
        [],
        title
      )
    }

    await plant(fs, real, new Map([['src/a.ts', { bytes: 'of the drive' }]]))
    for (const patterns of ['**', 'src/a.ts']) {
      const found = await fastGlob(patterns, { fs, cwd: real, stats: true })
      t.same(
        found.map(({ path, stats }) => [path, stats!.size]),
        [['src/a.ts', 12]]
      )
    }
  })
}
