import { cp, readFile, readdir, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Corestore from 'corestore'
import Localdrive from 'localdrive'
import test from 'tape'
import { cleanup, folder, hyperdrive } from '../helpers/drives.ts'
import { describe, describeNames, openFrom } from './golden.ts'

const here = dirname(fileURLToPath(import.meta.url))

for (const name of (await readdir(here)).filter((file) => file.startsWith('golden-'))) {
  test(`the drives of ${name} read as they did when they were stored`, async (t) => {
    const path = await folder(t)
    await cp(join(here, name), path, { recursive: true })
    const expected = JSON.parse(await readFile(join(path, 'expected.json'), 'utf8'))
    // A version control system does not keep the dates of files.
    for (const [file, mtime] of Object.entries<number>(expected.dates)) {
      await utimes(join(path, 'folder', file), mtime / 1000, mtime / 1000)
    }

    const store = new Corestore(join(path, 'store'))
    cleanup(t, () => store.close())
    const ann = await hyperdrive(t, { store, key: expected.ids.ann })
    const bob = await hyperdrive(t, { store, key: expected.ids.bob })
    const local = new Localdrive(join(path, 'folder'))
    const drives = { ann, bob, local }
    const opts = openFrom(store)
    const found = await describe(drives, opts)
    if ('names' in expected) Object.assign(found, { names: await describeNames(drives, opts) })
    t.same(JSON.parse(JSON.stringify(found)), expected)
  })
}
