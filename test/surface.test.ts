/** The arrows between files, read from their import lines (design, "Layers"). */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'tape'

const root = fileURLToPath(new URL('..', import.meta.url))

/** From the bottom up. A file may import its own layer and those below; a new folder has to find its place here. */
const LAYERS = [
  /^lib\/(format\/.*|path|errors|drive|callback|turns|wait)\.ts$/,
  /^lib\/sources\/.*\.ts$/,
  /^lib\/overlay\/.*\.ts$/,
  /^lib\/faces\/.*\.ts$/,
  /^lib\/(drive-set|checkout-set|extension|finding-peers|mounts|replication|run-all)\.ts$/,
  /^lib\/multi-drive\.ts$/,
  /^index\.ts$/,
  /^lib\/share\/.*\.ts$/,
  /^lib\/loader\/.*\.ts$/,
  /^lib\/cli\/.*\.ts$/,
  /^lib\/demo\/.*\.ts$/
]

const IMPORT = /^(?:import|export)\b[^'"`;=()]*?\bfrom '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm

const files = ['index.ts', ...readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' })]
  .map((file) => (file === 'index.ts' ? file : posix.join('lib', file.split(sep).join('/'))))
  .filter((file) => file.endsWith('.ts'))
  .sort()
const imports = new Map(files.map((file) => [file, importsOf(file)]))

test('import lines are read', (t) => {
  t.ok(files.length > 30)
  t.ok(imports.get('index.ts')!.local.includes('lib/multi-drive.ts'))
  t.ok(imports.get('lib/faces/drive/reading.ts')!.packages.includes('mirror-drive'))
  t.ok(
    imports.get('lib/overlay/view.ts')!.local.includes('lib/sources/source.ts'),
    'those over many lines too'
  )
  const missing = [...imports.values()].flatMap(({ local }) => local).filter((file) => !imports.has(file))
  t.same(missing, [], 'and lead to files')
  t.end()
})

test('every file has its layer, and imports nothing from above', (t) => {
  t.same(
    files.filter((file) => layer(file) === -1),
    []
  )
  t.same(
    arrows((from, to) => layer(to) > layer(from)),
    []
  )
  t.end()
})

test('the overlay knows sources, but no kind of drive by name', (t) => {
  t.same(
    arrows(
      (from, to) =>
        from.startsWith('lib/overlay/') && !/^lib\/sources\/(source|at)\.ts$/.test(to) && layer(to) === 1
    ),
    []
  )
  t.same(
    uses((from, name) => from.startsWith('lib/overlay/') && /drive|store|core|bee|sub-encoder/.test(name)),
    []
  )
  t.end()
})

test('kinds of sources do not know each other', (t) => {
  const kind = (file: string) => /^lib\/sources\/(\w+)\//.exec(file)?.[1]
  t.same(
    arrows((from, to) => kind(from) !== undefined && kind(to) !== undefined && kind(from) !== kind(to)),
    []
  )
  t.end()
})

test('only index.ts imports multi-drive.ts', (t) => {
  t.same(
    arrows((_from, to) => to === 'lib/multi-drive.ts'),
    ['index.ts -> lib/multi-drive.ts']
  )
  t.end()
})

test('the demo uses the library as an app would, and the library does not use the demo', (t) => {
  const isDemo = (file: string) => file.startsWith('lib/demo/')
  t.same(
    arrows((from, to) => isDemo(from) && !isDemo(to) && to !== 'index.ts'),
    []
  )
  t.same(
    arrows((from, to) => isDemo(to) && !isDemo(from)),
    []
  )
  t.end()
})

test('the loader and the command use the library as an app would, and it does not use them', (t) => {
  const isApp = (file: string) => /^lib\/(share|loader|cli)\//.test(file)
  t.same(
    arrows((from, to) => isApp(from) && !isApp(to) && to !== 'index.ts'),
    []
  )
  t.same(
    arrows((from, to) => isApp(to) && !isApp(from)),
    []
  )
  t.end()
})

test('no file imports itself by way of others', (t) => {
  t.same(cycles(), [])
  t.end()
})

test('the library imports nothing but its dependencies', (t) => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  const inLibrary = (file: string) => layer(file) < layer('lib/demo/main.ts')
  t.same(
    uses(
      (from, name) =>
        inLibrary(from) && !name.startsWith('node:') && !(packageOf(name) in manifest.dependencies)
    ),
    []
  )
  t.end()
})

function importsOf(file: string): { local: string[]; packages: string[] } {
  const names = [...readFileSync(join(root, file), 'utf8').matchAll(IMPORT)].map(
    ([, from, plain, dynamic]) => (from ?? plain ?? dynamic)!
  )
  return {
    local: names
      .filter((name) => name.startsWith('.'))
      .map((name) =>
        relative(root, join(root, dirname(file), name))
          .split(sep)
          .join('/')
      ),
    packages: names.filter((name) => !name.startsWith('.'))
  }
}

function packageOf(name: string): string {
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/')
}

function layer(file: string): number {
  return LAYERS.findIndex((pattern) => pattern.test(file))
}

/** The imports between files for which something holds. */
function arrows(holds: (from: string, to: string) => boolean): string[] {
  return [...imports].flatMap(([from, { local }]) =>
    local.flatMap((to) => (holds(from, to) ? [`${from} -> ${to}`] : []))
  )
}

/** The imports of packages for which something holds. */
function uses(holds: (from: string, name: string) => boolean): string[] {
  return [...imports].flatMap(([from, { packages }]) =>
    packages.flatMap((name) => (holds(from, name) ? [`${from} -> ${name}`] : []))
  )
}

function cycles(): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file)
    if (at !== -1) return void found.push([...path.slice(at), file].join(' -> '))
    if (done.has(file)) return
    for (const next of imports.get(file)?.local ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  return found
}
