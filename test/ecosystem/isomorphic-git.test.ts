import { spawnSync } from 'node:child_process'
import nodeFs from 'node:fs'
import { join } from 'node:path'
import git from 'isomorphic-git'
import type Hyperdrive from 'hyperdrive'
import test, { type Test } from 'tape'
import type { MultiDrive } from '../../index.ts'
import { cleanup, failureOf, hyperdrive, link, multidrive, store } from '../helpers/drives.ts'
import {
  difference,
  grounds,
  oneDrive,
  realFiles,
  snapshot,
  type Item,
  type Tree
} from '../suites/fs-programs.ts'

const limit = { timeout: 240_000 }

const UNTRACKED = [0, 2, 0]
const ADDED = [0, 2, 2]
const CLEAN = [1, 1, 1]

const POEM = 'one\ntwo\nthree\nfour\nfive\nsix\nseven\n'

/** Real files, and what else git keeps: programs, links, empty files, bytes that are no text, odd names. */
const files: Tree = new Map<string, Item>([
  ...realFiles(200),
  ['bin/run', { bytes: '#!/bin/sh\necho run\n', mode: 0o755 }],
  ['bin/second', { bytes: '#!/bin/sh\necho second\n', mode: 0o755 }],
  ['bin/latest', { link: 'run' }],
  ['bin/sources', { link: '../lib' }],
  ['bin/broken', { link: 'none' }],
  ['odd/empty', { bytes: '' }],
  ['odd/bytes', { bytes: Uint8Array.from({ length: 70_000 }, (_, i) => (i * i) >> 3) }],
  ['odd/é ü (copy).txt', { bytes: 'grüße\n' }],
  ['poem', { bytes: POEM }]
])

interface Repository {
  readonly fs: any
  readonly dir: string
  readonly cache: object
}

/** What a file holds as git sees it. */
const work = { modes: 'executable', dates: false } as const

/** Dates that only count, so that the same work has the same commits wherever it is done. */
class Author {
  #seconds = 1_700_000_000

