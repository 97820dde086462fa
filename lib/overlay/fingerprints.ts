import { randomBytes } from 'node:crypto'

/** The table is in so many parts, for none to take long to grow. */
const SHARDS = 256

/** The room that a shard begins with, in entries, and by what it grows. */
const LEAST = 2
const GROWTH = 1.25

/** Entries of owners that have left are looked for when a shard is full; with fewer than this share of them it grows. */
const WORTH_SWEEPING = 0.2

/** A name as 40 bits: the shard that it belongs to, and what is kept of it there. */
export interface Fingerprint {
  readonly shard: number
  readonly check: number
}

/**
 * Which owners have a name. It may say that one has it which has not, never that one has it not which has. An entry takes 16 bytes, and
 * at most 20 with the room that is kept for growth.
 *
 * Anybody can have written the names in a drive: the fingerprints depend on a secret, for nobody to choose names that meet.
 */
export class Fingerprints {
  readonly #secrets = new Uint32Array(randomBytes(8).buffer.slice(0, 8))
  readonly #shards: Shard[] = []
  readonly #isGone: (owner: number) => boolean
  #size = 0

  /** @param isGone - whether an owner has left, so that its entries may be dropped */
  constructor(isGone: (owner: number) => boolean) {
    this.#isGone = isGone
  }

  /** How many entries there are, with those of owners that have left and are still to be dropped. */
  get size(): number {
    return this.#size
  }

  /** The room that is taken, in bytes. */
  get byteLength(): number {
    return this.#shards.reduce((sum, { byteLength }) => sum + byteLength, 0)
  }

  /**
   * @param end - how many characters of the name count
   * @param mark - what a name stands for: of names that begin alike, one is never taken for another one with a different mark
   */
  of(name: string, end: number = name.length, mark = 0): Fingerprint {
    return this.#ofEach(name, [end], mark)[0]!
  }

  /**
   * Calls `take` with each owner that may have one of the names that a name begins with; with one owner more than once where it has several.
   *
   * @param ends - where those names end, the shortest first
   */
  ownersOfEach(name: string, ends: readonly number[], mark: number, take: (owner: number) => void): void {
    for (const fingerprint of this.#ofEach(name, ends, mark)) this.owners(fingerprint, take)
  }

  #ofEach(name: string, ends: readonly number[], mark: number): Fingerprint[] {
    let a = this.#secrets[0]! ^ mark
    let b = this.#secrets[1]! ^ mark
    let i = 0
    return ends.map((end) => {
      for (; i < end; i++) {
        const unit = name.charCodeAt(i)
        a = Math.imul(a ^ unit, 0x9e3779b1)
        a ^= a >>> 15
        b = Math.imul(b ^ unit, 0x85ebca77)
        b ^= b >>> 13
      }
      return finished(a, b)
    })
  }

  /** Writes down that an owner has a name. */
  add({ shard: at, check }: Fingerprint, owner: number): void {
    while (this.#shards.length <= at) this.#shards.push(new Shard())
    const shard = this.#shards[at]!
    if (shard.has(check, owner)) return
    if (shard.isFull) this.#size -= shard.makeRoom(this.#isGone)
    shard.add(check, owner)
    this.#size++
  }

  /** Calls `take` with each owner that may have a name. */
  owners({ shard, check }: Fingerprint, take: (owner: number) => void): void {
    this.#shards[shard]?.owners(check, take)
  }
}

function finished(a: number, b: number): Fingerprint {
  a = Math.imul(a ^ (b >>> 7), 0xc2b2ae3d)
  b = Math.imul(b ^ (a >>> 9), 0x27d4eb2f)
  return { shard: (a >>> 24) % SHARDS, check: (b ^ (b >>> 15)) >>> 0 }
}

/** Entries are the place of the next one in the chain, the check and the owner. */
const WIDTH = 3

/** Chains of entries, from as many heads as there is room for entries. A place is counted from 1, for 0 to end a chain. */
class Shard {
  #heads = new Uint32Array(LEAST)
  #entries = new Uint32Array(LEAST * WIDTH)
  #count = 0

  get byteLength(): number {
    return this.#heads.byteLength + this.#entries.byteLength
  }

  get isFull(): boolean {
    return this.#count === this.#heads.length
  }

  has(check: number, owner: number): boolean {
    const entries = this.#entries
    for (let place = this.#heads[check % this.#heads.length]!; place !== 0;) {
      const at = (place - 1) * WIDTH
      if (entries[at + 1] === check && entries[at + 2] === owner) return true
      place = entries[at]!
    }
    return false
  }

  owners(check: number, take: (owner: number) => void): void {
    const entries = this.#entries
    for (let place = this.#heads[check % this.#heads.length]!; place !== 0;) {
      const at = (place - 1) * WIDTH
      if (entries[at + 1] === check) take(entries[at + 2]!)
      place = entries[at]!
    }
  }

  /** There must be room. */
  add(check: number, owner: number): void {
    const head = check % this.#heads.length
    const at = this.#count * WIDTH
    this.#entries[at] = this.#heads[head]!
    this.#entries[at + 1] = check
    this.#entries[at + 2] = owner
    this.#heads[head] = ++this.#count
  }

  /** @returns how many entries were dropped, since their owners had left */
  makeRoom(isGone: (owner: number) => boolean): number {
    const [entries, count] = [this.#entries, this.#count]
    let gone = 0
    for (let i = 0; i < count; i++) if (isGone(entries[i * WIDTH + 2]!)) gone++
    const room = gone > count * WORTH_SWEEPING ? count : Math.ceil(count * GROWTH)
    this.#heads = new Uint32Array(room)
    this.#entries = new Uint32Array(room * WIDTH)
    this.#count = 0
    for (let i = 0; i < count; i++) {
      const owner = entries[i * WIDTH + 2]!
      if (gone === 0 || !isGone(owner)) this.add(entries[i * WIDTH + 1]!, owner)
    }
    return count - this.#count
  }
}
