import type { Test } from 'tape'
import { HyperDriveDL, type HyperDriveDLOptions } from '../../lib/loader/index.ts'
import { cleanup } from '../helpers/drives.ts'

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
