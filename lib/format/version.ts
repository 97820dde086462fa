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

/** A key of 32 bytes in z-base-32: the last character stands for one bit, so that a key has one name only. */
const ID = '[ybndrfg8ejkmcpqxot1uwisza345h769]{51}[yo]'

const NUMBER = '0|[1-9]\\d{0,15}'

const WHOLE_ID = new RegExp(`^${ID}$`)
const PART = new RegExp(`^(~?${ID}(?:@(${NUMBER}))?):(${NUMBER})(?:\\.(${NUMBER}))?$`)

export function isId(id: unknown): id is string {
  return typeof id === 'string' && WHOLE_ID.test(id)
}

/**
 * The version of many drives as one text (FORMAT.md, "Versions"): the same for the same versions, whatever their order. A drive that is
 * there twice stands where it has come the furthest.
 */
export function formatVersion(versions: Iterable<DriveVersion>): string {
  const furthest = new Map<string, DriveVersion>()
  for (const one of versions) {
    const known = furthest.get(one.id)
    if (!known || known.fork < one.fork || (known.fork === one.fork && known.version < one.version))
      furthest.set(one.id, one)
  }
  const parts = [...furthest.values()].map(
    ({ id, version, fork }) => `${id}:${version}${fork === 0 ? '' : `.${fork}`}`
  )
  return parts.sort().join(',')
}

/**
 * @throws EINVAL for what {@link formatVersion} would not have made
 */
export function parseVersion(text: unknown, syscall: string): Versions {
  const versions = new Map<string, DriveVersion>()
  if (text === '') return versions
  for (const part of typeof text === 'string' ? text.split(',') : []) {
    const [, id, at = 0, version, fork = 0] = PART.exec(part) ?? []
    const numbers = [at, version, fork].map(Number)
    if (id === undefined || !numbers.every(isNumber)) break
    versions.set(id, { id, version: numbers[1]!, fork: numbers[2]! })
  }
  if (versions.size > 0 && formatVersion(versions.values()) === text) return versions
  throw failure('EINVAL', { syscall, detail: 'a version is what `version` gave' })
}

function isNumber(value: number): boolean {
  return Number.isSafeInteger(value)
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
