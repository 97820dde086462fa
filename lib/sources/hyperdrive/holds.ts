import { Turns } from '../../turns.ts'
import type { BlobId } from './types.ts'

/** One at a time of those who name bytes in a drive's entries, or take from this machine those that none names. */
export const turns = new Turns<object>()

const all = new WeakMap<object, Set<BlobId>>()

/** Bytes of a drive that are being read, and those that a write is about to name again in an entry that is not there yet. */
export function heldIn(drive: object): Set<BlobId> {
  let held = all.get(drive)
  if (!held) all.set(drive, (held = new Set()))
  return held
}

/** Keeps bytes on this machine until the returned function is called. */
export function hold(drive: object, { ...blob }: BlobId): () => void {
  const held = heldIn(drive)
  held.add(blob)
  return () => void held.delete(blob)
}
