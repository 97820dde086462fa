import fc from 'fast-check'

/** Bytes that are written, of which no part looks like another near it. */
export interface Bytes {
  readonly length: number
  readonly seed: number
}

export type Step =
  /** A call about paths: the arguments that begin with a slash. */
  | { readonly do: 'call'; readonly method: string; readonly args: readonly unknown[] }
  /** Opens a file in a slot, of which there are three; what was open there is closed before. */
  | {
      readonly do: 'open'
      readonly slot: number
      readonly path: string
      readonly flags: string
      readonly mode?: number
    }
  /** A call about what is open in a slot, by its name at a FileHandle. */
  | { readonly do: 'file'; readonly slot: number; readonly method: string; readonly args: readonly unknown[] }

/** A file that a program which knows nothing of MultiDrive has put into its drive. */
export interface Plain {
  readonly path: string
  readonly bytes: Bytes | null
  readonly linkname: string | null
  readonly executable: boolean
  /** In milliseconds since the epoch. */
  readonly mtime: number
}

export interface Plan {
  readonly style: 'callback' | 'promise'
  /** What lies in the drives of the others, one list for each. */
  readonly plain: readonly (readonly Plain[])[]
  /** What one after another does; where two take turns, what each does in its turn. */
  readonly phases: readonly (readonly Step[])[]
}

/** Names that sort around what lies in the folder `a`, and such as systems treat each in its way. */
const name = fc.oneof(
  { weight: 8, arbitrary: fc.constant('a') },
  { weight: 6, arbitrary: fc.constant('b') },
  { weight: 5, arbitrary: fc.constantFrom('a0', 'a!', 'a-b', '\u00e9', 'A') }
)

const plainPath = fc
  .oneof(
    { weight: 6, arbitrary: fc.tuple(name) },
    { weight: 5, arbitrary: fc.tuple(name, name) },
    { weight: 2, arbitrary: fc.tuple(name, name, name) }
  )
  .map((names) => `/${names.join('/')}`)

const oddPath = fc.oneof(
  { weight: 24, arbitrary: plainPath },
  { weight: 3, arbitrary: plainPath.map((at) => `${at}/`) },
  { weight: 1, arbitrary: plainPath.map((at) => `${at}/.`) },
  { weight: 1, arbitrary: plainPath.map((at) => `${at}/..`) },
  { weight: 1, arbitrary: fc.tuple(plainPath, name).map(([at, last]) => `${at}/../${last}`) },
  { weight: 1, arbitrary: fc.tuple(plainPath, plainPath).map(([at, below]) => `${at}/..${below}`) },
  { weight: 1, arbitrary: plainPath.map((at) => at.replace('/', '//').replace(/\/(?=[^/]+$)/, '/./')) },
  { weight: 1, arbitrary: fc.constant('/') }
)

const linkname = fc.oneof(
  { weight: 4, arbitrary: name },
  { weight: 3, arbitrary: plainPath },
  { weight: 2, arbitrary: plainPath.map((at) => at.slice(1)) },
  { weight: 2, arbitrary: plainPath.map((at) => `..${at}`) },
  { weight: 1, arbitrary: fc.constantFrom('.', '..', './b', 'nowhere', '../nowhere/a') }
)

const seed = fc.nat({ max: 200 })
const length = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(0, 1, 5, 30) },
  { weight: 1, arbitrary: fc.constantFrom(65_535, 65_536, 65_537, 140_000) }
)
const bytes: fc.Arbitrary<Bytes> = fc.record({ length, seed })

/** Owners can do what they like with what is theirs, and run what anybody may: so it does not matter who runs the test. */
const fileMode = fc.constantFrom(0o644, 0o600, 0o755, 0o700, 0o664, 0o640, 0o711)
const folderMode = fc.constantFrom(0o755, 0o700, 0o711, 0o1777, 0o750)
/** Whole seconds from 2001 on. */
const seconds = fc.integer({ min: 1_000_000_000, max: 1_000_900_000 })

const flag = fc.constantFrom('w', 'wx', 'a', 'ax', 'r+', 'w+', 'a+')
const modeOr = (mode: fc.Arbitrary<number>) => fc.option(mode, { nil: undefined })

