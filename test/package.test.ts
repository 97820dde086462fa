/** The package as its users get it: packed, installed in an empty folder, loaded, run, and type-checked from there. */
import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'tape'

const root = fileURLToPath(new URL('..', import.meta.url))
const run = promisify(execFile)
const installing = install()
// Each test waits for it; here it must not end the process first.
installing.catch(() => undefined)

test('the tarball holds what users need and nothing else', async (t) => {
  const { files } = await installing
  for (const file of [
    'dist/index.js',
    'dist/index.d.ts',
    'dist/lib/cli/main.js',
    'dist/lib/loader/index.js',
    'dist/lib/loader/index.d.ts',
    'lib/format/FORMAT.md',
    'package.json',
    'README.md',
    'CHANGELOG.md'
  ])
    t.ok(files.includes(file), file)
  const strangers = files.filter(
    (file) =>
      !/^(dist\/(index|lib\/.*)\.(js|d\.ts|js\.map)|lib\/format\/FORMAT\.md|[^/]+)$/.test(file) ||
      /\b(test|demo)\b/.test(file)
  )
  t.same(strangers, [])
})

test("import MultiDrive from 'multidrive'", async (t) => {
  const { folder } = await installing
  const script = `
    import assert from 'node:assert'
    import MultiDrive, * as names from 'multidrive'
    ${JOB}
    assert.equal(names.MultiDrive, MultiDrive)
    assert.equal(names.default, MultiDrive)
    console.log(JSON.stringify({ names: Object.keys(names).sort(), view: await job(MultiDrive) }))
  `
  t.same(JSON.parse(await node(folder, 'job.mjs', script)), {
    names: ['ERRORS', 'MultiDrive', 'MultiDriveError', 'byMtime', 'byOrder', 'default', 'module.exports'],
    view: ['/a=new', '/b=local']
  })
})

test("require('multidrive') is the class, with and without new", async (t) => {
  const { folder } = await installing
  const script = `
    const assert = require('node:assert')
    const MultiDrive = require('multidrive')
    ${JOB}
    assert.equal(typeof MultiDrive, 'function')
    job(MultiDrive).then(async (withNew) => {
      const without = await job(function () { return MultiDrive(...arguments) })
      console.log(JSON.stringify([withNew, without]))
    })
  `
  t.same(JSON.parse(await node(folder, 'job.cjs', script)), [
    ['/a=new', '/b=local'],
    ['/a=new', '/b=local']
  ])
})

test("require('multidrive/loader') is the class, and loads", async (t) => {
  const { folder } = await installing
  const script = `
    const assert = require('node:assert')
    const HyperDriveDL = require('multidrive/loader')
    const BaseDL = require('@qvac/dl-base')
    import('multidrive/loader').then(async (names) => {
      assert.equal(names.default, HyperDriveDL)
      assert.equal(names.HyperDriveDL, HyperDriveDL)
      const { default: Localdrive } = await import('localdrive')
      const drive = new Localdrive('./loaded')
      await drive.put('/weights.bin', 'bytes')
      const loader = new HyperDriveDL({ drive })
      assert(loader instanceof BaseDL)
      await loader.ready()
      let text = ''
      for await (const chunk of await loader.getStream('weights.bin')) text += chunk
      console.log(JSON.stringify([text, await loader.list('/', { names: true })]))
      await loader.close()
    })
  `
  t.same(JSON.parse(await node(folder, 'loader.cjs', script)), ['bytes', ['weights.bin']])
})

test('npx multidrive', async (t) => {
  const { folder } = await installing
  const manifest = await readFile(join(root, 'package.json'), 'utf8')
  const { version } = JSON.parse(manifest) as { version: string }
  const bin = join(folder, 'node_modules', '.bin', 'multidrive')
  const shell = process.platform === 'win32'
  t.is((await run(bin, ['--version'], { shell })).stdout, `${version}\n`)
  await mkdir(join(folder, 'files'))
  await writeFile(join(folder, 'files', 'a.txt'), 'text')
  t.is((await run(bin, ['cat', '-d', join(folder, 'files'), '/a.txt'], { shell })).stdout, 'text')
})

