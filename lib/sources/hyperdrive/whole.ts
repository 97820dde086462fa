import type { Core, Download } from './types.ts'

const SAVED = 'multidrive/whole'

/** How many whole versions are remembered, for a truncation to go back to. */
const REMEMBERED = 32

/**
 * Which version of a drive can be read without the network (design, "Availability"): the newest head that was seen, all of whose
 * blocks are on this machine. A length inside a batch has no root and cannot be read, so only lengths seen as heads count. The last
 * ones are remembered in the core's local user data, for the next start may be offline and in the middle of a sync.
 */
export class WholeVersion {
  readonly #core: Core
  readonly #onchange: (advanced: boolean) => void
  /** Heads seen and not yet whole, in rising order. */
  #heads: number[] = []
  /** Whole versions, in rising order; the last one counts. */
  #whole: number[] = []
  /** The one that was told of. */
  #told: number | null = null
  #download: Download | null = null
  #saving: Promise<void> | null = null
  #saved = ''

  /** @param onchange - told when the head or the whole version moved, with whether the latter did */
  constructor(core: Core, onchange: (advanced: boolean) => void) {
    this.#core = core
    this.#onchange = onchange
  }

  /** @param range - the metadata to fetch, with an end of -1 also what the owner appends later; null for none */
  async open(range: { start: number; end: number } | null): Promise<void> {
    const core = this.#core
    this.#saved = (await core.getUserData(SAVED))?.toString() ?? ''
    const [fork, lengths = ''] = this.#saved.split(':')
    if (Number(fork) === core.fork) {
      const heads = lengths.split(',').map(Number)
      this.#heads = heads.filter((head) => Number.isSafeInteger(head) && head > 0 && head <= core.length)
    }
    if (core.length > 0 && this.#heads.at(-1) !== core.length) this.#heads.push(core.length)
    core.on('append', this.#onhead)
    core.on('truncate', this.#ontruncate)
    core.on('download', this.#onblock)
    if (range) this.#download = core.download(range)
    this.#told = this.version
  }

  async close(): Promise<void> {
    this.#core.off('append', this.#onhead)
    this.#core.off('truncate', this.#ontruncate)
    this.#core.off('download', this.#onblock)
    this.#download?.destroy()
    await this.#saving
  }

  /** The newest whole version, null while there is none. */
  get version(): number | null {
    const { length, contiguousLength } = this.#core
    const before = this.#whole.at(-1)
    while (this.#heads.length > 0 && this.#heads[0]! <= contiguousLength)
      this.#whole.push(this.#heads.shift()!)
    // Every length of a drive that is all here was seen as a head, if only by its author.
    if (length > 0 && contiguousLength >= length && this.#whole.at(-1) !== length) this.#whole.push(length)
    if (this.#whole.length > REMEMBERED) this.#whole.splice(0, this.#whole.length - REMEMBERED)
    const now = this.#whole.at(-1)
    if (now !== before) this.#save()
    return now ?? null
  }

  readonly #onhead = (): void => {
    const { length } = this.#core
    if (this.#heads.at(-1) !== length) this.#heads.push(length)
    this.#onchange(this.#hasMoved())
  }

  readonly #ontruncate = (length: number): void => {
    this.#heads = this.#heads.filter((head) => head <= length)
    this.#whole = this.#whole.filter((head) => head <= length)
    this.#save()
    this.#onhead()
  }

  readonly #onblock = (): void => {
    if (this.#hasMoved()) this.#onchange(true)
  }

  #hasMoved(): boolean {
    const { version } = this
    if (version === this.#told) return false
    this.#told = version
    return true
  }

  #save(): void {
    if (this.#core.writable) return
    this.#saving ??= (async () => {
      for (let next = this.#formatted(); next !== this.#saved; next = this.#formatted()) {
        await this.#core.setUserData(SAVED, Buffer.from(next))
        this.#saved = next
      }
    })()
      // A core that closes meanwhile cannot be written; then the version is found again at the next sync.
      .catch(() => undefined)
      .finally(() => (this.#saving = null))
  }

  #formatted(): string {
    return `${this.#core.fork}:${this.#whole.join(',')}`
  }
}
