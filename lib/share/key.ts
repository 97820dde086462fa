import { decode, encode } from 'hypercore-id-encoding'
import { TransferError } from './errors.ts'

/** What a link to a drive begins with when it is made here. */
export const PREFIX = 'hd://'

/** What a link to a drive may begin with. */
export const PREFIXES: readonly string[] = [PREFIX, 'hyper://']

/**
 * The public key that a link names.
 *
 * @param link - a prefix and a key of 32 bytes, in z-base-32 or in hexadecimal digits, these also behind `0x`; slashes at its end do not
 *   count
 * @param prefixes - what it may begin with, one of them; an empty text for nothing
 * @throws KEY_INVALID for anything else
 */
export function parseKey(link: unknown, prefixes: string | readonly string[] = PREFIXES): Buffer {
  if (typeof link !== 'string') throw new TransferError('KEY_INVALID', { detail: 'a key is a text' })
  const all = typeof prefixes === 'string' ? [prefixes] : prefixes
  const prefix = all.find((begin) => link.startsWith(begin))
  if (prefix === undefined) {
    throw new TransferError('KEY_INVALID', { detail: `a key begins with ${all.join(' or ')}` })
  }
  const text = link.slice(prefix.length).replace(/\/+$/, '')
  try {
    return Buffer.from(decode(text.replace(/^0x/i, '')))
  } catch (cause) {
    const detail = 'a key is 52 letters of z-base-32, or 64 hex digits'
    throw new TransferError('KEY_INVALID', { detail, cause })
  }
}

/** Whether a text is meant as a link to a drive, and not as a folder on the disk. */
export function isLink(text: string): boolean {
  return PREFIXES.some((prefix) => text.startsWith(prefix))
}

/** The link to a drive, with its key in z-base-32. */
export function formatLink(key: Uint8Array): string {
  return PREFIX + encode(key)
}