test('every entry of exports can be imported and required', async (t) => {
  const { folder } = await installing
  const manifest = await readFile(join(folder, 'node_modules', 'multidrive', 'package.json'), 'utf8')
  const entries = Object.keys((JSON.parse(manifest) as { exports: object }).exports)
  t.ok(entries.includes('.'))
  for (const entry of entries) {
    const name = 'multidrive' + entry.slice(1)
    const options = name.endsWith('.json') ? ", { with: { type: 'json' } }" : ''
    const script = `
      import { createRequire } from 'node:module'
      const imported = await import('${name}'${options})
      const required = createRequire(import.meta.url)('${name}')
      if (!imported || !required) throw new Error('nothing there')
      console.log('loaded')
    `
    t.is(await node(folder, 'load.mjs', script), 'loaded\n', name)
  }
})

test('a strict consumer compiles against the types, which lean on nothing untyped', async (t) => {
  const { folder } = await installing
  await writeFile(join(folder, 'consumer.mts'), ESM)
  await writeFile(join(folder, 'consumer.cts'), CJS)
  await writeFile(join(folder, 'example.mts'), await firstExample())
  // Libraries are checked too: a declaration of ours that names a package without types would fail here.
  const compiler = {
    noEmit: true,
    strict: true,
    skipLibCheck: false,
    exactOptionalPropertyTypes: true,
    module: 'nodenext',
    target: 'es2022',
    lib: ['es2024'],
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')]
  }
  t.is(await compile(folder, compiler, ['consumer.mts', 'consumer.cts', 'example.mts']), 'it compiles')
})

test('a consumer compiles whose types of Node have more members than ours', async (t) => {
  const { folder } = await installing
  await writeFile(join(folder, 'later.mts'), LATER)
  const compiler = {
    noEmit: true,
    strict: true,
    skipLibCheck: false,
    module: 'nodenext',
    target: 'es2022',
    lib: ['es2024'],
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')]
  }
  t.is(await compile(folder, compiler, ['later.mts']), 'it compiles')
})

test('a consumer compiles that finds modules as of old, without esModuleInterop', async (t) => {
  const { folder } = await installing
  await writeFile(join(folder, 'old.ts'), OLD)
  const compiler = {
    noEmit: true,
    strict: true,
    skipLibCheck: false,
    module: 'commonjs',
    moduleResolution: 'node10',
    ignoreDeprecations: '6.0',
    esModuleInterop: false,
    allowSyntheticDefaultImports: false,
    target: 'es2022',
    lib: ['es2024'],
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')]
  }
  t.is(await compile(folder, compiler, ['old.ts']), 'it compiles')
})

/** A job on real drives, told as a list of paths and texts. */
const JOB = `
  async function job (MultiDrive) {
    const [Corestore, Hyperdrive, Localdrive] =
      (await Promise.all([import('corestore'), import('hyperdrive'), import('localdrive')])).map((m) => m.default)
    const fs = await import('node:fs/promises')
    const { join } = await import('node:path')
    const folder = await fs.mkdtemp(join(process.cwd(), 'job-'))
    await fs.mkdir(join(folder, 'local'))
    await fs.writeFile(join(folder, 'local', 'b'), 'local')
    const own = new Hyperdrive(new Corestore(join(folder, 'store')))
    const multi = new MultiDrive(own)
    await multi.addDrive(new Localdrive(join(folder, 'local')))
    await multi.put('/a', 'old')
    await multi.put('/a', 'new')
    const view = []
    for await (const { key } of multi.list('/')) view.push(key + '=' + await multi.get(key))
    await multi.close()
    return view
  }
`

