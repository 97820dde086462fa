import { constants } from 'node:os'
import { inspect } from 'node:util'
import test, { type Test } from 'tape'

/** Where a kind of file system differs from `node:fs`, which has none of these. This list is the list of the differences. */
export interface Limits {
  /** What is written through a descriptor is seen by others at `close` or `fsync`, whole; until then they see what was there before. */
  showsAtClose?: true
  /** A reading descriptor stays on the version that it opened, whatever is written or deleted meanwhile. */
  staysOnVersion?: true
  /** `uid` and `gid` are 0: `chown` and `lchown` are accepted, and nothing is kept of them. */
  keepsNoOwners?: true
  /** Only one date of a path is kept: `atime` is `mtime`. */
  keepsNoAtime?: true
  /** No `birthtime` is kept: it is the earlier of `mtime` and `ctime`. */
  keepsNoBirthtime?: true
  /** What is made in a folder or removed from it does not move the folder's `mtime`. */
  keepsFolderTimes?: true
  /** `link` is EPERM, so nothing has two names. */
  hasNoHardLinks?: true
  /** `nlink` is 1 for folders as well: it does not count their subfolders. */
  countsNoLinks?: true
  /** `ino` belongs to the path: a file that is renamed gets another one. */
  numbersPaths?: true
  /** The root is all there is: removing or renaming it is EBUSY, and `..` above it is the root. */
  isWhole?: true
  /** A recursive `readdir` of names stays out of links to folders, as one with Dirents does: a link upwards would never end. */
  entersNoLinks?: true
  /** `realpath` by callback fails as by promise: syscall `realpath`, and the path as it was given. */
  resolvesInOneCall?: true
  /** A call without a callback gives a promise, where Node throws. */
  givesPromises?: true
  /** Descriptors are integers from 20. */
  numbersFrom20?: true
  /** Descriptors are no files of the operating system, which limits how many a process may have. */
  countsNoFiles?: true
  /**
   * `readFile` by callback tells what is wrong with a descriptor; Node 20 fails with a TypeError of its own making where it is not open, and
   * gives no bytes where it is not for reading or of a folder.
   */
  keepsDescriptorErrors?: true
  /** `writeFile` and `appendFile` take iterables and streams by callback as well. */
  takesIterables?: true
  /**
   * A stream of a path is that of the drive face: it opens when it is read, and one that is written replaces a link and makes the folders
   * above a file. With an option that only Node's have, `flags` for one, it is Node's own.
   */
  streamsOfDrives?: true
  /** A backslash parts names, as a slash does: no drive keeps one in a name. */
  splitsAtBackslashes?: true
  /** `rm` of `folder/..` removes the folder, of a link with a slash it is ENOTDIR: Node does a part or nothing, and says nothing. */
  saysWhatIsRemoved?: true
  /** A recursive `readdir` by callback calls back with what fails, which Node throws, and takes every encoding, of which Node knows UTF-8. */
  listsTreesInAllEncodings?: true
  /** `truncate` of a descriptor, deprecated in Node, is refused. */
  truncatesPathsOnly?: true
  /** `rmdir` with `recursive` takes a link for no folder by promise too, where Node follows it and then removes it. */
  rmdirFollowsNoLinks?: true
  /** `copyFile` of a folder leaves the file that it was to go over, which Node deletes. */
  copyFileKeepsTarget?: true
  /**
   * `cp` puts links over what is there, as it does files; Node fails half-way. Nor does it copy a folder into itself through a link, or onto
   * what comes to stand in the way while it makes folders.
   */
  copiesLinksOver?: true
  /**
   * Every call takes a bigint for a position, and refuses one that it cannot mean; Node 20 knows bigints in `fs.read` alone, and goes on from
   * where the descriptor stands. `fs.read` without a length fills the buffer, where Node reads nothing.
   */
  knowsEveryPosition?: true
  /** `access` of the object takes options in the place of a mode, as Hyperdrive 10's. */
  accessTakesOptions?: true
  /** `stat` and its like take null for options; Node 20 fails with a TypeError of its own making. */
  takesNoOptions?: true
  /** What `util.promisify` makes of `writev` gives `buffers`, as Node's documents say, where Node 20 gives them as `buffer`. */
  namesBuffers?: true
  /** A time before 1970 is EINVAL: no drive's dates begin earlier. */
  beginsIn1970?: true
  /** An error about an argument has the code and the class of Node's, and words of its own. */
  wordsItsOwn?: true
}

export interface FsUnderTest {
  /** The callback API, as `node:fs`. */
  readonly fs: any
  /** The promise API, as `node:fs/promises`. */
  readonly promises: any
  /** What stands before every path of a test: the folder that the tests have to themselves, or ''. */
  readonly root: string
}

