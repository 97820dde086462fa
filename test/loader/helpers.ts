import { once } from 'node:events'
import type { Test } from 'tape'
import {
  HyperDriveDL,
  type DownloadResult,
  type HyperDriveDLOptions,
  type LoaderDownload
} from '../../lib/loader/index.ts'
import { cleanup, hyperdrive, link, store } from '../helpers/drives.ts'

/** A loader that is closed when the test is over. */
export function loaderOf(t: Test, opts: HyperDriveDLOptions): HyperDriveDL {
  const loader = new HyperDriveDL(opts)
  cleanup(t, () => loader.close())
  return loader
}

/** Bytes that repeat nowhere soon. */
export function bytesOf(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    bytes[i] = state >>> 16
  }
  return bytes
}

/** A loader over the copy of a drive, and what ends the exchange of the two. */
export async function remote(t: Test, files: Record<string, Buffer | string>, opts: object = {}) {
  const theirs = await hyperdrive(t)
  for (const [path, content] of Object.entries(files)) await theirs.put(path, content)
  const corestore = await store(t)
  const copy = await hyperdrive(t, { store: corestore, key: theirs.key })
  const unlink = link(theirs.corestore, corestore)
  await once(copy.core, 'append')
  return { theirs, copy, unlink, loader: loaderOf(t, { drive: copy, ...opts }) }
}

export const whole = (...files: string[]) => files.map((file) => ({ file, error: null, cached: false }))
export const there = (...files: string[]) => files.map((file) => ({ file, error: null, cached: true }))

export async function run(loader: HyperDriveDL, path: string, opts: object = {}): Promise<DownloadResult[]> {
  return (await loader.download(path, opts)).await()
}

/** Resolves when a download has so many bytes of its first file. */
export function reaches(
  loader: HyperDriveDL,
  path: string,
  opts: object,
  bytes: number
): Promise<LoaderDownload> {
  return new Promise((resolve, reject) => {
    let sum = 0
    const progressReporter = {
      progressReportInterval: 0,
      update(_file: string, more: number) {
        sum += more
        if (sum >= bytes) starting.then(resolve, reject)
      },
      completeFile() {}
    }
    const starting = loader.download(path, { ...opts, progressReporter })
    starting.catch(reject)
  })
}
