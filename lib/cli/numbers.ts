import { InvalidArgumentError } from 'commander'

/** Reads a whole number. */
export function atLeast(least: number): (text: string) => number {
  return (text) => {
    const number = Number(text)
    if (text.trim() === '' || !Number.isSafeInteger(number) || number < least)
      throw new InvalidArgumentError(`It is a whole number from ${least} on.`)
    return number
  }
}
