/// <reference types="node" preserve="true" />
export { MultiDrive, MultiDrive as default, MultiDrive as 'module.exports' } from './lib/multi-drive.ts'
export type { MultiDriveConstructor, MultiDriveOptions } from './lib/multi-drive.ts'
export type { AddDriveOptions, FormatNotice } from './lib/drive-set.ts'
export type { RunResult } from './lib/run-all.ts'
export { byMtime, byOrder, type Dated } from './lib/overlay/compare.ts'
export type { LocatorStats } from './lib/overlay/locator.ts'
export { ERRORS, MultiDriveError, type ErrorCode } from './lib/errors.ts'
export type {
  Blob,
  Comparator,
  Drive,
  DriveEntry,
  Entry,
  EntryStat,
  EntryValue,
  FallbackOptions,
  Json,
  RangeOptions,
  ReadOptions,
  Stale
} from './lib/drive.ts'
export type { Batch } from './lib/faces/drive/batch.ts'
export type { Cleared, ClearOptions } from './lib/faces/drive/clear.ts'
export type { ConflictsOptions, PathConflict } from './lib/faces/drive/conflicts.ts'
export type { EntryDifference } from './lib/faces/drive/diff.ts'
export type { Download, DownloadOptions, DownloadProgress } from './lib/faces/drive/download.ts'
export type { EntryOptions, HistoryItem, PastDeletion, PastEntry } from './lib/faces/drive/entry.ts'
export type { HistoryOptions } from './lib/faces/drive/history.ts'
export type { EntriesOptions, ListOptions } from './lib/faces/drive/list.ts'
export type { ContentStats } from './lib/faces/drive/presence.ts'
export type { Mirror, MirrorStep } from './lib/faces/drive/mirror.ts'
export type { AllMountsOptions, MountAt, MountOptions } from './lib/faces/drive/mounts.ts'
export type { ReadableOf } from './lib/faces/drive/readable.ts'
export type { Keep, Resolution } from './lib/faces/drive/resolve.ts'
export type { FolderWatcher } from './lib/faces/drive/watch.ts'
export type { DelOptions, PutOptions } from './lib/faces/drive/write.ts'
export type { FsCalls, FsPromises, ReaddirCallback, StatCall } from './lib/faces/fs/api.ts'
export type { PathLike, TimeLike } from './lib/faces/fs/arguments.ts'
export type { MkdirOptions, RmdirOptions, RmOptions } from './lib/faces/fs/change.ts'
export type { FileData, ReadFileOptions, WriteFileOptions } from './lib/faces/fs/content.ts'
export type { CpOptions } from './lib/faces/fs/copy.ts'
export type { Dir, OpendirOptions } from './lib/faces/fs/dir.ts'
export type { Dirent } from './lib/faces/fs/dirent.ts'
export type { FileHandle } from './lib/faces/fs/handle.ts'
export type { EncodingOptions, NameAndStat, ReaddirOptions, StatOptions } from './lib/faces/fs/look.ts'
export type { DiffItem } from './lib/faces/fs/diff-stream.ts'
export type { BigIntStats, Mount, Stats } from './lib/faces/fs/stats.ts'
export type { OnChange, OnChangeInBytes, Watcher, WatchInBytes, WatchOptions } from './lib/faces/fs/watch.ts'
export type { Extension, ExtensionEncoding, ExtensionHandlers } from './lib/extension.ts'
export type { Muxer, ProtocolStream, ReplicateOptions, ReplicationStream } from './lib/replication.ts'
export type { KeyRange } from './lib/path.ts'
export type { OpenDrive } from './lib/sources/open-drive.ts'
export type { Callback, DoneCallback, NodeCallback } from './lib/callback.ts'
