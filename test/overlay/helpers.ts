import type { Test } from 'tape'
import { Overlay } from '../../lib/overlay/overlay.ts'
import { sourceOf } from '../../lib/sources/index.ts'
import type { Candidate } from '../../lib/sources/source.ts'
import { cleanup } from '../helpers/drives.ts'

const ignore = () => undefined

/** The layer below the faces, over drives in the order of adding. */
export async function overlayOf(t: Test, drives: readonly any[]): Promise<Overlay> {
  const overlay = new Overlay()
  for (const drive of drives) {
    const source = sourceOf(drive)
    await source.open({ change: ignore, sync: ignore, close: ignore, format: ignore })
    cleanup(t, () => source.close())
    overlay.add({ source, tombstones: true })
  }
  return overlay
}

/** The version of a path that a drive has now. */
export async function candidateOf(t: Test, drive: any, key: string): Promise<Candidate> {
  const overlay = await overlayOf(t, [drive])
  return (await (await overlay.view()).find(key))!
}
