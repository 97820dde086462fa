import type * as Library from '../../index.ts'
import type * as Loader from '../../lib/loader/index.ts'

/** The library as users get it, from the last `npm run build`: what runs the tests would have it work through helpers of its own. */
export async function shipped(): Promise<typeof Library> {
  return (await import(new URL('../../dist/index.js', import.meta.url).href)) as typeof Library
}

/** The loader, in the same way. */
export async function shippedLoader(): Promise<typeof Loader> {
  return (await import(new URL('../../dist/lib/loader/index.js', import.meta.url).href)) as typeof Loader
}
