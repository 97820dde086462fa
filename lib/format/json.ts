import type { Json } from '../drive.ts'
import { failure } from '../errors.ts'

/**
 * The metadata as it will lie in a drive. A drive that meets a value that is no JSON while it writes stays locked, and NaN, a
 * Map or a typed array would come back as something else, so all of these are refused here, before any drive is touched.
 * Undefined members are dropped; an object with `toJSON` becomes what that gives.
 *
 * @param syscall - named in the error
 * @throws EINVAL for anything that JSON cannot hold
 */
export function toJson(value: unknown, syscall: string, path: string): Json {
  if (value === undefined || value === null) return null
  try {
    return copy(value, new Set())
  } catch (cause) {
    throw failure('EINVAL', { syscall, path, detail: 'metadata must be JSON', cause })
  }
}

function copy(value: unknown, above: Set<object>): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value
    throw new TypeError(`${value} is not JSON`)
  }
  if (typeof value !== 'object') throw new TypeError(`a ${typeof value} is not JSON`)
  if (ArrayBuffer.isView(value)) throw new TypeError('bytes are not JSON')
  if (above.has(value)) throw new TypeError('a cycle is not JSON')
  above.add(value)
  let result: Json
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    result = copy((value.toJSON as () => unknown)(), above)
  } else if (Array.isArray(value)) {
    result = value.map((item) => copy(item, above))
  } else {
    const proto: unknown = Object.getPrototypeOf(value)
    if (proto !== null && Object.getPrototypeOf(proto) !== null)
      throw new TypeError('only plain objects are JSON')
    result = Object.fromEntries(
      Object.entries(value).flatMap(([name, member]) =>
        member === undefined ? [] : [[name, copy(member, above)]]
      )
    )
  }
  above.delete(value)
  return result
}

export function isObject(value: unknown): value is { [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
