import type { Json } from '../drive.ts'
import type { Staged } from '../sources/source.ts'

/** One thing that a caller asks of the merged view. Several in a row are one atomic write. */
export type Operation =
  | { type: 'file'; key: string; executable: boolean; metadata: Json; staged: Staged }
  | { type: 'link'; key: string; linkname: string; metadata: Json }
  /** Removes the file at a key; with `tree` everything below it too. */
  | { type: 'remove'; key: string; tree: boolean }
  | { type: 'make-directory'; key: string; mode: number | null; metadata: Json }
  | { type: 'remove-directory'; key: string }

/** What a caller asks for is named in errors by the call's own name. */
export interface Write {
  readonly syscall: string
  readonly operations: readonly Operation[]
}