function calls(path: fc.Arbitrary<string>): fc.Arbitrary<Step> {
  const call = (weight: number, method: string, ...args: fc.Arbitrary<unknown>[]) => ({
    weight,
    arbitrary: fc.tuple(...args).map((given): Step => ({ do: 'call', method, args: trimmed(given) }))
  })
  const options = (shape: Record<string, fc.Arbitrary<unknown>>) =>
    fc.option(fc.record(shape, { requiredKeys: [] }), { nil: undefined })
  const flagOf = fc.boolean()
  return fc.oneof(
    call(8, 'mkdir', path, modeOr(folderMode)),
    call(4, 'mkdir', path, fc.record({ recursive: fc.constant(true), mode: modeOr(folderMode) })),
    call(10, 'writeFile', path, bytes),
    call(3, 'writeFile', path, bytes, options({ flag, mode: fileMode })),
    call(4, 'appendFile', path, bytes),
    call(3, 'truncate', path, length),
    call(6, 'symlink', linkname, path),
    call(4, 'unlink', path),
    call(4, 'rmdir', path),
    call(2, 'rm', path, options({ force: flagOf })),
    call(4, 'rm', path, fc.record({ recursive: fc.constant(true), force: flagOf })),
    call(10, 'rename', path, path),
    call(4, 'copyFile', path, path, fc.option(fc.constantFrom(0, 1, 2), { nil: undefined })),
    call(
      5,
      'cp',
      path,
      path,
      fc.record(
        {
          recursive: fc.constant(true),
          force: flagOf,
          errorOnExist: flagOf,
          preserveTimestamps: flagOf,
          verbatimSymlinks: flagOf
        },
        { requiredKeys: ['recursive'] }
      )
    ),
    call(1, 'cp', path, path),
    call(3, 'chmod', path, fc.oneof(fileMode, folderMode)),
    call(3, 'utimes', path, seconds, seconds),
    call(2, 'lutimes', path, seconds, seconds),
    call(2, 'readdir', path),
    call(1, 'readdir', path, options({ recursive: flagOf, withFileTypes: flagOf })),
    call(1, 'opendir', path, options({ recursive: flagOf })),
    call(1, 'stat', path),
    call(1, 'lstat', path),
    call(1, 'readlink', path),
    call(1, 'realpath', path),
    call(1, 'readFile', path),
    call(1, 'access', path, fc.option(fc.nat({ max: 7 }), { nil: undefined }))
  )
}

const slot = fc.nat({ max: 2 })

function files(path: fc.Arbitrary<string>): fc.Arbitrary<Step> {
  const call = (weight: number, method: string, ...args: fc.Arbitrary<unknown>[]) => ({
    weight,
    arbitrary: fc.tuple(slot, ...args).map(([at, ...given]): Step => {
      return { do: 'file', slot: at, method, args: trimmed(given) }
    })
  })
  const position = fc.oneof(
    fc.constant(null),
    fc.constantFrom<number | null>(0, 1, 4, 10, 65_536),
    fc.nat({ max: 100_000 })
  )
  return fc.oneof(
    {
      weight: 9,
      arbitrary: fc.record(
        {
          do: fc.constant('open' as const),
          slot,
          path,
          flags: fc.constantFrom('r', 'r', 'r+', 'w', 'w+', 'wx', 'a', 'a+', 'ax+'),
          mode: fileMode
        },
        { requiredKeys: ['do', 'slot', 'path', 'flags'] }
      )
    },
    call(8, 'write', bytes, position),
    call(3, 'read', fc.constantFrom(0, 1, 10, 70_000), position),
    call(3, 'truncate', length),
    call(1, 'sync'),
    call(1, 'datasync'),
    call(2, 'stat'),
    call(1, 'chmod', fileMode),
    call(1, 'utimes', seconds, seconds),
    call(1, 'readFile'),
    call(1, 'writeFile', bytes),
    call(1, 'appendFile', bytes),
    call(4, 'close')
  )
}

const plain: fc.Arbitrary<Plain> = fc.record({
  path: plainPath,
  bytes: fc.option(bytes, { nil: null, freq: 5 }),
  linkname,
  executable: fc.boolean(),
  mtime: seconds.map((s) => s * 1000)
})

/**
 * @param phases - how many do something
 * @param others - of how many of them the drive is one that somebody else's program has filled
 * @param most - steps of each
 * @param odd - whether paths end with slashes and dots, or take steps up
 */
export function plans(phases: number, others: number, most: number, odd: boolean): fc.Arbitrary<Plan> {
  const lists = <T>(count: number, list: fc.Arbitrary<T>) =>
    fc.tuple(...Array.from({ length: count }, () => list))
  const path = odd ? oddPath : plainPath
  const step = fc.oneof({ weight: 5, arbitrary: calls(path) }, { weight: 2, arbitrary: files(path) })
  return fc.record({
    style: fc.constantFrom('callback' as const, 'promise' as const),
    plain: lists(others, fc.array(plain, { maxLength: 6, size: 'max' })),
    phases: lists(phases, fc.array(step, { maxLength: most, size: 'max' }))
  })
}

/** Arguments without those at the end that are not given. */
function trimmed(args: readonly unknown[]): unknown[] {
  const last = args.findLastIndex((arg) => arg !== undefined)
  return args.slice(0, last + 1)
}
