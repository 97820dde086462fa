/**
 * What a terminal would obey rather than show: control characters, those that turn the direction of writing, separators of lines, and
 * halves of characters. A name in a drive may hold any of them.
 */
const OBEYED = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu

/** A text of somebody else's as one line that can be shown, with escapes as in JSON. */
export function printable(text: string): string {
  return text.replace(OBEYED, (char) => {
    const short = JSON.stringify(char).slice(1, -1)
    return short.startsWith('\\') ? short : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
