import type { Drive } from '../../drive.ts'

/** The metadata hooks that a Localdrive may be given by its user. */
export interface MetadataHooks {
  get?(key: string): unknown
  put?(key: string, value: unknown): unknown
  del?(key: string): unknown
}

/** What is needed of a Localdrive: its folder, and where it keeps metadata. */
export interface LocaldriveLike extends Drive {
  readonly root: string
  readonly supportsMetadata?: boolean
  readonly metadata?: MetadataHooks
}

/** The hooks that keep the metadata, null when the sidecar records have to. */
export function metadataHooks(drive: LocaldriveLike): MetadataHooks | null {
  return drive.supportsMetadata && typeof drive.metadata?.get === 'function' ? drive.metadata : null
}
