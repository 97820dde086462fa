import { Presets, SingleBar } from 'cli-progress'
import prettyBytes from 'pretty-bytes'
import type { DownloadReport } from '../loader/index.ts'
import type { Sink } from './io.ts'
import { printable } from './printable.ts'

/** So much of a path is shown. */
const NAME_WIDTH = 30

/** A bar that shows on a terminal how far a download is. */
export class Bar {
  readonly #bar: SingleBar
  #isShown = false

  constructor(terminal: Sink) {
    this.#bar = new SingleBar(
      {
        format: '{bar} {percentage}% | {done} of {all} | {files} | {file}',
        stream: terminal,
        barsize: 24,
        fps: 10,
        hideCursor: true,
        // Ctrl-C has its own way.
        gracefulExit: false
      },
      Presets.shades_classic
    )
  }

  show({ currentFile, filesProcessed, loadedSize, totalFiles, totalSize }: DownloadReport): void {
    const name = currentFile.length > NAME_WIDTH ? `…${currentFile.slice(1 - NAME_WIDTH)}` : currentFile
    const said = {
      done: prettyBytes(loadedSize),
      all: prettyBytes(totalSize),
      files: `${filesProcessed} of ${totalFiles} files`,
      file: printable(name)
    }
    if (!this.#isShown) this.#bar.start(totalSize, loadedSize, said)
    else this.#bar.update(loadedSize, said)
    this.#isShown = true
  }

  end(): void {
    if (this.#isShown) this.#bar.stop()
    this.#isShown = false
  }
}