  sign() {
    const person = { name: 'Ann Author', email: 'ann@example.org' }
    const author = { ...person, timestamp: (this.#seconds += 60), timezoneOffset: -120 }
    return { author, committer: author }
  }
}

/** The paths whose status is not the usual one. */
async function unusual(repo: Repository, usual: number[]): Promise<[string, number[]][]> {
  const matrix = (await git.statusMatrix(repo)).map(([path, ...status]): [string, number[]] => [path, status])
  return matrix.filter(([, status]) => String(status) !== String(usual))
}

async function text(repo: Repository, path: string): Promise<string> {
  return repo.fs.promises.readFile(join(repo.dir, path), 'utf8')
}

/** Everything that git keeps of a work tree: files and links, no folders. */
async function lines(repo: Repository): Promise<string[]> {
  const all = await snapshot(repo.fs, repo.dir, { ...work, without: '.git' })
  return all.filter((line) => !line.endsWith('/ '))
}

async function messages(repo: Repository, ref: string): Promise<string[]> {
  return (await git.log({ ...repo, ref })).map(({ commit }) => commit.message.trim())
}

/**
 * A repository's life, from `init` to a settled conflict.
 *
 * @returns the commits of its branch `main`, the newest first
 */
async function live(t: Test, repo: Repository): Promise<string[]> {
  const { fs, dir } = repo
  const { promises } = fs
  const at = (path: string) => join(dir, path)
  const author = new Author()
  const paths = [...files.keys()].sort()
  const planted = await lines(repo)

  await git.init({ ...repo, defaultBranch: 'main' })
  t.equal(await git.currentBranch(repo), 'main', 'init')
  const untracked = await git.statusMatrix(repo)
  t.same(untracked.map(([path]) => path).sort(), paths, 'statusMatrix sees every file')
  t.ok(untracked.every(([, ...status]) => String(status) === String(UNTRACKED)))
  t.equal(await git.status({ ...repo, filepath: 'poem' }), '*added')

  await git.add({ ...repo, filepath: '.' })
  t.same(await unusual(repo, ADDED), [], 'add')
  t.equal(await git.status({ ...repo, filepath: 'poem' }), 'added')
  const first = await git.commit({ ...repo, ...author.sign(), message: 'first' })
  t.same(await unusual(repo, CLEAN), [], 'commit')
  t.equal(await git.status({ ...repo, filepath: 'bin/run' }), 'unmodified')
  t.same((await git.listFiles({ ...repo, ref: 'HEAD' })).sort(), paths)
  const { tree } = await git.readTree({ ...repo, oid: first, filepath: 'bin' })
  t.same(
    tree.map(({ path, mode }) => `${mode} ${path}`),
    ['120000 broken', '120000 latest', '100755 run', '100755 second', '120000 sources'],
    'modes and links'
  )

  await git.branch({ ...repo, ref: 'feature', checkout: true })
  t.equal(await git.currentBranch(repo), 'feature', 'branch')
  t.same((await git.listBranches(repo)).sort(), ['feature', 'main'])
  await promises.appendFile(at('poem'), 'eight\n')
  await promises.mkdir(at('fresh/deep'), { recursive: true })
  await promises.writeFile(at('fresh/deep/file'), 'fresh\n')
  await promises.rename(at('odd/é ü (copy).txt'), at('odd/moved'))
  await promises.unlink(at('bin/latest'))
  await promises.symlink('second', at('bin/newest'))
  await promises.chmod(at('odd/empty'), 0o755)
  await promises.rm(at('lib/format'), { recursive: true })
  const gone = paths.filter((path) => path.startsWith('lib/format/'))
  t.ok(gone.length > 0)
  const status = await unusual(repo, CLEAN)
  t.same(
    Object.fromEntries(status),
    {
      poem: [1, 2, 1],
      'fresh/deep/file': UNTRACKED,
      'odd/moved': UNTRACKED,
      'odd/é ü (copy).txt': [1, 0, 1],
      'bin/latest': [1, 0, 1],
      'bin/newest': UNTRACKED,
      ...Object.fromEntries(gone.map((path) => [path, [1, 0, 1]]))
    },
    'statusMatrix of changes'
  )
  t.equal(await git.status({ ...repo, filepath: 'poem' }), '*modified', 'status of changes')
  t.equal(await git.status({ ...repo, filepath: 'odd/moved' }), '*added')
  t.equal(await git.status({ ...repo, filepath: gone[0]! }), '*deleted')
  for (const [filepath, [, workdir]] of status) {
    if (workdir === 0) await git.remove({ ...repo, filepath })
    else await git.add({ ...repo, filepath })
  }
  await git.add({ ...repo, filepath: 'odd/empty' })
  await git.commit({ ...repo, ...author.sign(), message: 'feature' })
  const changed = await lines(repo)

  await git.checkout({ ...repo, ref: 'main' })
  t.same(difference(await lines(repo), planted), [], 'checkout brings the files of the branch back')
  t.same(await unusual(repo, CLEAN), [])
  await git.checkout({ ...repo, ref: 'feature' })
  t.same(difference(await lines(repo), changed), [], 'and those of the other')
  await git.checkout({ ...repo, ref: 'main' })
  await promises.appendFile(at('poem'), 'mine\n')
  const refused = await failureOf(git.checkout({ ...repo, ref: 'feature' }))
  t.equal(refused.code, 'CheckoutConflictError', 'checkout over a change that was not committed')
  t.equal(await text(repo, 'poem'), `${POEM}mine\n`)
  await git.checkout({ ...repo, force: true })
  t.equal(await text(repo, 'poem'), POEM, 'checkout by force')

  t.ok(
    (await git.merge({ ...repo, ...author.sign(), theirs: 'feature' })).fastForward,
    'a fast-forward merge'
  )
  await git.checkout({ ...repo, ref: 'main', force: true })
  t.same(await unusual(repo, CLEAN), [])

  await git.branch({ ...repo, ref: 'side', checkout: true })
  await promises.writeFile(at('poem'), (await text(repo, 'poem')).replace('one', 'ONE'))
  await promises.writeFile(at('fresh/of side'), 'side\n')
  await git.add({ ...repo, filepath: ['poem', 'fresh/of side'] })
  await git.commit({ ...repo, ...author.sign(), message: 'side' })
  await git.checkout({ ...repo, ref: 'main' })
  await promises.writeFile(at('poem'), (await text(repo, 'poem')).replace('eight', 'EIGHT'))
  await promises.unlink(at('fresh/deep/file'))
  await git.add({ ...repo, filepath: 'poem' })
  await git.remove({ ...repo, filepath: 'fresh/deep/file' })
  await git.commit({ ...repo, ...author.sign(), message: 'main' })
  const merged = await git.merge({ ...repo, ...author.sign(), theirs: 'side' })
  t.notOk(merged.fastForward ?? merged.alreadyMerged, 'a three-way merge')
  await git.checkout({ ...repo, ref: 'main' })
  t.equal(await text(repo, 'poem'), POEM.replace('one', 'ONE') + 'EIGHT\n')
  t.equal(await text(repo, 'fresh/of side'), 'side\n')
  t.equal((await failureOf(text(repo, 'fresh/deep/file'))).code, 'ENOENT')
  t.same(await unusual(repo, CLEAN), [])
  const [{ commit }] = (await git.log({ ...repo, depth: 1 })) as [git.ReadCommitResult]
  t.equal(commit.parent.length, 2)

  await git.branch({ ...repo, ref: 'theirs', checkout: true })
  await promises.writeFile(at('poem'), (await text(repo, 'poem')).replace('four', '4 of theirs'))
  await git.add({ ...repo, filepath: 'poem' })
  await git.commit({ ...repo, ...author.sign(), message: 'theirs' })
  await git.checkout({ ...repo, ref: 'main' })
  await promises.writeFile(at('poem'), (await text(repo, 'poem')).replace('four', '4 of ours'))
  await git.add({ ...repo, filepath: 'poem' })
  await git.commit({ ...repo, ...author.sign(), message: 'ours' })
  const before = await git.resolveRef({ ...repo, ref: 'HEAD' })
  const conflict = await failureOf(git.merge({ ...repo, ...author.sign(), theirs: 'theirs' }))
  t.equal(conflict.code, 'MergeConflictError', 'a merge with a conflict')
  t.same(conflict.data.filepaths, ['poem'])
  t.equal(await git.resolveRef({ ...repo, ref: 'HEAD' }), before)
  t.same(await unusual(repo, CLEAN), [], 'leaves the files')

  await promises.writeFile(at('poem'), (await text(repo, 'poem')).replace('4 of ours', '4 of both'))
  await git.add({ ...repo, filepath: 'poem' })
  const parent = ['main', 'theirs']
  await git.commit({ ...repo, ...author.sign(), message: 'both', parent })
  t.same(await unusual(repo, CLEAN), [], 'and is settled by hand')

  await git.annotatedTag({ ...repo, ref: 'v1', message: 'a tag', tagger: author.sign().author })
  t.same(await git.listTags(repo), ['v1'])
  await git.deleteBranch({ ...repo, ref: 'theirs' })
  await git.renameBranch({ ...repo, oldref: 'side', ref: 'renamed/side' })
  t.same((await git.listBranches(repo)).sort(), ['feature', 'main', 'renamed/side'])
  t.same(
    await messages(repo, 'main'),
    ['both', 'ours', 'theirs', "Merge branch 'side' into main", 'main', 'side', 'feature', 'first'],
    'log'
  )
  t.same(
    (await git.log({ ...repo, filepath: 'odd/moved' })).map((one) => one.commit.message),
    ['feature\n'],
    'log of a file'
  )
  return (await git.log(repo)).map(({ oid }) => oid)
}

/** An `fs` of the time before promises: each call insists on its callback. */
function callbacks(fs: any): any {
  const entries = Object.entries<any>(fs).filter(([, call]) => typeof call === 'function')
  return Object.fromEntries(
    entries.map(([name, call]) => {
      const insist = (...args: any[]) => {
        if (typeof args.at(-1) !== 'function') throw new TypeError(`${name} takes a callback`)
        call(...args)
      }
      return [name, insist]
    })
  )
}

/** A merge whose conflict is left in the files. No links: isomorphic-git would write through them, on disk as well. */
async function settle(t: Test, repo: Repository, promises: any): Promise<void> {
  const author = new Author()
  const path = join(repo.dir, 'file')
  const save = async (text: string, message: string) => {
    await promises.writeFile(path, text)
    await git.add({ ...repo, filepath: 'file' })
    await git.commit({ ...repo, ...author.sign(), message })
  }
  await git.init({ ...repo, defaultBranch: 'main' })
  await save('a\nb\nc\n', 'first')
  await git.branch({ ...repo, ref: 'theirs', checkout: true })
  await save('a\ntheirs\nc\n', 'theirs')
  await git.checkout({ ...repo, ref: 'main' })
  await save('a\nours\nc\n', 'ours')
  const merge = { ...repo, ...author.sign(), theirs: 'theirs', abortOnConflict: false }
  t.same((await failureOf(git.merge(merge))).data.filepaths, ['file'], 'a conflict left in the files')
  t.equal(
    await promises.readFile(path, 'utf8'),
    'a\n<<<<<<< main\nours\n=======\ntheirs\n>>>>>>> theirs\nc\n'
  )
  const early = await failureOf(git.commit({ ...repo, ...author.sign(), message: 'too early' }))
  t.equal(early.code, 'UnmergedPathsError')
  await git.abortMerge(repo)
  t.equal(await promises.readFile(path, 'utf8'), 'a\nours\nc\n', 'abortMerge')
  t.same(await unusual(repo, CLEAN), [])
}

/** What the work left on disk: its commits, and every file and folder but the index, which holds inode numbers. */
let expected: { commits: string[]; left: string[] } | null = null

for (const kind of grounds) {
  test(`isomorphic-git keeps a repository on ${kind.name}`, limit, async (t) => {
    const { fs, dir, disk, multi } = await kind.make(t, files, '/repo')
    const repo = { fs, dir, cache: {} }
    const commits = await live(t, repo)
    const left = (await snapshot(fs, dir, work)).filter((line) => !line.startsWith('.git/index '))
    expected ??= { commits, left }
    t.same(commits, expected.commits, 'the commits are those of the same work on disk')
    t.same(difference(left, expected.left), [], 'and so is everything else')
    for (const one of [fs, callbacks(fs)]) {
      await settle(t, { fs: one, dir: join(dir, 'conflict'), cache: {} }, fs.promises)
      await fs.promises.rm(join(dir, 'conflict'), { recursive: true })
    }
    if (disk !== null) await agree(t, repo, disk)
    if (kind === oneDrive) await replicate(t, repo, multi!)
  })
}

/** The real git takes the repository as its own, and isomorphic-git what the real one makes of it. */
async function agree(t: Test, repo: Repository, disk: string): Promise<void> {
  if (realGit(disk, 'version') === null) {
    t.comment('git is not installed: nobody asks it')
    return
  }
  t.equal(realGit(disk, 'fsck', '--full', '--strict', '--no-dangling'), '', 'git fsck')
  t.equal(realGit(disk, 'status', '--porcelain'), '', 'git status')
  const oids = async () => `${(await git.log(repo)).map(({ oid }) => oid).join('\n')}\n`
  t.equal(realGit(disk, 'log', '--format=%H'), await oids(), 'git log')

  realGit(disk, 'gc', '--quiet')
  t.ok(nodeFs.existsSync(join(disk, '.git/packed-refs')), 'git gc')
  t.equal(realGit(disk, 'log', '--format=%H'), await oids(), 'log from a pack')
  nodeFs.appendFileSync(join(disk, 'poem'), 'nine\n')
  t.equal(await git.status({ ...repo, filepath: 'poem' }), '*modified', 'status of a change on disk')
  realGit(disk, 'commit', '--quiet', '--all', '--message', 'by git')
  t.equal((await messages(repo, 'main'))[0], 'by git')
  await git.checkout({ ...repo, ref: 'feature' })
  await git.checkout({ ...repo, ref: 'main' })
  t.equal(realGit(disk, 'status', '--porcelain'), '', 'checkout from a pack')
}

/** What git prints, null where it is not installed. */
function realGit(cwd: string, ...args: string[]): string | null {
  const env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    LC_ALL: 'C',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Git',
    GIT_AUTHOR_EMAIL: 'git@example.org',
    GIT_COMMITTER_NAME: 'Git',
    GIT_COMMITTER_EMAIL: 'git@example.org'
  }
  const { error, status, stdout, stderr } = spawnSync('git', args, { cwd, env, encoding: 'utf8' })
  if (error && (error as NodeJS.ErrnoException).code === 'ENOENT') return null
  if (error) throw error
  return status === 0 ? stderr + stdout : `exit ${status}\n${stderr}${stdout}`
}

/** Another has a replica of the repository: to read, and to lay a drive of its own over. */
async function replicate(t: Test, repo: Repository, multi: MultiDrive): Promise<void> {
  const [here, there] = [multi.primary as Hyperdrive, await store(t)]
  const replica = await hyperdrive(t, { store: there, key: here.key })
  const unlink = link(here.corestore, there)
  cleanup(t, unlink)
  const reader = await multidrive(t, [replica])
  await reader.update({ wait: true })

  const theirs = { ...repo, fs: reader, cache: {} }
  t.same(await git.log(theirs), await git.log(repo), 'log in a replica')
  t.same(await unusual(theirs, CLEAN), [], 'statusMatrix in a replica')
  t.same(difference(await lines(theirs), await lines(repo)), [])
  t.equal(await git.status({ ...theirs, filepath: 'poem' }), 'unmodified')
  t.equal(await git.currentBranch(theirs), 'main')
  t.same(await git.listBranches(theirs), await git.listBranches(repo))
  const { blob } = await git.readBlob({ ...theirs, oid: expected!.commits.at(-1)!, filepath: 'poem' })
  t.equal(Buffer.from(blob).toString(), POEM)
  t.equal(
    (await failureOf(git.checkout({ ...theirs, ref: 'feature' }))).code,
    'EROFS',
    'who may not write it'
  )
  t.equal(await git.currentBranch(theirs), 'main')

  const over = await multidrive(t, [await hyperdrive(t)])
  await over.addDrive(reader)
  const mine = { ...repo, fs: over, cache: {} }
  await git.checkout({ ...mine, ref: 'feature' })
  t.equal(await git.currentBranch(mine), 'feature', "a drive of one's own over a replica")
  t.equal(await git.currentBranch(theirs), 'main')
  t.same(await unusual(mine, CLEAN), [])
  const checkedOut = await lines(mine)
  await git.checkout({ ...repo, ref: 'feature' })
  t.same(difference(checkedOut, await lines(repo)), [])
  await reader.update({ wait: true })
  t.equal(await git.currentBranch(theirs), 'feature', 'a checkout of its owner arrives')
}
