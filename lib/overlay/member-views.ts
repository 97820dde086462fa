import { inRange, type KeyRange } from '../path.ts'
import type { Source, View } from '../sources/source.ts'
import type { Locator } from './locator.ts'
import type { MemberView } from './member.ts'

/** Which members are to be asked. */
interface Roster {
  readonly generation: number
  /** The places of those that the locator speaks for, by their owners there. */
  readonly placeOf: ReadonlyMap<number, number>
  /** The places of the others, in order. */
  readonly others: readonly number[]
}

/** The members of an overlay in the order of adding, each at one version, and which of them may hold what. */
export class MemberViews {
  readonly all: readonly MemberView[]
  readonly #locator: Locator | null
  #roster: Roster | null = null
  #viewOf: ReadonlyMap<Source, View> | null = null
  #withTombstones: readonly MemberView[] | null = null
  #withDirectories: readonly MemberView[] | null = null

  constructor(all: readonly MemberView[], locator: Locator | null) {
    this.all = all
    this.#locator = locator
  }

  isOf(views: readonly MemberView[]): boolean {
    const { all } = this
    return (
      views.length === all.length &&
      views.every(({ source, view }, i) => source === all[i]!.source && view === all[i]!.view)
    )
  }

  /** Whether a member is among them, at this version. */
  shows({ source, view }: MemberView): boolean {
    this.#viewOf ??= new Map(this.all.map((member) => [member.source, member.view]))
    return this.#viewOf.get(source) === view
  }

  /** Those that may have tombstones. */
  get withTombstones(): readonly MemberView[] {
    return (this.#withTombstones ??= this.all.filter(({ view }) => view.hasTombstones !== false))
  }

  /** Those that may have records of folders, or folders that are real. */
  get withDirectories(): readonly MemberView[] {
    return (this.#withDirectories ??= this.all.filter(({ view }) => view.hasDirectories !== false))
  }

  /** Those that may hold a file or a link at a key. */
  holding(key: string): readonly MemberView[] {
    return this.#found((locator, take) => locator.holders(key, take))
  }

  /** What a read of several of them gives; it goes before the locator's own. */
  first<T>(read: Promise<T>): Promise<T> {
    return this.#locator?.givingWay(read) ?? read
  }

  /** Those that may hold a file or a link below a folder. */
  holdingBelow(folder: string): readonly MemberView[] {
    return folder === '' ? this.all : this.#found((locator, take) => locator.holdersBelow(folder, take))
  }

  /** Those that may hold anything at a folder or below it, folders of their own among it. */
  concerning(folder: string): readonly MemberView[] {
    return this.#joined(this.holding(folder), this.holdingBelow(folder), this.withDirectories)
  }

  /** As {@link concerning}, with those that may have deleted something there. */
  speakingOf(folder: string): readonly MemberView[] {
    return this.#joined(this.concerning(folder), this.withTombstones)
  }

  #joined(...lists: (readonly MemberView[])[]): readonly MemberView[] {
    const [first = [], ...more] = lists.filter(({ length }) => length > 0)
    if (more.length === 0 || first === this.all) return first
    const found = new Set([...first, ...more.flat()])
    return this.all.filter((member) => found.has(member))
  }

  /** Those that may hold a file or a link in a range of keys. */
  holdingIn(range: KeyRange): readonly MemberView[] {
    const folder = folderOf(range)
    return folder === null ? this.all : this.holdingBelow(folder)
  }

  /** A key in a range that none of a member's own there is before; null where nothing is known but the range. */
  firstIn(range: KeyRange, { view }: MemberView): string | null {
    const { keyed } = view
    const first = (keyed && this.#locator?.firstOf(keyed)) ?? null
    return first !== null && inRange(first, range) ? first : null
  }

  #found(ask: (locator: Locator, take: (owner: number) => void) => void): readonly MemberView[] {
    const locator = this.#locator
    if (locator === null) return this.all
    const { placeOf, others } = this.#current(locator)
    if (placeOf.size === 0) return this.all
    const places: number[] = []
    ask(locator, (owner) => {
      const place = placeOf.get(owner)
      if (place !== undefined) places.push(place)
    })
    if (others.length > 0) places.push(...others)
    if (places.length > 1) places.sort((a, b) => a - b)
    return places.map((place) => this.all[place]!)
  }

  #current(locator: Locator): Roster {
    const { generation } = locator
    if (this.#roster?.generation === generation) return this.#roster
    const placeOf = new Map<number, number>()
    const others: number[] = []
    for (const [place, { view }] of this.all.entries()) {
      const owner = view.keyed ? locator.ownerOf(view.keyed) : null
      if (owner === null) others.push(place)
      else placeOf.set(owner, place)
    }
    return (this.#roster = { generation, placeOf, others })
  }
}

/** The folder that all keys of a range lie below, null for none. */
function folderOf({ gt, gte, lt }: KeyRange): string | null {
  const from = gt ?? gte
  if (from === undefined || !lt?.endsWith('0')) return null
  const folder = lt.slice(0, -1)
  return from.startsWith(folder + '/') ? folder : null
}
