import type { Comparator, ReadOptions } from '../drive.ts'
import { failure } from '../errors.ts'
import type { Source, WritableLeaf } from '../sources/source.ts'
import { byMtime } from './compare.ts'
import { fromAll } from './failure.ts'
import { viewOf, type Member, type MemberView } from './member.ts'
import { MergedView, type ViewRules } from './view.ts'

/** The sources of a MultiDrive in the order of adding, and the one writer among them. */
export class Overlay {
  comparator: Comparator = byMtime
  readonly #maxClockSkew: number | null
  #last: MergedView | null = null
  /** Null holds the place of a member that is not known yet. */
  readonly #places: { member: Member | null }[] = []

  /** @param maxClockSkew - milliseconds by which an mtime may be ahead of the local clock and still be believed; null for any */
  constructor(maxClockSkew: number | null) {
    this.#maxClockSkew = maxClockSkew
  }

  get sources(): readonly Source[] {
    return this.#members.map(({ source }) => source)
  }

  get #members(): Member[] {
    return this.#places.flatMap(({ member }) => member ?? [])
  }

  /** Takes the next place in the order, to be filled or given up. */
  reserve(): { fill(member: Member): void; giveUp(): void } {
    const place: { member: Member | null } = { member: null }
    this.#places.push(place)
    return {
      fill: (member) => void (place.member = member),
      giveUp: () => {
        const i = this.#places.indexOf(place)
        if (i !== -1) this.#places.splice(i, 1)
      }
    }
  }

  add(member: Member): void {
    this.#places.push({ member })
  }

  remove(source: Source): boolean {
    const i = this.#places.findIndex(({ member }) => member?.source === source)
    if (i === -1) return false
    this.#places.splice(i, 1)
    this.#last = null
    return true
  }

  /** The merged view of now. A promise only when a source must first be brought up to date. */
  view(opts: ReadOptions = {}): MergedView | Promise<MergedView> {
    const rules = this.#rules()
    const views = this.#members.map((member) => viewOf(member, opts))
    const ready = views.filter((view): view is MemberView => !(view instanceof Promise))
    if (ready.length === views.length) return this.#merged(ready, rules)
    return Promise.all(views.map((view) => Promise.resolve(view))).then((all) => this.#merged(all, rules))
  }

  /** One view as long as it is of the same versions: who holds it can tell that nothing has changed. */
  #merged(views: readonly MemberView[], rules: ViewRules): MergedView {
    if (!this.#last?.isOf(views, rules)) this.#last = new MergedView(views, rules)
    return this.#last
  }

  /** The first source that can be written to, null when there is none. */
  get writer(): { source: Source; leaf: WritableLeaf } | null {
    for (const source of this.sources) {
      const leaf = source.writer()
      if (leaf) return { source, leaf }
    }
    return null
  }

  /**
   * Where the next write lands.
   *
   * @throws EROFS, with the names of the drives tried
   */
  requireWriter(syscall: string, path?: string): WritableLeaf {
    const { writer } = this
    if (writer) return writer.leaf
    const names = this.sources.map(({ name }) => name).join(', ')
    throw failure('EROFS', {
      syscall,
      ...(path === undefined ? {} : { path }),
      detail: `no writable drive among ${names}`
    })
  }

  /** Asks the peers of every source for their heads; with `wait` resolves when all that can be reached are whole there. */
  async update(opts: { wait: boolean }): Promise<boolean> {
    const updated = await fromAll(this.sources, (source) => source.update(opts))
    return updated.includes(true)
  }

  #rules(): ViewRules {
    return {
      comparator: this.comparator === (byMtime as Comparator) ? null : this.comparator,
      horizon: this.#maxClockSkew === null ? Infinity : Date.now() + this.#maxClockSkew
    }
  }
}
