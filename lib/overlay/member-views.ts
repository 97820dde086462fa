import { inRange, type KeyRange } from '../path.ts'
import type { Mount, View } from '../sources/source.ts'
import type { Locator } from './locator.ts'
import type { MemberView } from './member.ts'

/** Calls `take` with each drive that the locator names. */
type Lookup = (locator: Locator, take: (owner: number) => void) => void

/** Which members may have records of one kind. */
interface Having {
  readonly places: readonly number[]
  readonly members: readonly MemberView[]
  /** The places of those that the locator does not speak for, as long as these are the same. */
  others: { readonly of: Owners; readonly places: readonly number[] } | null
}

/** Which members the locator speaks for. */
interface Owners {
  readonly generation: number
  /** The places of those that it speaks for, by their owners there. */
  readonly placeOf: ReadonlyMap<number, number>
  /** The places of the others, in order. */
  readonly others: readonly number[]
}

/** The members of an overlay in the order of adding, each at one version, and which of them may hold what. */
export class MemberViews {
  readonly all: readonly MemberView[]
  readonly #locator: Locator | null
  #owners: Owners | null = null
  #tombstones: Having | null = null
  #directories: Having | null = null
  #mounts: readonly (readonly Mount[])[] | null = null

  /** @param before - an earlier list: what it has found out need not be found out again for the members that have not changed */
  constructor(all: readonly MemberView[], locator: Locator | null, before: MemberViews | null = null) {
    this.all = all
    this.#locator = locator
    if (before) this.#takeOver(before)
  }

