import type { Drives } from './drive-set.ts'
import type { Drive } from './drive.ts'
import { failure } from './errors.ts'
import { MOUNTED, type Versions } from './format/version.ts'
import type { Overlay } from './overlay/overlay.ts'

/** Where a checkout comes from. */
export interface CheckoutOrigin {
  readonly overlay: Overlay
  /** Resolves when the drives of the set are open; null when they are. */
  ready(): Promise<void> | null
  /** Keeps the drives of now readable when they leave the set, until the returned function is called. */
  hold(): () => Promise<void>
}

/** The drives of a checkout: those of the set that it was taken from, as they were. */
export class CheckoutSet implements Drives {
  readonly #overlay: Overlay
  readonly #origin: CheckoutOrigin
  readonly #versions: Versions
  readonly #primary: Drive
  #release: () => Promise<void> = () => Promise.resolve()

  constructor(overlay: Overlay, origin: CheckoutOrigin, versions: Versions, primary: Drive) {
    this.#overlay = overlay
    this.#origin = origin
    this.#versions = versions
    this.#primary = primary
  }

  get drives(): Drive[] {
    return this.#overlay.sources.map(({ drive }) => drive)
  }

  get unsynced(): Drive[] {
    return []
  }

  register(): void {
    // It is read-only and has no drives of its own: as a drive of another set it is one like any other.
  }

  settled(): null {
    return null
  }

  /** @throws VERSION_NOT_AVAILABLE when a drive of the version is not in the set */
  async addPrimary(): Promise<Drive> {
    await this.#origin.ready()
    this.#release = this.#origin.hold()
    this.#overlay.showAt(this.#origin.overlay, this.#versions)
    const known = new Set(this.#overlay.versions().map(({ id }) => id))
    for (const id of this.#versions.keys()) {
      if (!known.has(id) && !id.startsWith(MOUNTED))
        throw failure('VERSION_NOT_AVAILABLE', { syscall: 'checkout', detail: `no drive ${id} in the set` })
    }
    return this.#primary
  }

  add(): Promise<never> {
    return Promise.reject(readOnly('addDrive'))
  }

  remove(): Promise<never> {
    return Promise.reject(readOnly('removeDrive'))
  }

  find(keyOrDrive: Drive | Uint8Array | string): null | { readonly drive: Drive } {
    return this.#overlay.sources.find(({ drive }) => drive === keyOrDrive) ?? null
  }

  hold(): () => Promise<void> {
    return this.#origin.hold()
  }

  end(): void {
    // Who waits does so in the set that it is of.
  }

  /** The drives are those of the set, and stay open. */
  close(): Promise<void> {
    return this.#release()
  }

  purge(): Promise<never> {
    return Promise.reject(readOnly('purge'))
  }
}

function readOnly(syscall: string): Error {
  return failure('EROFS', { syscall, detail: 'a checkout' })
}
