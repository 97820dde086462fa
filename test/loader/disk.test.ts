/** Disks that take no more, or nothing at all. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'tape'
import type { DownloadResult } from '../../lib/loader/index.ts'
import { folder, hyperdrive } from '../helpers/drives.ts'
import { remount, smallDisk } from '../helpers/small-disk.ts'
import { bytesOf, loaderOf } from './helpers.ts'

const limit = { timeout: 60_000 }
const SIZE = 3 << 20

test('a full disk fails the file that does not fit, which goes on when there is room', limit, async (t) => {
  const path = await smallDisk(t, '2m')
  if (path === null) {
    t.skip('needs to mount a disk; the limit of a process is tested below')
    return
  }
  const drive = await hyperdrive(t)
  await drive.put('/large', bytesOf(SIZE))
  await drive.put('/small', 'fits')
  const loader = loaderOf(t, { drive })
  const load = async () => (await loader.download('/', { diskPath: path, concurrency: 1 })).await()
  const [large, small] = (await load()) as [DownloadResult, DownloadResult]
  t.is(large.error?.code, 'DOWNLOAD_FAILED')
  t.is((large.error!.cause as NodeJS.ErrnoException).code, 'ENOSPC')
  t.match(large.error!.message, /"\/large" \(ENOSPC: no space left on device/)
  t.same((await readdir(path)).filter((name) => !name.endsWith('.part')).length, small.error ? 0 : 1)
  await remount(path, 'remount,size=8m')
  const [again] = (await load()) as [DownloadResult]
  t.same(again, { file: '/large', error: null, cached: false })
  t.ok((await readFile(join(path, 'large'))).equals(bytesOf(SIZE)))
  t.same((await readdir(path)).sort(), ['large', 'small'])
})

test('a disk that cannot be written to', limit, async (t) => {
  const path = await smallDisk(t, '8m')
  if (path === null) {
    t.skip('needs to mount a disk; a file in the way is tested in download.test.ts')
    return
  }
  await remount(path, 'remount,ro')
  const drive = await hyperdrive(t)
  await drive.put('/a', 'text')
  const loader = loaderOf(t, { drive })
  for (const diskPath of [path, join(path, 'sub')]) {
    const [{ error }] = (await (await loader.download('/a', { diskPath })).await()) as [DownloadResult]
    t.is(error?.code, 'DOWNLOAD_FAILED')
    t.is((error!.cause as NodeJS.ErrnoException).code, 'EROFS')
  }
})

test('files that may not grow further', { ...limit, skip: process.platform === 'win32' }, async (t) => {
  const diskPath = await folder(t)
  const script = `
    import { HyperDriveDL } from '${new URL('../../lib/loader/index.ts', import.meta.url).href}'
    const value = { executable: false, linkname: null, blob: { byteLength: ${SIZE} }, metadata: null }
    const bytes = Buffer.alloc(${SIZE})
    const drive = {
      async entry (key) { return key === '/large' ? { key, value, mtime: 1 } : null },
      async * list () { yield { key: '/large', value, mtime: 1 } },
      async * createReadStream (key, { start = 0 } = {}) { yield bytes.subarray(start) }
    }
    const loader = new HyperDriveDL({ drive })
    const [{ error }] = await (await loader.download('/large', { diskPath: process.argv[1] })).await()
    console.log(error.code, error.cause.code)
    await loader.close()
  `
  // In blocks of 512 bytes.
  const shell = `trap '' XFSZ; ulimit -f 2048; exec "$0" --import tsx --input-type=module -e "$1" "$2"`
  const child = spawn('sh', ['-c', shell, process.execPath, script, diskPath], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  await once(child, 'close')
  t.is(said, 'DOWNLOAD_FAILED EFBIG\n')
  const names = await readdir(diskPath)
  t.is(names.length, 1)
  t.match(names[0]!, /^large\..*\.part$/, 'what came is kept')
})
