import { constants } from 'node:fs'
import { badArgument, toInteger } from './arguments.ts'

/** What a descriptor may do, and what becomes of the file when it is opened. */
export interface Flags {
  readonly read: boolean
  readonly write: boolean
  /** Every write goes to the end. */
  readonly append: boolean
  readonly create: boolean
  /** Only when nothing is there. */
  readonly exclusive: boolean
  readonly truncate: boolean
  /** Only a folder. */
  readonly directory: boolean
  /** No link at the end of the path. */
  readonly noFollow: boolean
}

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_SYNC, O_DIRECTORY, O_NOFOLLOW } =
  constants

/** Node's names (docs of `fs`, "File system flags"). */
const NAMES: Readonly<Record<string, number>> = {
  r: O_RDONLY,
  rs: O_RDONLY | O_SYNC,
  sr: O_RDONLY | O_SYNC,
  'r+': O_RDWR,
  'rs+': O_RDWR | O_SYNC,
  'sr+': O_RDWR | O_SYNC,
  w: O_TRUNC | O_CREAT | O_WRONLY,
  wx: O_TRUNC | O_CREAT | O_WRONLY | O_EXCL,
  xw: O_TRUNC | O_CREAT | O_WRONLY | O_EXCL,
  'w+': O_TRUNC | O_CREAT | O_RDWR,
  'wx+': O_TRUNC | O_CREAT | O_RDWR | O_EXCL,
  'xw+': O_TRUNC | O_CREAT | O_RDWR | O_EXCL,
  a: O_APPEND | O_CREAT | O_WRONLY,
  ax: O_APPEND | O_CREAT | O_WRONLY | O_EXCL,
  xa: O_APPEND | O_CREAT | O_WRONLY | O_EXCL,
  as: O_APPEND | O_CREAT | O_WRONLY | O_SYNC,
  sa: O_APPEND | O_CREAT | O_WRONLY | O_SYNC,
  'a+': O_APPEND | O_CREAT | O_RDWR,
  'ax+': O_APPEND | O_CREAT | O_RDWR | O_EXCL,
  'xa+': O_APPEND | O_CREAT | O_RDWR | O_EXCL,
  'as+': O_APPEND | O_CREAT | O_RDWR | O_SYNC,
  'sa+': O_APPEND | O_CREAT | O_RDWR | O_SYNC
}

const ACCESS = O_RDONLY | O_WRONLY | O_RDWR

/** @throws ERR_INVALID_ARG_VALUE for flags that Node does not know */
export function toFlags(value: unknown, otherwise: string): Flags {
  const number = toNumber(value ?? otherwise)
  const access = number & ACCESS
  return {
    read: access === O_RDONLY || access === O_RDWR,
    write: access === O_WRONLY || access === O_RDWR,
    append: (number & O_APPEND) !== 0,
    create: (number & O_CREAT) !== 0,
    exclusive: (number & O_EXCL) !== 0 && (number & O_CREAT) !== 0,
    truncate: (number & O_TRUNC) !== 0,
    directory: has(number, O_DIRECTORY),
    noFollow: has(number, O_NOFOLLOW)
  }
}

function toNumber(value: unknown): number {
  if (typeof value === 'number') return toInteger(value, 'flags', -(2 ** 31), 2 ** 31 - 1)
  if (typeof value === 'string' && Object.hasOwn(NAMES, value)) return NAMES[value]!
  throw badArgument('ERR_INVALID_ARG_VALUE', 'flags', 'is invalid', value)
}

// Windows has neither of these two.
function has(number: number, flag: number | undefined): boolean {
  return flag !== undefined && (number & flag) !== 0
}
