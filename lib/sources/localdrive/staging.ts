import { randomBytes } from 'node:crypto'
import { lstat, mkdir, open, readdir, unlink } from 'node:fs/promises'
import path from 'node:path'
import { failure } from '../../errors.ts'
import type { Staged } from '../source.ts'
import { absentAsNull, HIDDEN, type Root } from './root.ts'

const FOLDER = HIDDEN + '/staged'
// Another process may be filling a file right now; one that nobody touched for so long was given up.
const GIVEN_UP = 60 * 60 * 1000

export function randomName(): string {
  return randomBytes(16).toString('hex')
}

/** Bytes that lie in `.multidrive/staged` under a random name. */
export class StagedFile implements Staged {
  readonly root: Root
  readonly name: string
  readonly byteLength: number
  committed = false

  constructor(root: Root, name: string, byteLength: number) {
    this.root = root
    this.name = name
    this.byteLength = byteLength
  }

  async discard(): Promise<void> {
    if (!this.committed) await absentAsNull(unlink(stagedPath(this.root, this.name)))
  }
}

export function stagedPath(root: Root, name: string): string {
  return path.join(root.path(FOLDER), name)
}

/** Makes the folders of the hidden records, and with them the root. */
export async function makeHiddenFolders(root: Root): Promise<void> {
  await mkdir(root.path(FOLDER), { recursive: true })
  if (!(await root.hasFolder(FOLDER))) throw failure('ENOTDIR', { syscall: 'mkdir', path: FOLDER })
}

export async function stage(root: Root, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<StagedFile> {
  await makeHiddenFolders(root)
  const name = randomName()
  const file = stagedPath(root, name)
  const handle = await open(file, 'wx', 0o644)
  let byteLength = 0
  try {
    try {
      if (data instanceof Uint8Array) {
        await handle.writeFile(data)
        byteLength = data.byteLength
      } else {
        for await (const chunk of data) {
          await handle.writeFile(chunk)
          byteLength += chunk.byteLength
        }
      }
    } finally {
      await handle.close()
    }
  } catch (err) {
    await unlink(file).catch(() => undefined)
    throw err
  }
  return new StagedFile(root, name, byteLength)
}

/** The names of staged files that were given up. */
export async function givenUp(root: Root): Promise<string[]> {
  if (!(await root.hasFolder(FOLDER))) return []
  const found: string[] = []
  for (const name of (await absentAsNull(readdir(root.path(FOLDER)))) ?? []) {
    // The mtime may already be the one that the file was to get.
    const stat = await absentAsNull(lstat(stagedPath(root, name)))
    if (stat && !stat.isDirectory() && Date.now() - stat.ctimeMs > GIVEN_UP) found.push(name)
  }
  return found
}
