import { spawn, type ChildProcess } from 'node:child_process'
import { lstat, mkdir, readdir, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type Test } from 'tape'
import { cleanup, folder } from './helpers/drives.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

test('npm start tells the whole story, exits with 0 and leaves nothing', async (t) => {
  const tmp = await folder(t)
  const { code, out, err } = await ended(start(t, tmp, []))
  t.is(code, 0, err)
  t.is(err, '')
  t.notOk(out.includes('\u001b'), 'no colours where there is no terminal')

  const tree = section(out, '1.')
  t.same(
    tree.filter((line) => line.includes(' B ')).map((line) => line.trim().replace(/ {2,}/g, ' | ')),
    [
      "phone.txt | 13 B | Ben's drive",
      "plan.txt | 14 B | Ann's drive | (an older one: Ann's folder)",
      "shopping.txt | 11 B | Ann's folder",
      "soup.txt | 13 B | Ben's drive",
      "first.txt | 8 B | Ann's drive",
      "welcome.txt | 19 B | Ann's folder"
    ],
    'every file once, with the drive that it comes from'
  )

  const edit = steps(section(out, '2.'))
  t.is(edit['Ben reads'], '"Carrots, leek, ginger"', 'an edit arrives')
  t.is(edit["Ben's own drive keeps"], '"Carrots, leek"', 'and changes nothing in the drive of its owner')

  const conflict = steps(section(out, '3.'))
  t.is(conflict['Ann, after reads'], conflict['Ben, after reads'], 'both settle a conflict in the same way')
  t.ok([conflict['Ann writes'], conflict['Ben writes']].includes(conflict['Ben, after reads']))
  t.is(conflict["Ann's own drive keeps"], '"Hike on Saturday"')
  t.is(conflict["Ben's own drive keeps"], '"Cinema on Sunday"')

  const deletion = steps(section(out, '4.'))
  t.is(deletion['Ann reads'], '(not there)')
  t.is(deletion['Ben reads'], '(not there)')
  t.is(deletion["Ben's own drive keeps"], '"Carrots, leek"')

  const comeback = steps(section(out, '5.'))
  t.is(comeback['Ann reads'], '"Pumpkin"')
  t.is(comeback['Ben reads'], '"Pumpkin"')
  t.same(await left(tmp), [], 'no temporary folder is left')
})

test('a demo that is interrupted cleans up', { skip: process.platform === 'win32' }, async (t) => {
  const tmp = await folder(t)
  // It may be over by the time that this process hears of its beginning.
  for (let turn = 0; turn < 4; turn++) {
    const child = start(t, tmp, [])
    await new Promise<void>((resolve) => {
      let out = ''
      const look = (text: string) => {
        out += text
        if (!out.includes('1. The merged tree')) return
        child.stdout!.off('data', look)
        child.kill('SIGSTOP')
        resolve()
      }
      child.stdout!.on('data', look)
    })
    const isThere = (await left(tmp)).length > 0
    child.kill('SIGINT')
    child.kill('SIGCONT')
    const { code, err } = await ended(child)
    t.is(err, '')
    t.same(await left(tmp), [])
    if (!isThere || code === 0) continue
    t.is(code, 130)
    return
  }
  t.fail('it was never interrupted')
})

test('a demo whose reader goes away cleans up', { skip: process.platform === 'win32' }, async (t) => {
  const tmp = await folder(t)
  let code: number | null = 0
  for (let turn = 0; turn < 4 && code === 0; turn++) {
    const child = start(t, tmp, [])
    child.stdout!.once('data', () => child.stdout!.destroy())
    code = (await ended(child)).code
    t.same(await left(tmp), [])
  }
  t.is(code, 1)
})

