import type { Json } from '../drive.ts'
import type { MountPoint } from '../format/records.ts'
import type { Staged } from '../sources/source.ts'

/** What a file, a link or a directory is given beside its content. */
interface Given {
  readonly key: string
  readonly metadata: Json
  /** The mtime in milliseconds since the epoch, where it is neither that of now nor one that the metadata asks for. */
  readonly time?: number | null
  /** The permission bits; null for those that go without saying. */
  readonly mode?: number | null
  /** Fails with EEXIST when anything is there. */
  readonly exclusive?: boolean
}

/** One thing that a caller asks of the merged view. Several in a row are one atomic write. */
export type Operation =
  /** Its bytes may still be on their way into the drive: they are waited for when all else is known. */
  | (Given & { type: 'file'; executable: boolean; staged: Staged | Promise<Staged> })
  | (Given & { type: 'link'; linkname: string })
  | (Given & { type: 'make-directory' })
  /** Removes the file at a key; with `tree` everything below it too, with `hidden` also what others hold there and nobody sees. */
  | { type: 'remove'; key: string; tree: boolean; hidden?: boolean }
  | { type: 'remove-directory'; key: string }
  /** Makes a directory where there would be none any more: what was implied by what lay in it stays when that goes. */
  | { type: 'keep-directory'; key: string }
  /** Mounts a drive at a key, or with null takes away what is mounted there. */
  | { type: 'mount'; key: string; mount: MountPoint | null }
  /** Gives a version a name, or with null takes the name away. */
  | { type: 'tag'; key: string; version: string | null }

/** What a caller asks for is named in errors by the call's own name. */
export interface Write {
  readonly syscall: string
  readonly operations: readonly Operation[]
  /** Runs when all has landed, before anybody else writes. */
  readonly landed?: () => Promise<void>
}
