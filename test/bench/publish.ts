import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import prettier from 'prettier'
import type { Rounds, Scale } from './harness.ts'
import { draw, growth } from './growth.ts'
import type { Results } from './results.ts'
import { asMarkdown, targets } from './targets.ts'

export interface Report {
  readonly machine: string
  /** As YYYY-MM-DD. */
  readonly date: string
  readonly rounds: Rounds
  readonly scale: Scale
  readonly results: Results
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const PICTURE = 'test/bench/figures/growth.svg'
const FIGURES = 'test/bench/figures/figures.json'
const BEGIN = '<!-- measured: written by `npm run bench` -->'
const END = '<!-- /measured -->'

/** Writes the figures, the picture of them, and what the README shows of both. */
export async function publish(report: Report): Promise<void> {
  const { results } = report
  await mkdir(join(root, 'test/bench/figures'), { recursive: true })
  const series = growth(results)
  const json = JSON.stringify({ ...report, targets: targets(results), growth: series }, null, 2)
  await writeFormatted(FIGURES, json)
  await writeFile(join(root, PICTURE), draw(series))
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  await writeFormatted('README.md', withMeasured(readme, measured(report)))
}

/** What the README shows. */
export function measured({ machine, date, rounds, scale, results }: Report): string {
  const files = scale.files.toLocaleString('en')
  return [
    `![What a read costs over 1 to 1,024 drives](${PICTURE})`,
    '',
    `${files} files of 1 KiB in folders of 100 to 10,000 names; ratios to one Hyperdrive that holds them all, where there is no unit. ${machine}, ${date}, medians of ${rounds.measured} rounds. All of it is in [figures.json](${FIGURES}).`,
    '',
    asMarkdown(targets(results))
  ].join('\n')
}

/** A README with what was measured in the place for it. */
export function withMeasured(readme: string, text: string): string {
  const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)]
  if (begin === -1 || end < begin) throw new Error('the README has no place for what was measured')
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${text}\n\n${readme.slice(end)}`
}

async function writeFormatted(file: string, text: string): Promise<void> {
  const path = join(root, file)
  const options = (await prettier.resolveConfig(path)) ?? {}
  await writeFile(path, await prettier.format(text, { ...options, filepath: path }))
}
