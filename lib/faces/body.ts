import type { Drive, ReadOptions } from '../drive.ts'
import { readerOf, type MountedView } from '../overlay/mounted.ts'
import type { Overlay } from '../overlay/overlay.ts'
import type { MergedView } from '../overlay/view.ts'

export type View = MergedView | MountedView

/** What the faces of a MultiDrive share, and all that they know of it (design, "Two faces, one body"). */
export interface Body {
  readonly overlay: Overlay
  /**
   * Resolves when it is open, with every drive that is being added; null when it is.
   *
   * @throws CLOSED; REQUEST_TIMEOUT when that takes longer than the timeout
   */
  ready(syscall: string, opts?: ReadOptions): Promise<void> | null
  /**
   * The merged view of now. A promise only when something must be waited for: a read costs little else than its steps.
   *
   * @throws as {@link ready}
   */
  view(opts?: ReadOptions): View | Promise<View>
  /**
   * Keeps the drives that were opened here open, though they leave.
   *
   * @returns what lets go of them
   */
  hold(): () => Promise<void>
  /** Tells of each drive that has changed, until the returned function is called. */
  onUpdate(listener: (drive: Drive) => void): () => void
  /** Calls the listener when the MultiDrive closes, until the returned function is called. */
  onClose(listener: () => void): () => void
}

/** The view of now for those who follow it: what is being added is waited for, a drive that does not answer is not. */
export async function latest(body: Body, opts: ReadOptions): Promise<View> {
  await body.ready('watch')
  return readerOf(body.overlay, opts)
}
