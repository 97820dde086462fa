import fs from 'node:fs'
import { posix } from 'node:path'
import type { Node } from '../../overlay/tree.ts'
import { encoded } from './arguments.ts'

/** Node's `fs.Dirent`. */
export class Dirent<Name extends string | Buffer = string> {
  readonly name: Name
  /** The folder that it is in, as the caller named that. */
  readonly parentPath: string
  readonly path: string
  readonly #kind: Node['kind']

  constructor(name: Name, parentPath: string, kind: Node['kind']) {
    this.name = name
    this.parentPath = parentPath
    this.path = parentPath
    this.#kind = kind
  }

  isFile(): boolean {
    return this.#kind === 'file'
  }

  isDirectory(): boolean {
    return this.#kind === 'directory'
  }

  isSymbolicLink(): boolean {
    return this.#kind === 'link'
  }

  isBlockDevice(): boolean {
    return false
  }

  isCharacterDevice(): boolean {
    return false
  }

  isFIFO(): boolean {
    return false
  }

  isSocket(): boolean {
    return false
  }
}
/**
 * @param name - from the folder that was listed, with the folders in between
 * @param folder - as the caller named it
 */
export function toDirent(
  name: string,
  folder: string,
  kind: Node['kind'],
  encoding: unknown
): Dirent<string | Buffer> {
  const slash = name.lastIndexOf('/')
  const parent = slash === -1 ? folder : posix.join(folder, name.slice(0, slash))
  return new Dirent(encoded(name.slice(slash + 1), encoding), parent, kind)
}

// Node's constructor is no part of its public face, but `instanceof` is.
Object.setPrototypeOf(Dirent.prototype, fs.Dirent.prototype)
