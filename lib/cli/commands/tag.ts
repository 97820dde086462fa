import type { MultiDrive } from '../../../index.ts'
import type { OverDrives } from '../command.ts'
import { CliError, UsageError } from '../errors.ts'
import { pairs } from '../output.ts'
import { printable } from '../printable.ts'
import { noSuchTag, requireVersion, versionNamed } from '../versions.ts'

interface Options {
  delete?: boolean
  force?: boolean
  of?: string
}

export const tag: OverDrives<[name?: string], Options> = {
  over: 'drives',
  name: 'tag',
  args: '[name]',
  summary: 'give the version of all drives a name, or list the names that there are',
  more: 'A tag lies in the drive that takes the writes. Folders of the disk have no versions: a tag takes those of drives with a key. A name that is given stays where it is, unless --force is given.',
  options: [
    ['--of <version>', 'another version than that of now, or the tag of that name'],
    ['--delete', 'take the name away'],
    ['-f, --force', 'move a name that is given already']
  ],
  examples: ['tag -d hd://KEY', 'tag -d hd://KEY v1', 'tag -d hd://KEY --delete v1'],
  async run({ multi, out }, [name], { delete: remove = false, force = false, of }) {
    if (name === undefined) {
      if (remove || of !== undefined) throw new UsageError('tag is given no name')
      const tags = [...(await multi.getAllTags())].sort(([a], [b]) => (a < b ? -1 : 1))
      const width = Math.max(0, ...tags.map(([tag]) => printable(tag).length))
      for (const [tag, at] of tags)
        await out.item({ tag, version: at }, () => pairs([[printable(tag).padEnd(width), printable(at)]]))
      return
    }
    if (remove) {
      if (of !== undefined) throw new UsageError('--delete needs no --of')
      if ((await multi.getTaggedVersion(name)) === null) throw noSuchTag(name)
      await multi.deleteTag(name)
      return out.item({ op: 'remove', tag: name }, printable(name))
    }
    const at = of === undefined ? versionOf(multi) : await versionNamed(multi, of)
    const before = await multi.getTaggedVersion(name)
    if (before !== null && before !== at && !force) {
      const hint = 'choose another name, or add --force to move it'
      throw new CliError('EEXIST', `EEXIST: the tag ${name} is given already, to ${before}`, { hint })
    }
    await multi.createTag(name, at)
    const was = before === null || before === at ? {} : { was: before }
    const moved = 'was' in was ? `  (moved from ${before})` : ''
    await out.item({ op: 'put', tag: name, version: at, ...was }, pairs([[printable(name), `${at}${moved}`]]))
  }
}

function versionOf(multi: MultiDrive): string {
  // Where nothing can be written, that is what is told.
  return multi.writable ? requireVersion(multi.version) : multi.version
}
