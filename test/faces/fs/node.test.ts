import fs from 'node:fs'
import { folder } from '../../helpers/drives.ts'
import { fsFilesSuite } from '../../suites/fs-files.ts'
import { fsPathsSuite } from '../../suites/fs-paths.ts'
import type { FsKind } from '../../suites/fs.ts'

process.umask(0o022)

const kind: FsKind = {
  name: 'node:fs',
  make: async (t) => ({ fs, promises: fs.promises, root: await fs.promises.realpath(await folder(t)) })
}

fsPathsSuite(kind)
fsFilesSuite(kind)
