import type { EventEmitter } from 'node:events'
import { Transform } from 'node:stream'
import type Hyperdrive from 'hyperdrive'
import type { MultiDrive } from '../../index.ts'

/** Two corestores that exchange until so many bytes came from `from`; then the link is gone for good, wherever that was. */
export function cutAfter(
  from: any,
  to: any,
  bytes: number
): { closed: Promise<void>; passed: () => number; cut: () => Promise<void> } {
  const left = from.replicate(true)
  const right = to.replicate(false)
  let passed = 0
  const cut = () => {
    left.destroy()
    right.destroy()
  }
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const rest = bytes - passed
      passed += Math.min(chunk.byteLength, rest)
      done(null, chunk.subarray(0, rest))
      // Later, so that what has passed also arrives.
      if (chunk.byteLength >= rest) setImmediate(cut)
    }
  })
  const closed = Promise.all(
    [left, right].map((stream) => {
      stream.on('error', () => undefined)
      return new Promise<void>((resolve) => stream.once('close', resolve))
    })
  ).then(() => undefined)
  left.pipe(meter).pipe(right).pipe(left)
  return {
    closed,
    passed: () => passed,
    cut: () => {
      cut()
      return closed
    }
  }
}

/** Resolves when `done` holds, asked again at every event, or when the signal says that nobody waits any more. */
export function until(
  emitter: EventEmitter,
  events: string[],
  done: () => boolean,
  signal?: AbortSignal
): Promise<void> {
  return new Promise((resolve) => {
    const check = () => {
      if (!done() && !signal?.aborted) return
      for (const event of events) emitter.off(event, check)
      resolve()
    }
    for (const event of events) emitter.on(event, check)
    signal?.addEventListener('abort', check)
    check()
  })
}

/** Resolves when all metadata of the author's drive is here. */
export function whole(drive: any, author: Hyperdrive, signal?: AbortSignal): Promise<void> {
  const { core } = drive
  return until(
    core,
    ['append', 'truncate', 'download'],
    () =>
      core.fork === author.core.fork &&
      core.length === author.core.length &&
      core.contiguousLength === core.length,
    signal
  )
}

/** Resolves when the link is cut, or before that when each author's drive is whole in the copy. */
export async function closedOr(
  link: { closed: Promise<void> },
  ...met: [copy: Hyperdrive, author: Hyperdrive][]
): Promise<void> {
  const over = new AbortController()
  const all = Promise.all(met.map(([copy, author]) => whole(copy, author, over.signal)))
  await Promise.race([link.closed, all])
  over.abort()
}

/** Resolves when the peers that were cut off are gone from the drive. */
export function alone(drive: any): Promise<void> {
  return until(drive.core, ['peer-remove'], () => drive.core.peers.length === 0)
}

/** Resolves when the drive has a peer. */
export function together(drive: any): Promise<void> {
  return until(drive.core, ['peer-add'], () => drive.core.peers.length > 0)
}

/** In milliseconds. */
const PATIENCE = 40_000

/** Fails a promise that takes longer; what hangs is said, rather than that the test did. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  // Who gives something seconds means that it must not hang: a machine that others share can take many more.
  if (ms >= 5000) ms = Math.max(ms, PATIENCE)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms} ms`)), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** Numbers from 0 to 1 that a seed determines (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), 1 | state)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296
  }
}

/** The ids of the drives that never were whole. */
export function unsynced(multi: MultiDrive): string[] {
  return multi.unsynced.map((drive: any) => drive.id)
}
