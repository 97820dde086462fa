import { Mutex } from 'async-mutex'
import type { BlobId } from './types.ts'

/** What goes on with a drive's blobs, through whichever source of it. */
class Holds {
  /** Bytes that are being read, and those that a write is about to name again in an entry that is not there yet. */
  readonly blobs = new Set<BlobId>()
  readonly turn = new Mutex()
}

const all = new WeakMap<object, Holds>()

export function holdsOf(drive: object): Holds {
  let holds = all.get(drive)
  if (!holds) all.set(drive, (holds = new Holds()))
  return holds
}

/** Keeps bytes on this machine until the returned function is called. */
export function hold(drive: object, { ...blob }: BlobId): () => void {
  const { blobs } = holdsOf(drive)
  blobs.add(blob)
  return () => void blobs.delete(blob)
}