  #takeOver(before: MemberViews): void {
    const { all } = this
    if (before.all.length !== all.length) return
    const changed: { now: View; then: View }[] = []
    for (let place = 0; place < all.length; place++) {
      const { source, view } = all[place]!
      const then = before.all[place]!
      if (then.source !== source) return
      if (then.view !== view) changed.push({ now: view, then: then.view })
    }
    const isSame = (fact: (view: View) => unknown) =>
      changed.every(({ now, then }) => fact(now) === fact(then))
    if (before.#tombstones && isSame(mayBury)) this.#tombstones = this.#having(before.#tombstones.places)
    if (before.#directories && isSame(mayHaveFolders))
      this.#directories = this.#having(before.#directories.places)
    if (isSame((view) => view.mounts())) this.#mounts = before.#mounts
    if (before.#owners?.generation === this.#locator?.generation && isSame((view) => this.#ownerOf(view)))
      this.#owners = before.#owners
  }

  isOf(views: readonly MemberView[]): boolean {
    const { all } = this
    return (
      views.length === all.length &&
      views.every(({ source, view }, i) => source === all[i]!.source && view === all[i]!.view)
    )
  }

  /** Those that may have tombstones which cover a key. */
  withTombstonesOver(key: string): readonly MemberView[] {
    return this.#recorded(this.#buriers(), (locator, take) => locator.withTombstonesOver(key, take))
  }

  /** Those that may have tombstones at or below a folder. */
  withTombstonesBelow(folder: string): readonly MemberView[] {
    const all = this.#buriers()
    if (folder === '') return all.members
    return this.#recorded(all, (locator, take) => locator.withTombstonesBelow(folder, take))
  }

  /** Those that may have a record of a folder, or that folder as a real one. */
  withDirectoryAt(folder: string): readonly MemberView[] {
    return this.#recorded(this.#makers(), (locator, take) => locator.withDirectoryAt(folder, take))
  }

  /** As {@link withDirectoryAt}, of any folder below one. */
  withDirectoriesBelow(folder: string): readonly MemberView[] {
    const all = this.#makers()
    if (folder === '') return all.members
    return this.#recorded(all, (locator, take) => locator.withDirectoriesBelow(folder, take))
  }

  #buriers(): Having {
    return (this.#tombstones ??= this.#having(this.#placesWhere(mayBury)))
  }

  #makers(): Having {
    return (this.#directories ??= this.#having(this.#placesWhere(mayHaveFolders)))
  }

  #having(places: readonly number[]): Having {
    return { places, members: this.#at(places), others: null }
  }

  /** Those of some members with records that the locator names or does not speak for. */
  #recorded(having: Having, ask: Lookup): readonly MemberView[] {
    const locator = this.#locator
    if (locator === null || having.places.length === 0) return having.members
    const owners = this.#ownersIn(locator)
    if (having.others?.of !== owners) {
      const others = new Set(owners.others)
      having.others = { of: owners, places: having.places.filter((place) => others.has(place)) }
    }
    const { places } = having.others
    return places.length === having.places.length
      ? having.members
      : this.#at(this.#located(owners, places, (take) => ask(locator, take)))
  }

  /** The mounts that each of them has records of: one array as long as none of them changes. */
  get mounts(): readonly (readonly Mount[])[] {
    return (this.#mounts ??= this.all.map(({ view }) => view.mounts()))
  }

  /** Those that may hold a file or a link at a key. */
  holding(key: string): readonly MemberView[] {
    return this.#found((locator, take) => locator.holders(key, take))
  }

  /** What a read of several of them gives; the locator's own reads wait for it. */
  givingWay<T>(read: Promise<T>): Promise<T> {
    return this.#locator?.givingWay(read) ?? read
  }

  /** Those that may hold a file or a link below a folder. */
  holdingBelow(folder: string): readonly MemberView[] {
    return folder === '' ? this.all : this.#found((locator, take) => locator.holdersBelow(folder, take))
  }

  /** Those that may hold anything at a folder or below it, folders of their own among it. */
  concerning(folder: string): readonly MemberView[] {
    return this.#joined(
      this.holding(folder),
      this.holdingBelow(folder),
      this.withDirectoryAt(folder),
      this.withDirectoriesBelow(folder)
    )
  }

  /** As {@link concerning}, with those that may have deleted something there. */
  speakingOf(folder: string): readonly MemberView[] {
    return this.#joined(this.concerning(folder), this.withTombstonesBelow(folder))
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

  #found(ask: Lookup): readonly MemberView[] {
    const locator = this.#locator
    if (locator === null) return this.all
    const owners = this.#ownersIn(locator)
    if (owners.placeOf.size === 0) return this.all
    return this.#at(this.#located(owners, owners.others, (take) => ask(locator, take)))
  }

  /** The places of those that are named, and of others that are not among them, in order and each once. */
  #located(
    { placeOf }: Owners,
    others: readonly number[],
    name: (take: (owner: number) => void) => void
  ): readonly number[] {
    const places: number[] = []
    name((owner) => {
      const place = placeOf.get(owner)
      if (place !== undefined) places.push(place)
    })
    if (others.length > 0) places.push(...others)
    if (places.length < 2) return places
    return places.sort((a, b) => a - b).filter((place, i) => place !== places[i - 1])
  }

  #ownersIn(locator: Locator): Owners {
    const { generation } = locator
    if (this.#owners?.generation === generation) return this.#owners
    const placeOf = new Map<number, number>()
    const others: number[] = []
    for (const [place, { view }] of this.all.entries()) {
      const owner = this.#ownerOf(view)
      if (owner === null) others.push(place)
      else placeOf.set(owner, place)
    }
    return (this.#owners = { generation, placeOf, others })
  }

  #ownerOf({ keyed }: View): number | null {
    return (keyed && this.#locator?.ownerOf(keyed)) ?? null
  }

  #placesWhere(is: (view: View) => boolean): readonly number[] {
    const places: number[] = []
    for (const [place, { view }] of this.all.entries()) if (is(view)) places.push(place)
    return places
  }

  #at(places: readonly number[]): readonly MemberView[] {
    return places.map((place) => this.all[place]!)
  }
}

function mayBury({ hasTombstones }: View): boolean {
  return hasTombstones !== false
}

function mayHaveFolders({ hasDirectories }: View): boolean {
  return hasDirectories !== false
}

/** The folder that all keys of a range lie below, null for none. */
function folderOf({ gt, gte, lt }: KeyRange): string | null {
  const from = gt ?? gte
  if (from === undefined || !lt?.endsWith('0')) return null
  const folder = lt.slice(0, -1)
  return from.startsWith(folder + '/') ? folder : null
}
