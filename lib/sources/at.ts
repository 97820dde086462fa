import type { Drive, ReadOptions } from '../drive.ts'
import type { DriveVersion, Versions } from '../format/version.ts'
import type { Source, View } from './source.ts'

/** A source as it was, or, where it has no history, as it is: read-only. */
export class SourceAt implements Source {
  readonly writable = false
  readonly unsynced = false
  readonly #source: Source
  readonly #view: (opts?: ReadOptions) => View | Promise<View>
  readonly #versions: readonly DriveVersion[]

  /**
   * @param view - gives what it shows
   * @param versions - where it stands
   */
  constructor(
    source: Source,
    view: (opts?: ReadOptions) => View | Promise<View>,
    versions: readonly DriveVersion[] = []
  ) {
    this.#source = source
    this.#view = view
    this.#versions = versions
  }

  get drive(): Drive {
    return this.#source.drive
  }

  get name(): string {
    return this.#source.name
  }

  get identity(): string {
    return this.#source.identity
  }

  open(): Promise<void> {
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  view(opts?: ReadOptions): View | Promise<View> {
    return this.#view(opts)
  }

  writer(): null {
    return null
  }

  update(): Promise<boolean> {
    return Promise.resolve(false)
  }

  versions(): readonly DriveVersion[] {
    return this.#versions
  }

  at(versions: Versions): Source | null {
    return this.#source.at(versions)
  }
}
