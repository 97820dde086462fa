import type { ReadOptions } from '../drive.ts'
import type { Source } from '../sources/source.ts'
import type { Locator } from './locator.ts'
import { isFailed, viewOf, type Member, type MemberView } from './member.ts'
import { MemberViews } from './member-views.ts'

/** The place of a member in the order of adding. */
interface Place {
  /** Null for one that is not known yet. */
  member: Member | null
  /** Its view of now, until it tells that there may be another; null where it has to be asked. */
  view: MemberView | null
  /** How often it has told. */
  told: number
  /** Where it stood in the list that was made last. */
  at: number
  /** Ends the listening; null before it has begun. */
  forget: (() => void) | null
}

/** The members of an overlay in the order of adding, with what is known of their views: who has not changed is not asked. */
export class Members {
  readonly #places: Place[] = []
  /** Those whose views are not known. */
  readonly #unknown = new Set<Place>()
  readonly #locator: Locator | null
  readonly #follows: boolean
  #sources: readonly Source[] | null = null
  /** Those of {@link sources}, to be looked up. */
  #present: ReadonlySet<Source> | null = null
  #last: MemberViews | null = null
  /** Whether the last list has every view that is known. */
  #isCurrent = false
  /** The generation of the locator when it was last told of all members. */
  #seenAt: number | null = null

  /**
   * @param locator - knows who holds what; null where nobody does
   * @param follows - whether it is to be kept at what the members hold now
   */
  constructor(locator: Locator | null, follows: boolean) {
    this.#locator = locator
    this.#follows = follows
  }

  get sources(): readonly Source[] {
    return (this.#sources ??= this.all.map(({ source }) => source))
  }

  get all(): Member[] {
    return this.#places.flatMap(({ member }) => member ?? [])
  }

  /** Takes the next place in the order, to be filled or given up. */
  reserve(): { fill(member: Member): void; giveUp(): void } {
    const place: Place = { member: null, view: null, told: 0, at: 0, forget: null }
    this.#places.push(place)
    return {
      fill: (member) => {
        place.member = member
        this.#regroup()
        this.#changed(place)
      },
      giveUp: () => void this.#remove(this.#places.indexOf(place))
    }
  }

  add(member: Member): void {
    this.reserve().fill(member)
  }

  remove(source: Source): boolean {
    return this.#remove(this.#places.findIndex(({ member }) => member?.source === source))
  }

  /** Listens to nobody any more. */
  end(): void {
    for (const place of this.#places) place.forget?.()
  }

  /**
   * The views of now. A promise only when a source must first be brought up to date. Only those whose views are not known are gone through,
   * as long as they show what they did.
   */
  views(opts: ReadOptions): MemberViews | Promise<MemberViews> {
    if (this.#isCurrent && this.#unknown.size === 0) return this.#last!
    const asked = new Map<Place, MemberView | Promise<MemberView>>()
    let isShown = this.#isCurrent
    for (const place of [...this.#unknown]) {
      const view = this.#viewOf(place, opts)
      asked.set(place, view)
      isShown &&= this.#isShown(place, view)
    }
    if (isShown) return this.#last!
    const views: MemberView[] = []
    const late: { at: number; view: Promise<MemberView> }[] = []
    for (const place of this.#places) {
      if (place.member === null) continue
      const view = place.view ?? asked.get(place) ?? this.#viewOf(place, opts)
      place.at = views.length
      if (view instanceof Promise) late.push({ at: views.length, view })
      views.push(view as MemberView)
    }
    return late.length === 0 ? this.#joined(views) : this.#whenAll(views, late)
  }

  /** Most of them have not changed: only those that are late are waited for. */
  async #whenAll(
    views: MemberView[],
    late: readonly { at: number; view: Promise<MemberView> }[]
  ): Promise<MemberViews> {
    for (const [i, view] of (await Promise.all(late.map(({ view }) => view))).entries())
      views[late[i]!.at] = view
    return this.#joined(views)
  }

  #viewOf(place: Place, opts: ReadOptions): MemberView | Promise<MemberView> {
    if (place.view) return place.view
    const member = place.member!
    place.forget ??= member.source.listen?.(() => this.#changed(place)) ?? null
    const { told } = place
    const keep = (view: MemberView): MemberView => {
      const isKept = member.source.steady === true && place.told === told && !isFailed(view)
      if (isKept) {
        place.view = view
        this.#unknown.delete(place)
        this.#isCurrent &&= this.#isShown(place, view)
      }
      return view
    }
    const view = viewOf(member, opts)
    return view instanceof Promise ? view.then(keep) : keep(view)
  }

  /** One list as long as the views are the same: who holds it can tell that nothing has changed. */
  #joined(views: readonly MemberView[]): MemberViews {
    const last = this.#last
    if (!last?.isOf(views)) {
      this.#tell(views, last)
      this.#last = new MemberViews(views, this.#locator, last)
    }
    // Another reader may have been told of a newer view meanwhile.
    this.#isCurrent = this.#isAll(views)
    return this.#last!
  }

  /** Whether these are the views of all members, as far as those are known. */
  #isAll(views: readonly MemberView[]): boolean {
    let count = 0
    for (const { member, view } of this.#places) {
      if (member === null) continue
      if (view !== null && view !== views[count]) return false
      count++
    }
    return count === views.length
  }

  /** Whether the list that was made last has a member at this view. */
  #isShown({ at }: Place, view: MemberView | Promise<MemberView>): boolean {
    if (view instanceof Promise) return false
    const shown = this.#last?.all[at]
    return shown?.source === view.source && shown.view === view.view
  }

  /** Tells the locator who has changed; of all when a drive has left it, which may come in again. */
  #tell(views: readonly MemberView[], last: MemberViews | null): void {
    const locator = this.#locator
    if (locator === null || !this.#follows) return
    const { generation } = locator
    for (let at = 0; at < views.length; at++) {
      const { source, view } = views[at]!
      if (generation === this.#seenAt && view === last?.all[at]?.view) continue
      // Who has left while the views were made stays forgotten.
      if (view.keyed && this.#isPresent(source)) locator.see(view.keyed)
    }
    this.#seenAt = generation
  }

  #isPresent(source: Source): boolean {
    this.#present ??= new Set(this.sources)
    return this.#present.has(source)
  }

  #changed(place: Place): void {
    place.told++
    place.view = null
    this.#unknown.add(place)
  }

  /** Somebody has come or left. */
  #regroup(): void {
    this.#sources = null
    this.#present = null
  }

  #remove(at: number): boolean {
    const [place] = at === -1 ? [] : this.#places.splice(at, 1)
    if (!place) return false
    place.forget?.()
    if (place.member && this.#follows) this.#locator?.drop(place.member.source)
    this.#changed(place)
    this.#unknown.delete(place)
    this.#regroup()
    this.#last = null
    this.#isCurrent = false
    return true
  }
}