const ESM = `
import type { BigIntStats, Stats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import MultiDrive, {
  byMtime,
  byOrder,
  ERRORS,
  MultiDrive as Named,
  MultiDriveError,
  type Batch,
  type Comparator,
  type DiffItem,
  type Drive,
  type Entry,
  type EntryDifference,
  type HistoryItem,
  type MountAt,
  type MultiDriveOptions,
  type PathConflict,
  type ReadableOf
} from 'multidrive'
import HyperDriveDL, {
  TransferError,
  type DownloadReport,
  type DownloadResult,
  type HyperDriveDLOptions,
  type ListedFile,
  type LoaderDownload,
  type ProgressReporter
} from 'multidrive/loader'
import { Writable, type Readable } from 'streamx'

class Mine {
  async entry(path: string) { return { key: path, value: null } }
  async *list() { yield { key: '/a' } }
  createReadStream() { return (async function* () { yield new Uint8Array(1) })() }
}
const drive: Drive = new Mine()
const opts: MultiDriveOptions = { compareStats: byOrder, maxClockSkew: 1000 }
const multi: Named = new MultiDrive(drive, opts)
const called: Named = MultiDrive(new Mine())
const newest: Comparator = (a, b) => byMtime(a, b) || a.key.length - b.key.length
multi.compareStats = newest
const entry: Entry | null = await multi.entry('/a', { wait: false, timeout: 3, follow: true })
const bytes: Buffer | null = await multi.get(entry ?? '/a')
const batch: Batch = multi.batch()
await batch.put('/a', bytes ?? 'text', { metadata: { mtime: 1 } })
const added: Promise<Drive> = multi.addDrive(drive, { sparse: true, tombstones: false })
multi.addDrive(drive, (err: Error | null, value?: Drive) => { void [err, value] })
multi.on('drive-add', (drive: Drive) => { void drive })
for await (const found of multi) { const key: string = found.key; void key }
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function gives<T>(): <V>(value: V, ...same: Same<V, T> extends true ? [] : [never]) => void
for (const drives of [multi, multi.checkout(multi.version)]) {
  for await (const item of drives) gives<Entry>()(item)
  for await (const item of drives.list()) gives<Entry>()(item)
  for await (const item of drives.list('/', { recursive: false })) gives<Entry>()(item)
  for await (const item of drives.entries({ gte: '/a', limit: 1 })) gives<Entry>()(item)
  for await (const item of drives.readdir('/', { timeout: 1 })) gives<string>()(item)
  for await (const item of drives.diff('', '/')) gives<EntryDifference>()(item)
  for await (const item of drives.createDiffStream(drives)) gives<DiffItem>()(item)
  for await (const item of drives.history('/a', { limit: 1 })) gives<HistoryItem>()(item)
  for await (const item of drives.conflicts()) gives<PathConflict>()(item)
  for await (const item of drives.conflicts({ folder: '/' })) gives<PathConflict>()(item)
  for await (const item of drives.createMountStream({ recursive: false })) gives<MountAt>()(item)
}
for await (const item of batch.list()) gives<Entry>()(item)
for await (const item of batch.readdir()) gives<string>()(item)
for await (const pair of multi.watch('/')) gives<[current: MultiDrive, previous: MultiDrive]>()(pair)
const names: ReadableOf<string> = multi.readdir()
const stream: Readable = names
gives<string | null>()(names.read())
for await (const item of multi.list()) {
  // @ts-expect-error What a listing gives is known.
  gives<unknown>()(item)
}
void stream.on('data', () => undefined).pipe(new Writable())
const asNodes: [Stats, BigIntStats, FileHandle] = [
  await multi.promises.stat('/a'),
  await multi.promises.stat('/a', { bigint: true }),
  await multi.promises.open('/a')
]
void asNodes
const options: HyperDriveDLOptions = { drive: multi, bootstrap: ['127.0.0.1:1', { host: 'a', port: 1 }], timeout: 1 }
const loader = new HyperDriveDL(options)
gives<ListedFile[]>()(await loader.list())
gives<string[]>()(await loader.list('/', { names: true }))
for await (const chunk of await loader.getStream('/a', { start: 1 })) gives<Buffer>()(chunk)
const reporter: ProgressReporter = { update: (file, bytes) => void [file, bytes], completeFile: () => undefined }
const download: LoaderDownload = await loader.download('/a', reporter)
await loader.download('/a', { diskPath: '.', progressCallback: (report: DownloadReport) => void report.loadedSize })
for (const { error } of await download.await()) gives<TransferError | null>()(error)
gives<Promise<DownloadResult[]>>()(download.await())
gives<boolean>()(await loader.deleteLocal())
gives<number>()(await loader.getFileSize('/a'))
// @ts-expect-error A key is a text.
void new HyperDriveDL({ key: 1 })
// @ts-expect-error A path is no number.
await multi.get(1)
// @ts-expect-error A MultiDrive has no one core.
void multi.core
// @ts-expect-error What lacks a method is no drive.
void new MultiDrive({ entry: async () => null })
void [called, added, ERRORS.EROFS, new MultiDriveError('EROFS', '')]
`

