import { callback, type DoneCallback, type NodeCallback } from '../../callback.ts'
import type { ReadOptions } from '../../drive.ts'
import { failure } from '../../errors.ts'
import { parseVersion } from '../../format/version.ts'
import { setTag, tagsOf, toName } from '../../overlay/tags.ts'
import { latest } from '../body.ts'
import { diffStream, type DiffItem } from '../fs/diff-stream.ts'
import { diff, type EntryDifference, type Views } from './diff.ts'
import { Download, type DownloadOptions } from './download.ts'
import type { HistoryItem } from './entry.ts'
import { history, type HistoryOptions } from './history.ts'
import { MountingFace } from './mounting.ts'
import type { ReadableOf } from './readable.ts'
import { watchFolder, type FolderWatcher, type Watched } from './watch.ts'
import { changedIn, type Differences } from './winners.ts'

/**
 * What knows of the past: versions, their names, and what has changed between them.
 *
 * @typeParam Past - a checkout
 */
export abstract class VersioningFace<Past extends VersioningFace<Past>> extends MountingFace {
  /** The versions of all Hyperdrives of the set as one text. */
  abstract readonly version: string

  /** The merged view as it was. */
  abstract checkout(version: string): Past

  /**
   * The versions of a path over all drives, the newest first, as a stream: none before one whose author had seen it, else as a read by
   * `byMtime` tells which is newer; what has no date goes by its place in its drive. Each is an entry with `type: 'put'`, which `get` and
   * `createReadStream` take, or tells with `type: 'del'` that the path was deleted. Drives
   * without history tell what they hold now.
   *
   * @throws (as `error`) as `entry`
   */
  history(path: string, opts: HistoryOptions = {}): ReadableOf<HistoryItem> {
    return history(() => this.reader(opts), path, opts)
  }

