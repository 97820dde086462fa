import type { OverDrives } from '../command.ts'
import { UsageError } from '../errors.ts'
import { pairs } from '../output.ts'
import { printable } from '../printable.ts'
import { noSuchTag, versionNamed } from '../versions.ts'

interface Options {
  delete?: boolean
  of?: string
}

export const tag: OverDrives<[name?: string], Options> = {
  over: 'drives',
  name: 'tag',
  args: '[name]',
  summary: 'give the version of all drives a name, or list the names that there are',
  more: 'A tag lies in the drive that takes the writes. Folders of the disk have no versions: on them it says nothing.',
  options: [
    ['--of <version>', 'another version than that of now, or the tag of that name'],
    ['--delete', 'take the name away']
  ],
  examples: ['tag -d hd://KEY', 'tag -d hd://KEY v1', 'tag -d hd://KEY --delete v1'],
  async run({ multi, out }, [name], { delete: remove = false, of }) {
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
    const at = of === undefined ? multi.version : await versionNamed(multi, of)
    await multi.createTag(name, at)
    await out.item({ op: 'put', tag: name, version: at }, pairs([[printable(name), at]]))
  }
}
