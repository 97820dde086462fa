import type { Comparator, ReadOptions } from '../drive.ts'
import { failure } from '../errors.ts'
import type { MountPoint } from '../format/records.ts'
import { MOUNTED, type DriveVersion, type Versions } from '../format/version.ts'
import type { Source, WritableLeaf } from '../sources/source.ts'
import { bounded } from '../wait.ts'
import { byMtime } from './compare.ts'
import { fromAll } from './failure.ts'
import { ENDLESS, type Horizon, type HorizonNow } from './horizon.ts'
import { MountPoints } from './mount-points.ts'
import type { Locator } from './locator.ts'
import type { Member } from './member.ts'
import type { MemberViews } from './member-views.ts'
import { Members } from './members.ts'
import { MergedView, type ViewRules } from './view.ts'
import type { Patience } from './way.ts'

/** What a MultiDrive and all that shows a part of it have in common. */
export interface OverlayOptions {
  /** The latest date that is believed; null, the default, for any. */
  readonly horizon?: Horizon | null
  /** Whether reads that do not say fall back to older versions. Default false. */
  readonly fallback?: boolean
  /** Knows which members hold a path; null, the default, where all are asked. */
  readonly locator?: Locator | null
  /** Milliseconds that calls which do not say wait for bytes that are not on this machine. Default 0: without bound. */
  readonly timeout?: number
}

/** Opens the drives that are mounted. */
export interface MountOpener {
  /**
   * An overlay over the one drive. Rejects when it cannot be opened in time, or is another one than was mounted.
   *
   * @param patience - what is left of the time that a drive which was never here is waited for
   */
  open(mount: MountPoint, opts: ReadOptions, patience: Patience): Promise<Overlay>
  /** Where those that are open stand. */
  versions(): readonly DriveVersion[]
}

/** The sources of a MultiDrive in the order of adding, and the one writer among them. */
export class Overlay {
  comparator: Comparator = byMtime
  /** Opens what is mounted; null where nobody can. */
  mounts: MountOpener | null = null
  /** The versions that mounts without a version of their own are shown at; null for the newest. */
  #mountsAt: Versions | null = null
  readonly #options: OverlayOptions
  /** The horizon of a checkout, whose view never changes; null for one that moves on. */
  #fixed: HorizonNow | null = null
  readonly #points = new MountPoints()
  #last: MergedView | null = null
  #ended = false
  readonly #members: Members
  readonly #follows: boolean

  /** @param follows - whether the locator is to be kept at what this overlay shows */
  constructor(opts: OverlayOptions = {}, follows = true) {
    this.#options = opts
    this.#follows = follows
    this.#members = new Members(this.locator, follows)
  }

