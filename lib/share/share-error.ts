/** What keeps a folder from being shared. */
export class ShareError extends Error {
  /**
   * STORAGE_IN_FOLDER: the drive would be kept in the folder, and with it the key to write it be shared. CHANGED_BY_KEY: the drive holds
   * changes that the folder does not have.
   */
  readonly code: 'STORAGE_IN_FOLDER' | 'CHANGED_BY_KEY'
  /** The folder of the storage, or what in the drive would be undone. */
  readonly paths: readonly string[]

  constructor(code: ShareError['code'], detail: string, paths: readonly string[]) {
    super(`${code}: ${detail}`)
    this.name = 'ShareError'
    this.code = code
    this.paths = paths
  }
}
