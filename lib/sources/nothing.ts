/** An iterable without anything in it. */
export async function* nothing(): AsyncGenerator<never, void, void> {
  // Nothing to wait for either.
}
