import type { Drive } from './drive.ts'

/** A drive that can be told. */
interface Finder {
  findingPeers?(): () => void
}

/** Searches for peers that are under way, told to every drive that can wait for them, also to those that are added meanwhile. */
export class FindingPeers {
  readonly #drives = new Map<Drive, Map<object, () => void>>()
  readonly #searches = new Set<object>()
  #found: Promise<void> | null = null
  #end: () => void = () => undefined

  /** Resolves when no search is under way any more; null when none is. */
  get found(): Promise<void> | null {
    return this.#found
  }

  add(drive: Drive): void {
    if (this.#drives.has(drive)) return
    const told = new Map<object, () => void>()
    this.#drives.set(drive, told)
    for (const search of this.#searches) tell(drive, told, search)
  }

  remove(drive: Drive): void {
    const told = this.#drives.get(drive)
    this.#drives.delete(drive)
    for (const stop of told?.values() ?? []) stop()
  }

  /** @returns what says that this search is over */
  start(): () => void {
    const search = {}
    this.#searches.add(search)
    this.#found ??= new Promise((resolve) => (this.#end = resolve))
    for (const [drive, told] of this.#drives) tell(drive, told, search)
    return () => {
      this.#searches.delete(search)
      for (const told of this.#drives.values()) {
        told.get(search)?.()
        told.delete(search)
      }
      if (this.#searches.size > 0) return
      this.#found = null
      this.#end()
    }
  }
}

function tell(drive: Drive, told: Map<object, () => void>, search: object): void {
  const stop = (drive as Drive & Finder).findingPeers?.()
  if (stop) told.set(search, stop)
}
