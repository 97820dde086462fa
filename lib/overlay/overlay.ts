import type { Comparator, ReadOptions } from '../drive.ts'
import { failure } from '../errors.ts'
import type { MountPoint } from '../format/records.ts'
import { MOUNTED, type DriveVersion, type Versions } from '../format/version.ts'
import type { Source, WritableLeaf } from '../sources/source.ts'
import { byMtime } from './compare.ts'
import { fromAll } from './failure.ts'
import { MountedView, type MountOpener } from './mounted.ts'
import type { WritePlace } from './place.ts'
import { viewOf, type Member, type MemberView } from './member.ts'
import { MergedView, type ViewRules } from './view.ts'
import { Way, type Patience } from './way.ts'

/** How long a write waits for a drive on demand to find out where it lands, in milliseconds. */
const MOUNT_PATIENCE = 3000

/** The sources of a MultiDrive in the order of adding, and the one writer among them. */
export class Overlay {
  comparator: Comparator = byMtime
  /** Opens what is mounted; null where nobody can. */
  mounts: MountOpener | null = null
  /** The versions that mounts without a version of their own are shown at; null for the newest. */
  #mountsAt: Versions | null = null
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
    if (ready.length === views.length) {
      if (!this.#last?.isOf(ready, rules)) this.#last = new MergedView(ready, rules)
      return this.#last
    }
    return Promise.all(views.map((view) => Promise.resolve(view))).then((all) => new MergedView(all, rules))
  }

  /**
   * The merged view of now, with what is mounted in it.
   *
   * @param way - to this overlay, where it is mounted
   * @throws ELOOP when the way has no end
   */
  async reader(opts: ReadOptions = {}, way: Way | null = null): Promise<MergedView | MountedView> {
    const view = await this.view(opts)
    const { size } = view.mountPoints()
    way?.spend(1 + size)
    return size === 0 ? view : new MountedView(view, this, way ?? Way.begin(), opts)
  }

  /**
   * Where what is written at a key lands.
   *
   * @throws as {@link requireWriter}; the error of a mount that cannot be opened
   */
  async place(syscall: string, key: string): Promise<WritePlace> {
    const view = await this.reader({ timeout: MOUNT_PATIENCE })
    const { overlay, prefix } =
      view instanceof MountedView ? await view.place(key) : { overlay: this, prefix: '' }
    return { overlay, prefix, writer: overlay.requireWriter(syscall, key) }
  }

  /**
   * Finds out before any work is done that nothing can be written, wherever it would lie.
   *
   * @throws as {@link requireWriter}
   */
  async requireAnyWriter(syscall: string): Promise<void> {
    if (this.writer || (await this.view({ timeout: MOUNT_PATIENCE })).mountPoints().size > 0) return
    this.requireWriter(syscall)
  }

  /** The overlay over a mounted drive. */
  async openMount(mount: MountPoint, opts: ReadOptions, patience: Patience): Promise<Overlay> {
    if (this.mounts === null) throw failure('DRIVE_INVALID', { detail: 'mounts cannot be opened here' })
    const overlay = await this.mounts.open(mount, opts, patience)
    if (this.#mountsAt === null || mount.version !== null) return overlay
    // Whatever was not open then is shown as it is now, and is read-only all the same.
    const then = this.#mountsAt.get(MOUNTED + mount.id)
    const at = then ? [{ ...then, id: mount.id }] : overlay.versions()
    return overlay.at(new Map([...this.#mountsAt, ...at.map((version) => [version.id, version] as const)]))
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
    const past = new Overlay(this.#maxClockSkew)
    past.showAt(this, versions)
    return past
  }

  /** Takes in what another overlay has, at the versions given; see {@link at}. */
  showAt(overlay: Overlay, versions: Versions): void {
    this.comparator = overlay.comparator
    this.mounts = overlay.mounts
    this.#mountsAt = versions
    for (const { source, tombstones } of overlay.#members) {
      const at = source.at(versions)
      if (at) this.add({ source: at, tombstones })
    }
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
