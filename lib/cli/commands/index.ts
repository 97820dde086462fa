import type { Command } from '../command.ts'
import { cat } from './cat.ts'
import { conflicts } from './conflicts.ts'
import { cp } from './cp.ts'
import { diff } from './diff.ts'
import { find } from './find.ts'
import { get } from './get.ts'
import { log } from './log.ts'
import { ls } from './ls.ts'
import { mv } from './mv.ts'
import { put } from './put.ts'
import { resolve } from './resolve.ts'
import { rm } from './rm.ts'
import { share } from './share.ts'
import { stat } from './stat.ts'
import { sync } from './sync.ts'
import { tag } from './tag.ts'
import { tree } from './tree.ts'
import { watch } from './watch.ts'

/** In the order of the help. */
export const COMMANDS: readonly Command[] = [
  ls,
  tree,
  cat,
  stat,
  find,
  put,
  rm,
  mv,
  cp,
  sync,
  diff,
  log,
  conflicts,
  resolve,
  tag,
  watch,
  get,
  share
]