const CJS = `
import MultiDrive = require('multidrive')
import type { Drive, Entry } from 'multidrive'
import HyperDriveDL = require('multidrive/loader')
declare const drive: Drive
const loaded: Promise<boolean> = new HyperDriveDL({ drive }).cached('/a')
void loaded
const made: Promise<Entry | null> = new MultiDrive(drive).entry('/a')
const called: Promise<Buffer | null> = MultiDrive(drive, { compareStats: MultiDrive.byOrder }).get('/a')
void [made, called, MultiDrive.MultiDriveError]
`

const LATER = `
import type * as fs from 'node:fs'
import type * as promises from 'node:fs/promises'
import MultiDrive, { type Drive } from 'multidrive'
declare module 'fs' {
  interface StatsBase<T> { inLaterVersions: T }
}
declare module 'fs/promises' {
  interface FileHandle { inLaterVersions(): void }
}
export type Later = [fs.Stats['inLaterVersions'], promises.FileHandle['inLaterVersions']]
declare const drive: Drive
const multi = new MultiDrive(drive)
const handle = await multi.promises.open('/a')
const size: bigint = (await handle.stat({ bigint: true })).size
const bytes: Buffer = await multi.promises.readFile(handle)
await multi.promises.writeFile(handle, bytes)
await multi.promises.appendFile(handle, 'text', 'utf8')
for await (const chunk of handle.readableWebStream()) void [chunk, size]
`

const OLD = `
import { MultiDrive, type Drive } from 'multidrive'
declare const drive: Drive
export async function use () {
  const multi = new MultiDrive(drive)
  await multi.ready()
  const opened: boolean = multi.opened
  multi.once('close', () => { void opened })
  for await (const { key } of multi.list()) { const path: string = key; void path }
  const size: number = (await multi.promises.stat('/a')).size
  // @ts-expect-error What it has is known.
  multi.nothing(size)
}
`

/** What the compiler says. */
async function compile(folder: string, compilerOptions: object, files: string[]): Promise<string> {
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  return run(process.execPath, [tsc, '-p', folder]).then(
    () => 'it compiles',
    (err: unknown) => (err as { stdout: string }).stdout
  )
}

/** The first example of the README, as the user of it types it in. */
async function firstExample(): Promise<string> {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const code = /^```js\n([^]*?)^```$/m.exec(readme)![1]!
  return code.replace(
    /^import .* from '(corestore|hyperdrive)'$/gm,
    '// @ts-expect-error It has no types.\n$&'
  )
}

async function install(): Promise<{ folder: string; files: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'multidrive-test-package-'))
  test.onFinish(() => rmSync(folder, { recursive: true, force: true }))
  const packed = await npm(root, ['pack', '--json', '--silent', '--pack-destination', folder])
  const [{ filename, files }] = JSON.parse(packed.slice(packed.indexOf('['))) as [
    { filename: string; files: { path: string }[] }
  ]
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true }))
  await npm(folder, ['install', '--no-audit', '--no-fund', '--prefer-offline', join(folder, filename)])
  return { folder, files: files.map(({ path }) => path) }
}

/** Runs npm as from a shell of its own: what an npm around this test says of its package is not about ours. */
async function npm(cwd: string, args: string[]): Promise<string> {
  const env = Object.entries(process.env).filter(
    ([name]) => !/^npm_(package_|lifecycle_|command$|config_local_prefix$)/.test(name)
  )
  const shell = process.platform === 'win32'
  const { stdout } = await run('npm', args, { cwd, env: Object.fromEntries(env), shell, maxBuffer: 1 << 24 })
  return stdout
}

/** What a script prints that runs where the package is installed. */
async function node(folder: string, name: string, script: string): Promise<string> {
  await writeFile(join(folder, name), script)
  const { stdout } = await run(process.execPath, [name], { cwd: folder })
  return stdout
}
