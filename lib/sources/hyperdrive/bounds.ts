/** A range of keys, by their bytes; null where it is open. */
export interface Bounds {
  readonly lower: Buffer | null
  readonly upper: Buffer | null
  readonly includesLower: boolean
  readonly includesUpper: boolean
}

/** All keys. */
export const UNBOUNDED: Bounds = { lower: null, upper: null, includesLower: true, includesUpper: true }

/** What of a range comes behind a key. */
export function above(bounds: Bounds, key: Buffer): Bounds {
  return { ...bounds, lower: key, includesLower: false }
}

/** What of a range comes before a key. */
export function below(bounds: Bounds, key: Buffer): Bounds {
  return { ...bounds, upper: key, includesUpper: false }
}

/** As Hyperbee takes it. */
export function rangeOf({ lower, upper, includesLower, includesUpper }: Bounds): Record<string, Buffer> {
  return {
    ...(lower && { [includesLower ? 'gte' : 'gt']: lower }),
    ...(upper && { [includesUpper ? 'lte' : 'lt']: upper })
  }
}