export interface FsKind {
  readonly name: string
  /** A fresh file system. There may be other things in its root than what a test makes there. */
  readonly make: (t: Test) => Promise<FsUnderTest>
  readonly limits?: Limits
}

export type Style = 'callback' | 'promise'

/** What the body of a test works with. */
export interface Ground extends FsUnderTest {
  readonly limits: Limits
  readonly style: Style
  /** The path of a test within the file system. */
  readonly p: (path: string) => string
  /**
   * Calls a method in the style of this run. By callback, several results come as an array; what is thrown at once rejects.
   */
  readonly call: (method: string, ...args: unknown[]) => Promise<any>
}

interface RunOptions {
  readonly skip?: boolean
  readonly timeout?: number
}

/** The same body twice: through callbacks and through promises. */
export function styles(
  kind: FsKind,
  title: string,
  body: (t: Test, ground: Ground) => Promise<void>,
  opts: RunOptions = {}
): void {
  for (const style of ['callback', 'promise'] as const) run(kind, `${title} by ${style}`, style, body, opts)
}

/** A body for what exists in one style only. `call` of its ground goes through promises unless told otherwise. */
export function once(
  kind: FsKind,
  title: string,
  body: (t: Test, ground: Ground) => Promise<void>,
  opts: RunOptions & { style?: Style } = {}
): void {
  run(kind, title, opts.style ?? 'promise', body, opts)
}

function run(
  { name, make, limits = {} }: FsKind,
  title: string,
  style: Style,
  body: (t: Test, ground: Ground) => Promise<void>,
  { skip = false, timeout = 60_000 }: RunOptions
): void {
  test(`${name}: ${title}`, { skip, timeout }, async (t) => {
    const made = await make(t)
    await body(t, {
      ...made,
      limits,
      style,
      p: (path) => made.root + path,
      call: style === 'callback' ? caller(made.fs) : (method, ...args) => made.promises[method](...args)
    })
  })
}

/** Promisified by hand, to hold every call to what Node's callbacks keep to: once, later, and nothing returned. */
export function caller(fs: any): Ground['call'] {
  return (method, ...args) =>
    new Promise((resolve, reject) => {
      const state = { returned: false, called: false }
      const returned = fs[method](...args, (...results: unknown[]) => {
        // Thrown, since nobody listens any more to a promise that is settled.
        if (state.called) throw new Error(`${method} called back twice`)
        state.called = true
        if (!state.returned && !isNodesOwn(method, args)) {
          reject(new Error(`${method} called back before it returned`))
        }
        const [err, ...values] = results
        // The one callback of Node's whose first argument is no error.
        if (method === 'exists') resolve(err)
        else if (err instanceof Error) reject(err)
        else if (err !== null && err !== undefined) reject(new Error(`${method} failed with ${inspect(err)}`))
        else resolve(values.length > 1 ? values : values[0])
      })
      state.returned = true
      if (returned !== undefined) reject(new Error(`${method} returned something beside its callback`))
    })
}

/** Node's own recursive `readdir` and its `exists` of a path that is none call back before they return. */
function isNodesOwn(method: string, [path, opts]: unknown[]): boolean {
  if (method === 'exists') return typeof path !== 'string' || path.includes('\0')
  return method === 'readdir' && typeof opts === 'object' && opts !== null && 'recursive' in opts
}

/** What Node says for a code. */
export const MESSAGES = {
  EBADF: 'bad file descriptor',
  EBUSY: 'resource busy or locked',
  EEXIST: 'file already exists',
  EFBIG: 'file too large',
  EACCES: 'permission denied',
  EINVAL: 'invalid argument',
  EISDIR: 'illegal operation on a directory',
  ELOOP: 'too many symbolic links encountered',
  ENAMETOOLONG: 'name too long',
  ENOENT: 'no such file or directory',
  ENOTDIR: 'not a directory',
  ENOTEMPTY: 'directory not empty',
  EPERM: 'operation not permitted',
  EROFS: 'read-only file system'
} as const

export interface Expected {
  readonly code: keyof typeof MESSAGES
  readonly syscall: string
  readonly path?: string
  readonly dest?: string
}

/** Holds all members of a system error against what Node gives. */
export async function fails(
  t: Test,
  action: Promise<unknown> | (() => unknown),
  { code, syscall, path, dest }: Expected,
  what?: string
): Promise<void> {
  let message = `${code}: ${MESSAGES[code]}, ${syscall}`
  if (path !== undefined) message += ` '${path}'`
  if (dest !== undefined) message += ` -> '${dest}'`
  const err = await outcome(action)
  const about = what === undefined ? message : `${what}: ${message}`
  if (!(err instanceof Error)) {
    t.fail(`${about}, but there was no error`)
    return
  }
  const { errno, stack = '' } = err as NodeJS.ErrnoException
  t.same(
    { ...pick(err, ['code', 'errno', 'syscall', 'path', 'dest']), message: err.message },
    pick({ code, errno: -constants.errno[code], syscall, path, dest, message }, [
      'code',
      'errno',
      'syscall',
      'path',
      'dest',
      'message'
    ]),
    about
  )
  if (errno === undefined) t.comment(stack)
}

