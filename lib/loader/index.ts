/// <reference types="node" preserve="true" />
export { HyperDriveDL, HyperDriveDL as default, HyperDriveDL as 'module.exports' } from './loader.ts'
export type { ListedFile } from './loader.ts'
export type { LoaderDownloadOptions } from './download-options.ts'
export type { DownloadResult, DownloadTracker, LoaderDownload } from './download.ts'
export type { HyperDriveDLOptions, LoaderStore } from './options.ts'
export type { DownloadReport, ProgressReporter } from './progress.ts'
export type { Logger } from './base.ts'
export type { Bootstrap, Discovery, Swarm } from '../share/peers.ts'
export {
  TransferError,
  TRANSFER_ERRORS,
  type TransferErrorCode,
  type TransferErrorInfo
} from '../share/errors.ts'