test('npm start -- FOLDER FOLDER shows the merged tree and writes nothing', async (t) => {
  const [tmp, one, two] = [await folder(t), await folder(t), await folder(t)]
  await mkdir(join(one, 'sub'))
  await mkdir(join(two, 'sub'))
  await writeFile(join(one, 'sub', 'both.txt'), 'old')
  await utimes(join(one, 'sub', 'both.txt'), 1, 1)
  await writeFile(join(two, 'sub', 'both.txt'), 'newer')
  await writeFile(join(one, 'only.txt'), '1')
  await writeFile(join(two, 'sub', 'bell\u0007.txt'), '12')
  await symlink('only.txt', join(one, 'link'))
  const before = [await snapshot(one), await snapshot(two)]

  const child = spawn('npm', ['start', '--silent', '--', one, two], {
    cwd: root,
    env: { ...process.env, TMPDIR: tmp },
    shell: process.platform === 'win32',
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const { code, out, err } = await ended(watched(t, child))
  t.is(code, 0, err)
  t.same(
    out
      .split('\n')
      .slice(3)
      .map((line) => line.trim().replace(/ {2,}/g, ' | ')),
    [
      `link | -> only.txt | ${one}`,
      `only.txt | 1 B | ${one}`,
      'sub/',
      `bell?.txt | 2 B | ${two}`,
      `both.txt | 5 B | ${two} | (an older one: ${one})`,
      '',
      '4 files; 1 of them in more than one folder, of which the newest is shown.',
      ''
    ]
  )
  t.same([await snapshot(one), await snapshot(two)], before, 'the folders are as they were')
  t.same(await left(tmp), [])
})

test('npm start -- FOLDER with a folder that is missing is one line and exit code 1', async (t) => {
  const [tmp, there] = [await folder(t), await folder(t)]
  const missing = join(tmp, 'missing')
  const { code, out, err } = await ended(start(t, tmp, [there, missing]))
  t.is(code, 1)
  t.is(out, '')
  t.is(err, `multidrive: no such folder: ${missing}\n`)

  const file = join(there, 'file')
  await writeFile(file, '')
  const second = await ended(start(t, tmp, [file]))
  t.is(second.code, 1)
  t.is(second.err, `multidrive: not a folder: ${file}\n`)
})

function start(t: Test, tmp: string, args: string[]): ChildProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', 'lib/demo/main.ts', ...args], {
    cwd: root,
    env: { ...process.env, TMPDIR: tmp, TEMP: tmp, TMP: tmp, NODE_NO_WARNINGS: '1' },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  return watched(t, child)
}

function watched(t: Test, child: ChildProcess): ChildProcess {
  child.stdout!.setEncoding('utf8')
  child.stderr!.setEncoding('utf8')
  cleanup(t, () => child.kill('SIGKILL'))
  return child
}

async function ended(child: ChildProcess): Promise<{ code: number | null; out: string; err: string }> {
  let [out, err] = ['', '']
  child.stdout!.on('data', (text: string) => (out += text))
  child.stderr!.on('data', (text: string) => (err += text))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, out, err }
}

/** The lines below the heading that begins with a number. */
function section(out: string, number: string): string[] {
  const lines = out.split('\n')
  const first = lines.findIndex((line) => line.startsWith(number))
  const last = lines.indexOf('', first)
  return first === -1 ? [] : lines.slice(first + 1, last)
}

/** What came of each step, by who did what. */
function steps(lines: string[]): Record<string, string> {
  const found: Record<string, string> = {}
  for (const line of lines) {
    const [, who, did, result] = /^ {2}(\S.*?) {2,}(\w+) +\/\S+ *(.*)$/.exec(line) ?? []
    if (who !== undefined) found[`${who} ${did!}`] = result!
  }
  return found
}

/** What is left in the temporary folder, but for the cache of tsx. */
async function left(tmp: string): Promise<string[]> {
  return (await readdir(tmp)).filter((name) => !name.startsWith('tsx-'))
}

/** Names, sizes and dates of everything in a folder, itself included. */
async function snapshot(path: string): Promise<string[]> {
  const names = ['.', ...(await readdir(path, { recursive: true })).sort()]
  return Promise.all(
    names.map(async (name) => {
      const { size, mtimeMs, mode } = await lstat(join(path, name))
      return `${name} ${size} ${mtimeMs} ${mode}`
    })
  )
}
