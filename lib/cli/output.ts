import { once } from 'node:events'
import prettyBytes from 'pretty-bytes'
import type { Io, Sink } from './io.ts'
import { printable } from './printable.ts'

/** As ISO has it, to the minute, in the time of this machine: what Swedes write. */
const MINUTES = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'short' })

/** The widest size, as in `1023.4 kB`, and date. */
const SIZE_WIDTH = 9
const DATE_WIDTH = 16

/** What a command has to say: to people, or with `--json` one JSON value a line. */
export class Output {
  readonly json: boolean
  readonly #io: Io

  constructor(io: Io, json: boolean) {
    this.#io = io
    this.json = json
  }

  /** @param human - what it is to people, a line or several; an empty text is none */
  async item(value: object, human: string | (() => string)): Promise<void> {
    if (this.json) return this.write(`${JSON.stringify(value)}\n`)
    const text = typeof human === 'string' ? human : human()
    if (text !== '') await this.write(`${text}\n`)
  }

  /** A line for people only, on the output. */
  async line(text: string): Promise<void> {
    if (!this.json) await this.write(`${text}\n`)
  }

  /** Writes, and waits for whoever reads. */
  async write(data: string | Uint8Array): Promise<void> {
    const { stdout, signal } = this.#io
    signal.throwIfAborted()
    if (!stdout.write(data)) await once(stdout, 'drain', { signal })
  }

  /** Something for people to know that is no result, on stderr. */
  note(text: string): void {
    if (!this.json) this.#io.stderr.write(`${printable(text)}\n`)
  }

  /**
   * What makes a result other than it seems, on stderr: to people a line, with `--json` a value.
   *
   * @param drive - that it is about, as `-d` named it
   */
  warn(text: string, drive?: string | null): void {
    if (!this.json) {
      this.note(text)
      return
    }
    this.#io.stderr.write(`${JSON.stringify({ note: text, ...(drive == null ? {} : { drive }) })}\n`)
  }

  /** Where bars of progress are to be drawn; null where nobody sees them. */
  get terminal(): Sink | null {
    const { stderr } = this.#io
    return stderr.isTTY === true && !this.json ? stderr : null
  }
}

export function size(bytes: number | null): string {
  return (bytes === null ? '-' : prettyBytes(bytes)).padStart(SIZE_WIDTH)
}

/** @param mtime - in milliseconds since the epoch */
export function date(mtime: number | null): string {
  return (mtime === null ? '-' : MINUTES.format(mtime)).padEnd(DATE_WIDTH)
}

/** @param mtime - in milliseconds since the epoch */
export function isoDate(mtime: number | null): string | null {
  return mtime === null ? null : new Date(mtime).toISOString()
}

/** Columns of two, the first as wide as its widest. */
export function pairs(rows: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n')
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`
}
