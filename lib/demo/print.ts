import type { Drive, Entry, MultiDrive } from '../../index.ts'

/** Where the sizes begin when a name is no longer than that. */
const NAME_COLUMN = 30

const WIDTH = 96

const bold = process.stdout.isTTY && !process.env.NO_COLOR

export function title(text: string): void {
  print(strong(text))
}

export function heading(text: string): void {
  print('')
  print(strong(text))
}

/** A paragraph of running text. */
export function prose(text: string, indent = ''): void {
  let line = indent
  for (const word of text.split(/\s+/)) {
    if (line.length + word.length >= WIDTH) {
      print(line)
      line = indent
    }
    line += (line === indent ? '' : ' ') + word
  }
  print(line)
}

/** Who did what, and what came of it, in columns. */
export function step(who: string, did: string, what: string, result = ''): void {
  print(`  ${who.padEnd(18)}${did.padEnd(9)}${what.padEnd(22)}${result}`)
}

/** A text as the steps show it; an absent file has none. */
export function quoted(text: string | null): string {
  return text === null ? '(not there)' : `"${text}"`
}

export interface TreeCounts {
  files: number
  /** Files that more than one drive has. */
  shared: number
}

/** Every file of the merged view, with the drive that it comes from. Prints while it lists, so that a tree may be of any size. */
export async function tree(multi: MultiDrive, nameOf: (drive: Drive) => string): Promise<TreeCounts> {
  const counts = { files: 0, shared: 0 }
  let above: string[] = []
  for await (const item of multi.list('/')) {
    const entry = item
    const folders = entry.key.split('/').slice(1)
    const name = folders.pop()!
    let same = 0
    while (same < folders.length && folders[same] === above[same]) same++
    for (let i = same; i < folders.length; i++) print(`  ${'  '.repeat(i)}${shown(folders[i]!)}/`)
    above = folders

    const others = await holders(multi, entry)
    const { linkname, blob } = entry.value
    const label = '  '.repeat(folders.length) + shown(name)
    const size = linkname === null ? bytes(blob?.byteLength ?? 0) : `-> ${shown(linkname)}`
    const beaten = others.length === 0 ? '' : `  (an older one: ${others.map(nameOf).join(', ')})`
    print(`  ${label.padEnd(NAME_COLUMN)} ${size.padStart(10)}   ${nameOf(entry.drive)}${beaten}`)
    counts.files++
    if (others.length > 0) counts.shared++
  }
  return counts
}

/** The other drives that have something at the path of an entry. */
async function holders(multi: MultiDrive, { key, drive }: Entry): Promise<Drive[]> {
  const results = await multi.runAll('entry', [key])
  return results.flatMap((result) => (result.value && result.drive !== drive ? [result.drive] : []))
}

function bytes(count: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  let unit = 0
  let size = count
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000
    unit++
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]!}`
}

/** A name from a drive as one line of text: it may hold anything, terminal commands included. */
function shown(name: string): string {
  return name.replace(/\p{Cc}/gu, '?')
}

function strong(text: string): string {
  return bold ? `\u001b[1m${text}\u001b[22m` : text
}

export function print(line: string): void {
  process.stdout.write(line.trimEnd() + '\n')
}