/** Holds an error that Node's JavaScript makes, not the system, against what it says: `rm` and `cp` have some. */
export async function failsInside(
  t: Test,
  action: Promise<unknown>,
  { code, syscall, path, says }: { code: keyof typeof INSIDE; syscall: string; path: string; says: string }
): Promise<void> {
  const { text, base } = INSIDE[code]
  const message = `${text}: ${syscall} returned ${base} (${says}) ${path}`
  const err = await outcome(action)
  const members = ['name', 'code', 'errno', 'syscall', 'path', 'message']
  t.same(
    err && pick(err, members),
    { name: 'SystemError', code, errno: constants.errno[base], syscall, path, message },
    message
  )
}

const INSIDE = {
  ERR_FS_EISDIR: { text: 'Path is a directory', base: 'EISDIR' },
  ERR_FS_CP_EINVAL: { text: 'Invalid src or dest', base: 'EINVAL' },
  ERR_FS_CP_EEXIST: { text: 'Target already exists', base: 'EEXIST' },
  ERR_FS_CP_DIR_TO_NON_DIR: { text: 'Cannot overwrite non-directory with directory', base: 'EISDIR' },
  ERR_FS_CP_NON_DIR_TO_DIR: { text: 'Cannot overwrite directory with non-directory', base: 'ENOTDIR' }
} as const

export interface Refusal {
  readonly code: string
  /** The message, or a part of it. */
  readonly message?: string | RegExp
  readonly name?: 'TypeError' | 'RangeError' | 'Error'
}

/** An error about arguments: thrown at once by the callback API, a rejection of the promise API. */
export async function refuses(
  t: Test,
  { fs, promises, style, limits }: Ground,
  method: string,
  args: unknown[],
  { code, message, name = 'TypeError' }: Refusal,
  what = `${method}(${args.map((arg) => inspect(arg)).join(', ')}) is ${code}`
): Promise<void> {
  let err: any
  if (style === 'callback') {
    try {
      fs[method](...args, (late: unknown) => t.fail(`${what}: not thrown but called back: ${String(late)}`))
    } catch (thrown) {
      err = thrown
    }
  } else {
    let promise: Promise<unknown>
    try {
      promise = promises[method](...args)
    } catch (thrown) {
      t.fail(`${what}: not rejected but thrown: ${String(thrown)}`)
      return
    }
    err = await outcome(promise)
  }
  t.same(err instanceof Error && { ...pick(err, ['code']), name: err.name }, { code, name }, what)
  if (limits.wordsItsOwn) return
  if (typeof message === 'string') t.equal(err?.message, message)
  else if (message !== undefined) t.match(String(err?.message), message)
}

/** The error of an action, or undefined. */
export async function outcome(action: Promise<unknown> | (() => unknown)): Promise<any> {
  try {
    await (typeof action === 'function' ? action() : action)
  } catch (err) {
    return err
  }
  return undefined
}

/** Every path below a folder: a folder ends with a slash, a link shows its text, a file its content. Sorted. */
export async function tree(promises: any, path: string): Promise<string[]> {
  const lines: string[] = []
  const walk = async (at: string, shownAt: string) => {
    for (const name of (await promises.readdir(at)).sort()) {
      const [full, short] = [`${at}/${name}`, `${shownAt}${name}`]
      const stat = await promises.lstat(full)
      if (stat.isSymbolicLink()) lines.push(`${short} -> ${await promises.readlink(full)}`)
      else if (stat.isDirectory()) {
        lines.push(`${short}/`)
        await walk(full, `${short}/`)
      } else lines.push(`${short}: ${await promises.readFile(full, 'utf8')}`)
    }
  }
  await walk(path, '')
  return lines
}

/** What a path can be that is not there, beside a file, a folder and a link to the file. */
export async function notThere(promises: any, p: Ground['p']): Promise<void> {
  await promises.writeFile(p('/file'), 'text')
  await promises.mkdir(p('/dir'))
  await promises.symlink('file', p('/link'))
  await promises.symlink('nowhere', p('/dangling'))
  await promises.symlink('loop', p('/loop'))
}

/** The methods of a Stats or Dirent that say yes. */
export function types(stat: any): string[] {
  return [
    'isFile',
    'isDirectory',
    'isSymbolicLink',
    'isFIFO',
    'isSocket',
    'isBlockDevice',
    'isCharacterDevice'
  ].filter((method) => stat[method]())
}

function pick(from: any, members: string[]): Record<string, unknown> {
  return Object.fromEntries(
    members.filter((member) => from[member] !== undefined).map((member) => [member, from[member]])
  )
}
