/**
 * Closes things one after another. One that does not close keeps none of the others open.
 *
 * @throws what the first of them threw, when all were tried
 */
export async function closeAll(ends: readonly (() => unknown)[]): Promise<void> {
  const failures: unknown[] = []
  for (const end of ends) {
    try {
      await end()
    } catch (err) {
      failures.push(err)
    }
  }
  if (failures.length > 0) throw failures[0]
}