  /**
   * Where the entries below a folder differ from those of another version, in the order of keys: a stream of `{ left, right }`, the left
   * one that of now. It costs what has changed since, not what there is.
   *
   * @param version - what {@link version} gave, or a checkout
   * @param folder - default the root
   * @throws (as `error`) as {@link checkout}, and as `entry`
   */
  diff(
    version: string | Past,
    folder?: string | ReadOptions | null,
    opts: ReadOptions = {}
  ): ReadableOf<EntryDifference> {
    if (typeof folder === 'object' && folder !== null) return this.diff(version, null, folder)
    return diff(() => this.#views(version, opts), folder ?? undefined, opts)
  }

  /**
   * As `download`, for the files below a folder that are others than at a version.
   *
   * @param version - as for {@link diff}
   * @param folder - default the root
   */
  downloadDiff(
    version: string,
    folder?: string | DownloadOptions | null,
    opts: DownloadOptions = {}
  ): Download {
    if (typeof folder === 'object' && folder !== null) return this.downloadDiff(version, null, folder)
    // It is gone through more than once where peers do not answer, so it is about one state of the drives.
    const take = async () => {
      await this.body.ready('downloadDiff')
      return this.checkout(this.version)
    }
    const past = take()
    past.catch(() => undefined)
    const find = async (signal: AbortSignal) =>
      changedIn((await past).diff(version, folder, opts) as Differences, signal)
    const download = new Download(find, opts, folder ?? undefined)
    const close = async () => (await past).close()
    download
      .done()
      .catch(() => undefined)
      .finally(() => close().catch(() => undefined))
    return download
  }

  /**
   * Where files, links and folders are others than at a version, in the form of Hyperdrive 10: a stream of `put` and `del` with a `name` (the
   * path without its first slash), the `seq` and the stat that is there now, and the `seq` that was there.
   *
   * @param version - as for {@link diff}
   * @param prefix - the folder that it is about, default the root
   * @throws (as `error`) as {@link diff}
   */
  createDiffStream(
    version: string | Past,
    prefix?: string | ReadOptions | null,
    opts: ReadOptions = {}
  ): ReadableOf<DiffItem> {
    if (typeof prefix === 'object' && prefix !== null) return this.createDiffStream(version, null, prefix)
    return diffStream(() => this.#views(version, opts), prefix ?? undefined, opts)
  }

  /** The changes of a folder one by one; see {@link FolderWatcher}. */
  watch(folder?: string): FolderWatcher<Past> {
    if (this.closing) throw failure('CLOSED', { syscall: 'watch', detail: 'the MultiDrive was closed' })
    return watchFolder(this.#watched(), folder)
  }

  /**
   * Gives a version a name, in the writer. A name that is there already gets another meaning.
   *
   * @param name - any text but an empty one
   * @param version - default {@link version}
   * @throws EINVAL for no name or no version, EROFS without a writer; the writer's own error
   */
  createTag(name: string, version?: string | null): Promise<void>
  createTag(name: string, version: string | null | undefined, cb: DoneCallback): void
  createTag(name: string, cb: DoneCallback): void
  createTag(
    name: string,
    version?: string | null | DoneCallback,
    cb?: DoneCallback
  ): Promise<void> | undefined {
    if (typeof version === 'function') return callback(this.#createTag(name, null), version)
    return callback(this.#createTag(name, version ?? null), cb)
  }

  /**
   * The version that has a name in any drive of the set, null when none has; of several the newest.
   *
   * @throws EINVAL for no name
   */
  getTaggedVersion(name: string): Promise<string | null>
  getTaggedVersion(name: string, cb: NodeCallback<string | null>): void
  getTaggedVersion(name: string, cb?: NodeCallback<string | null>): Promise<string | null> | undefined {
    return callback(this.#getTaggedVersion(name), cb)
  }

  /** All names of versions that any drive of the set keeps, with their versions. */
  getAllTags(): Promise<Map<string, string>>
  getAllTags(cb: NodeCallback<Map<string, string>>): void
  getAllTags(cb?: NodeCallback<Map<string, string>>): Promise<Map<string, string>> | undefined {
    return callback(this.#getAllTags(), cb)
  }

  /**
   * Takes a name away, whoever gave it. Nothing happens when there is none.
   *
   * @throws as {@link createTag}
   */
  deleteTag(name: string): Promise<void>
  deleteTag(name: string, cb: DoneCallback): void
  deleteTag(name: string, cb?: DoneCallback): Promise<void> | undefined {
    return callback(this.#deleteTag(name), cb)
  }

  async #createTag(name: string, version: string | null): Promise<void> {
    await this.body.ready('createTag')
    const tagged = version ?? this.version
    parseVersion(tagged, 'createTag')
    await setTag(this.body.overlay, 'createTag', name, tagged)
  }

  async #getTaggedVersion(name: string): Promise<string | null> {
    const key = toName(name, 'getTaggedVersion')
    return (await this.#getAllTags()).get(key) ?? null
  }

  async #getAllTags(): Promise<Map<string, string>> {
    await this.body.ready('getAllTags')
    const tags = tagsOf(await this.body.overlay.view())
    return new Map([...tags].map(([name, { record }]) => [name, record.version!]))
  }

  async #deleteTag(name: string): Promise<void> {
    const key = toName(name, 'deleteTag')
    if ((await this.#getAllTags()).has(key)) await setTag(this.body.overlay, 'deleteTag', key, null)
  }

  /** The view of now and that of a version. */
  async #views(version: string | Past, opts: ReadOptions): ReturnType<Views> {
    const now = await this.reader(opts)
    if (version instanceof VersioningFace) {
      return { now, before: await version.reader(opts), close: () => Promise.resolve() }
    }
    const past = this.checkout(version)
    return { now, before: await past.reader(opts), close: () => past.close() }
  }

  #watched(): Watched<Past> {
    const { body } = this
    return {
      opened: this.opened,
      isClosing: () => this.closing !== null,
      ready: () => body.ready('watch'),
      snapshot: () => this.checkout(this.version),
      viewOf: (snapshot) => snapshot.reader(),
      view: (opts) => latest(body, opts),
      hold: () => body.hold(),
      onUpdate: (listener) => body.onUpdate(listener),
      onClose: (listener) => body.onClose(listener)
    }
  }
}
