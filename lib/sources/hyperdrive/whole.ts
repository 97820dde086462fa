import type { Core, Download } from './types.ts'

const SAVED = 'multidrive/whole'

/**
 * Which version of a drive can be read without the network (design, "Availability"): the newest head that was seen, all of whose
 * blocks are on this machine. A length inside a batch has no root and cannot be read, so only lengths seen as heads count; the
 * last whole one is remembered in the core's local user data, for the next start may be offline and in the middle of a sync.
 */
export class WholeVersion {
  readonly #core: Core
  readonly #onchange: (advanced: boolean) => void
  /** Heads seen and not yet whole, in rising order. */
  #heads: number[] = []
  #whole: number | null = null
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
    const saved = await core.getUserData(SAVED)
    const [fork, length] = (saved?.toString() ?? '').split(':').map(Number)
    if (fork === core.fork && Number.isSafeInteger(length) && length! <= core.length)
      this.#heads.push(length!)
    if (core.length > 0) this.#heads.push(core.length)
    core.on('append', this.#onhead)
    core.on('truncate', this.#ontruncate)
    core.on('download', this.#onblock)
    if (range) this.#download = core.download(range)
    this.#advance()
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
    this.#advance()
    return this.#whole
  }

  readonly #onhead = (): void => {
    const { length } = this.#core
    if (this.#heads.at(-1) !== length) this.#heads.push(length)
    this.#onchange(this.#advance())
  }

  readonly #ontruncate = (length: number): void => {
    this.#heads = this.#heads.filter((head) => head <= length)
    if (this.#whole !== null && this.#whole > length) this.#whole = null
    this.#onhead()
  }

  readonly #onblock = (): void => {
    if (this.#advance()) this.#onchange(true)
  }

  #advance(): boolean {
    const { length, contiguousLength } = this.#core
    const before = this.#whole
    if (length > 0 && contiguousLength >= length) {
      this.#whole = length
      this.#heads = []
    } else {
      while (this.#heads.length > 0 && this.#heads[0]! <= contiguousLength) {
        this.#whole = Math.max(this.#whole ?? 0, this.#heads.shift()!)
      }
    }
    if (this.#whole === before) return false
    if (!this.#core.writable) this.#save()
    return true
  }

  #save(): void {
    this.#saving ??= (async () => {
      while (this.#whole !== null && this.#saved !== `${this.#core.fork}:${this.#whole}`) {
        const next = `${this.#core.fork}:${this.#whole}`
        await this.#core.setUserData(SAVED, Buffer.from(next))
        this.#saved = next
      }
    })()
      // A core that closes meanwhile cannot be written; then the version is found again at the next sync.
      .catch(() => undefined)
      .finally(() => (this.#saving = null))
  }
}
