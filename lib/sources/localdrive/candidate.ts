import type { Stats } from 'node:fs'
import { readlink } from 'node:fs/promises'
import type { Blob, EntryValue, Json, RangeOptions } from '../../drive.ts'
import { errorCode } from '../../errors.ts'
import { toJson } from '../../format/json.ts'
import type { Stamp } from '../../format/stamp.ts'
import { streamed } from '../content.ts'
import type { Candidate, Content, Leaf, Origin } from '../source.ts'
import { openContent, readBytes, readWhole } from './bytes.ts'
import type { MetadataHooks } from './drive.ts'
import type { Records } from './records.ts'
import type { Root } from './root.ts'
import { isExecutable, isValid, stampOf } from './sidecar.ts'

const BLOCK = 65536

/** What views need of their source. */
export interface Host {
  readonly leaf: Leaf
  readonly root: Root
  readonly hooks: MetadataHooks | null
  /** A file or folder that is there was made after any tombstone in the same Localdrive, since deleting removes it. */
  readonly file: Origin
  /** Of tombstones. */
  readonly record: Origin
}

/** The candidate that a file or link is; null for anything else. */
export async function toCandidate(
  host: Host,
  key: string,
  stat: Stats,
  records: Records
): Promise<Candidate | null> {
  const isLink = stat.isSymbolicLink()
  if (!isLink && !stat.isFile()) return null
  let linkname: string | null = null
  if (isLink) {
    const text = await readText(host.root, key)
    if (text === null) return null
    linkname = host.root.linkname(text)
  }
  const stored = records.sidecars.get(key)
  const sidecar = stored && isValid(stored, stat) ? stored : null
  const value: EntryValue = {
    executable: !isLink && isExecutable(stat),
    linkname,
    blob: isLink ? null : blobOf(stat),
    metadata: host.hooks ? await askHook(host.hooks, key) : (sidecar?.metadata ?? null)
  }
  return new LocalCandidate(host, key, value, stampOf(stat, sidecar), stat)
}

export class LocalCandidate implements Candidate {
  readonly key: string
  readonly value: EntryValue
  readonly stamp: Stamp
  /** Where it lies in the folder, wherever it is seen. */
  readonly path: string
  readonly #host: Host
  readonly #stat: Stats

  constructor(host: Host, key: string, value: EntryValue, stamp: Stamp, stat: Stats, path = key) {
    this.path = path
    this.#host = host
    this.#stat = stat
    this.key = key
    this.value = value
    this.stamp = stamp
  }

  get leaf(): Leaf {
    return this.#host.leaf
  }

  get origin(): Origin {
    return this.#host.file
  }

  read(opts?: RangeOptions): AsyncIterable<Uint8Array> {
    return this.value.blob ? readBytes(this.#host.root, this.path, opts) : nothing()
  }

  open(): Promise<Content> {
    if (this.value.blob === null) return Promise.resolve(streamed(this))
    return openContent(this.#host.root, this.path, this.#stat)
  }

  seenAt(key: string): LocalCandidate {
    return new LocalCandidate(this.#host, key, this.value, this.stamp, this.#stat, this.path)
  }

  readAll(): Promise<Buffer> {
    return this.value.blob ? readWhole(this.#host.root, this.path) : Promise.resolve(Buffer.alloc(0))
  }
}

function blobOf({ size }: Stats): Blob {
  return { byteOffset: 0, blockOffset: 0, blockLength: Math.ceil(size / BLOCK), byteLength: size }
}

// A link that was replaced since it was seen is absent, as one that vanished is.
async function readText(root: Root, key: string): Promise<string | null> {
  try {
    return await root.answer(readlink(root.path(key)))
  } catch (err) {
    if (errorCode(err) === 'EINVAL') return null
    throw err
  }
}

async function askHook(hooks: MetadataHooks, key: string): Promise<Json> {
  const given = await hooks.get?.(key)
  try {
    return toJson(given, 'entry', key)
  } catch {
    return null
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
