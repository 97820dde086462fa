import type { Blob, EntryValue, Json, ReadOptions } from '../../drive.ts'
import { isSeq } from '../../format/clock.ts'
import { isObject } from '../../format/json.ts'
import { parseMetadata, type ParsedMetadata, type Stamp } from '../../format/stamp.ts'
import { isKey } from '../../path.ts'
import type { ByteRange, Candidate, Content, Leaf, Origin, Replica, SourceEvents } from '../source.ts'
import type { HyperdriveBytes } from './bytes.ts'
import { HyperdriveClearing } from './clearing.ts'
import { entryKeys } from './keys.ts'
import { HyperdriveReplica } from './replica.ts'
import type { BlobId, HyperdriveLike, TreeEntry } from './types.ts'

/** What a candidate needs of its drive. */
export interface CandidateHost {
  readonly leaf: Leaf
  /** The drive's id. */
  readonly id: string
  readonly drive: HyperdriveLike
  readonly bytes: HyperdriveBytes
  readonly format: SourceEvents['format']
}

interface StoredValue {
  executable: boolean
  linkname: string | null
  blob: BlobId | null
  metadata: unknown
}

/** The longest block map that Hyperblobs writes, in blocks. */
const MAX_MAP_BLOCKS = 64

const EMPTY_BLOB: BlobId = { blockOffset: 0, blockLength: 0, byteOffset: 0, byteLength: 0 }

/** An entry of a Hyperdrive. Its metadata is read when it is first asked for: a listing of one drive never needs it. */
export class HyperdriveCandidate implements Candidate {
  readonly key: string
  readonly origin: Origin
  readonly leaf: Leaf
  readonly #stored: StoredValue
  readonly #host: CandidateHost
  /** The true size in bytes, null when it could not be found out. */
  #size: number | null
  #parsed: ParsedMetadata | null = null

  private constructor(host: CandidateHost, seq: number, key: string, stored: StoredValue) {
    this.leaf = host.leaf
    this.#host = host
    this.origin = { id: host.id, seq }
    this.key = key
    this.#stored = stored
    this.#size = stored.blob?.blockMap ? null : (stored.blob?.byteLength ?? 0)
  }

  /** The candidate in an entry of the tree, at its key; null for one that no Hyperdrive would have written. */
  static parse(host: CandidateHost, key: string, { seq, value }: TreeEntry): HyperdriveCandidate | null {
    if (!isKey(key)) return null
    const stored = parseValue(value)
    return stored && new HyperdriveCandidate(host, seq, key, stored)
  }

  get stamp(): Stamp {
    return this.parsed.stamp
  }

  get parsed(): ParsedMetadata {
    if (this.#parsed === null) {
      this.#parsed = parseMetadata(this.#stored.metadata)
      if (this.#parsed.newer !== null) this.#host.format('entries', this.key, this.#parsed.newer)
    }
    return this.#parsed
  }

  /** The blob whose true size is not known from the entry alone. */
  get unsized(): BlobId | null {
    const { blob } = this.#stored
    return blob?.blockMap && this.stamp.size === null ? blob : null
  }

  /** @param bytes - null when nobody can tell now */
  set size(bytes: number | null) {
    this.#size = bytes
  }

  get value(): EntryValue {
    const { executable, linkname } = this.#stored
    const metadata: Json = this.parsed.metadata
    return { executable, linkname, blob: linkname === null ? this.#sizedBlob() : null, metadata }
  }

  read(opts: ByteRange = {}): AsyncIterable<Uint8Array> {
    return this.#host.bytes.read(this.#stored.blob ?? EMPTY_BLOB, this.#clamp(opts))
  }

  async readAll(opts: ReadOptions = {}): Promise<Buffer> {
    const blob = this.#stored.blob ?? EMPTY_BLOB
    const size = this.#knownSize()
    if (!blob.blockMap || size === null) return this.#host.bytes.readAll(blob, opts)
    // As long as the entry says, whatever the map lists.
    const content = this.#host.bytes.open(blob, size, opts)
    const bytes = Buffer.alloc(size)
    try {
      return bytes.subarray(0, await content.read(bytes, 0))
    } finally {
      await content.close()
    }
  }

  open(opts: ReadOptions = {}): Promise<Content> {
    const blob = this.#stored.blob ?? EMPTY_BLOB
    return Promise.resolve(this.#host.bytes.open(blob, this.#knownSize() ?? Infinity, opts))
  }

  seenAt(key: string): Candidate {
    const seen = new HyperdriveCandidate(this.#host, this.origin.seq, key, this.#stored)
    seen.#size = this.#size
    seen.#parsed = this.#parsed
    return seen
  }

  get replica(): Replica | undefined {
    const { blob } = this
    if (blob.byteLength === 0) return undefined
    const host = this.#host
    return new HyperdriveReplica(host.bytes, blob, this.#knownSize(), (clearing) => {
      const parse = (entry: TreeEntry) => HyperdriveCandidate.parse(host, entryKeys.decode(entry.key), entry)
      clearing.of(host.drive, () => new HyperdriveClearing(host.drive, parse)).add(this)
    })
  }

  /** Where the bytes lie, as the drive has it. */
  get blob(): BlobId {
    return this.#stored.blob ?? EMPTY_BLOB
  }

  #sizedBlob(): Blob {
    const { blockOffset, blockLength, byteOffset, byteLength } = this.#stored.blob ?? EMPTY_BLOB
    return { blockOffset, blockLength, byteOffset, byteLength: this.#knownSize() ?? byteLength }
  }

  #knownSize(): number | null {
    return this.#size ?? this.stamp.size
  }

  /** Hyperblobs waits for ever for bytes that are past the end. */
  #clamp(opts: ByteRange): ByteRange {
    const size = this.#knownSize()
    const { start = 0, length = Infinity } = opts
    if (size === null || start + length <= size) return opts
    return { ...opts, start, length: Math.max(0, size - start) }
  }
}

function parseValue(bytes: Buffer | null): StoredValue | null {
  if (bytes === null) return null
  let value: unknown
  try {
    value = JSON.parse(bytes.toString())
  } catch {
    return null
  }
  if (!isObject(value)) return null
  const { executable, metadata } = value
  const linkname = value.linkname ?? null
  const blob = value.blob ?? null
  if (linkname !== null && (typeof linkname !== 'string' || linkname === '')) return null
  if (blob !== null && !isBlob(blob)) return null
  return { executable: executable === true, linkname, blob: linkname === null ? blob : null, metadata }
}

function isBlob(value: unknown): value is BlobId {
  if (!isObject(value)) return false
  const { blockOffset, blockLength, byteOffset, byteLength, blockMap } = value
  if (!isSeq(blockOffset) || !isSeq(blockLength) || !isSeq(byteOffset) || !isSeq(byteLength)) return false
  // Beyond the safe integers, counting up to an end never comes to it.
  if (!isSeq(blockOffset + blockLength) || !isSeq(byteOffset + byteLength)) return false
  return blockMap !== true || (blockLength > 0 && blockLength <= MAX_MAP_BLOCKS)
}
