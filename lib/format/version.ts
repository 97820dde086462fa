import { failure } from '../errors.ts'

/** Where a Hyperdrive stands, or stood. */
export interface DriveVersion {
  /** The drive's id; of a checkout, with `@` and its own version; of a mounted one, with `~` before it. */
  readonly id: string
  /** The length of its database core. */
  readonly version: number
  /** How often the core had been truncated. */
  readonly fork: number
}

/** The versions of many drives, by id. */
export type Versions = ReadonlyMap<string, DriveVersion>

/** What the ids of mounted drives begin with. */
export const MOUNTED = '~'

const PART = /^(~?[ybndrfg8ejkmcpqxot1uwisza345h769]{52}(?:@\d{1,16})?):(\d{1,16})(?:\.(\d{1,16}))?$/

/** The version of many drives as one text (FORMAT.md, "Versions"): the same for the same versions, whatever their order. */
export function formatVersion(versions: Iterable<DriveVersion>): string {
  const parts = new Set<string>()
  for (const { id, version, fork } of versions) parts.add(`${id}:${version}${fork === 0 ? '' : `.${fork}`}`)
  return [...parts].sort().join(',')
}

/**
 * @throws EINVAL for what {@link formatVersion} would not have made
 */
export function parseVersion(text: unknown, syscall: string): Versions {
  const versions = new Map<string, DriveVersion>()
  if (text === '') return versions
  const parts = typeof text === 'string' ? text.split(',') : []
  for (const part of parts) {
    const [, id, version, fork = 0] = PART.exec(part) ?? []
    if (id === undefined || versions.has(id)) break
    versions.set(id, { id, version: Number(version), fork: Number(fork) })
  }
  if (parts.length > 0 && versions.size === parts.length) return versions
  throw failure('EINVAL', { syscall, detail: 'a version is what `version` gave' })
}

/** Whether a text is a version. */
export function isVersion(text: unknown): text is string {
  try {
    parseVersion(text, '')
    return true
  } catch {
    return false
  }
}