  /** The options of a call that may have to wait for bytes. */
  waiting<T extends ReadOptions>(opts: T): T {
    const { timeout = this.#options.timeout ?? 0 } = opts
    const patience = bounded(timeout)
    return patience === (opts.timeout ?? 0) ? opts : { ...opts, timeout: patience }
  }

  get locator(): Locator | null {
    return this.#options.locator ?? null
  }

  get sources(): readonly Source[] {
    return this.#members.sources
  }

  /** Takes the next place in the order, to be filled or given up. */
  reserve(): { fill(member: Member): void; giveUp(): void } {
    return this.#members.reserve()
  }

  add(member: Member): void {
    this.#members.add(member)
  }

  remove(source: Source): boolean {
    return this.#members.remove(source)
  }

  /**
   * From now on there is nothing to be seen or written: it fails, rather than that its drives vanish one by one.
   *
   * @returns resolves when nobody reads for the locator any more
   */
  end(): Promise<void> {
    this.#ended = true
    this.#members.end()
    if (this.locator === null || !this.#follows) return Promise.resolve()
    this.locator.close()
    return this.locator.settled()
  }

  /**
   * The merged view of now. A promise only when a source must first be brought up to date.
   *
   * @throws CLOSED when it has ended
   */
  view(opts: ReadOptions = {}): MergedView | Promise<MergedView> {
    this.#requireOpen('read')
    const rules = this.#rules()
    const views = this.#members.views(opts)
    return views instanceof Promise
      ? views.then((all) => this.#merged(all, rules))
      : this.#merged(views, rules)
  }

  /** One view as long as it is of the same versions: who holds it can tell that nothing has changed. */
  #merged(views: MemberViews, rules: ViewRules): MergedView {
    if (!this.#last?.isOf(views, rules)) this.#last = new MergedView(views, rules, this.#points)
    return this.#last
  }

  /** The overlay over a mounted drive. */
  async openMount(mount: MountPoint, opts: ReadOptions, patience: Patience): Promise<Overlay> {
    if (this.mounts === null) throw failure('DRIVE_INVALID', { detail: 'mounts cannot be opened here' })
    const overlay = await this.mounts.open(mount, opts, patience)
    if (this.#mountsAt === null) return overlay
    // Whatever was not open then is shown as it is now, and is read-only all the same. A drive of the set always was.
    const named = this.#mountsAt.get(MOUNTED + mount.id) ?? this.#mountsAt.get(mount.id)
    const then = mount.version === null ? named : undefined
    const at = then ? [{ ...then, id: mount.id }] : overlay.versions()
    const past = overlay.at(
      new Map([...this.#mountsAt, ...at.map((version) => [version.id, version] as const)])
    )
    past.#fixed = this.#fixed
    return past
  }

  /** The first source that can be written to, null when there is none. */
  get writer(): { source: Source; leaf: WritableLeaf } | null {
    for (const source of this.sources) {
      const leaf = source.writer()
      if (leaf) return { source, leaf }
    }
    return null
  }

  /** Where the next write lands wherever it is, as far as is known without asking; null where that is not sure enough. */
  get likelyWriter(): WritableLeaf | null {
    return this.#ended || this.#last?.mountPoints().size !== 0 ? null : (this.writer?.leaf ?? null)
  }

  /**
   * Where the next write lands.
   *
   * @throws EROFS, with the names of the drives tried; CLOSED when it has ended
   */
  requireWriter(syscall: string, path?: string): WritableLeaf {
    this.#requireOpen(syscall)
    const { writer } = this
    if (writer) return writer.leaf
    const names = this.sources.map(({ name }) => name).join(', ')
    throw failure('EROFS', {
      syscall,
      ...(path === undefined ? {} : { path }),
      detail: `no writable drive among ${names}`
    })
  }

  /** Where each Hyperdrive stands, as a read of now takes it. */
  versions(): readonly DriveVersion[] {
    return this.sources.flatMap((source) => source.versions())
  }

  /** Where each mounted Hyperdrive stands that has been opened. */
  mountedVersions(): readonly DriveVersion[] {
    return (this.mounts?.versions() ?? []).map((version) => ({ ...version, id: MOUNTED + version.id }))
  }

  /**
   * The overlay at the versions given, read-only. Who is not among them is left out, but for sources without history, which are shown as
   * they are.
   */
  at(versions: Versions): Overlay {
    const past = new Overlay({ ...this.#options, horizon: null }, false)
    past.showAt(this, versions)
    return past
  }

  /** Takes in what another overlay has, at the versions given; see {@link at}. */
  showAt(overlay: Overlay, versions: Versions): void {
    this.comparator = overlay.comparator
    this.mounts = overlay.mounts
    this.#mountsAt = versions
    this.#fixed = overlay.#fixed ?? fixed(overlay.#options.horizon ?? null)
    for (const { source, tombstones } of overlay.#members.all) {
      const at = source.at(versions)
      if (at) this.add({ source: at, tombstones })
    }
  }

  /** Asks the peers of every source for their heads; with `wait` resolves when all that can be reached are whole there. */
  async update(opts: { wait: boolean }): Promise<boolean> {
    const updated = await fromAll(this.sources, (source) => source.update(opts))
    return updated.includes(true)
  }

  #requireOpen(syscall: string): void {
    if (this.#ended) throw failure('CLOSED', { syscall, detail: 'the MultiDrive was closed' })
  }

  #rules(): ViewRules {
    const { horizon = null, fallback = false } = this.#options
    return {
      comparator: this.comparator === (byMtime as Comparator) ? null : this.comparator,
      ...(this.#fixed ?? horizon?.now() ?? ENDLESS),
      fallback
    }
  }
}

/** The horizon of a checkout that is taken now. */
function fixed(horizon: Horizon | null): HorizonNow {
  return horizon ? { horizon: horizon.now().horizon, epoch: null } : ENDLESS
}
