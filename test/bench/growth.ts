import { COUNTS as PEER_COUNTS, theirs } from './peer.bench.ts'
import { figureOf, type Results } from './results.ts'
import { COUNTS, drives, ONE } from './scale.bench.ts'

/** A line of the picture: microseconds over numbers of drives. */
export interface Series {
  readonly name: string
  /** Which of the colours it has. */
  readonly color: 'a' | 'b' | 'c' | 'd' | 'base'
  readonly points: readonly { readonly drives: number; readonly micros: number }[]
}

/** How the cost of a read grows with the drives; what was not measured is left out. */
export function growth(results: Results): Series[] {
  const scale = (job: string) =>
    COUNTS.flatMap((count) => point(count, figureOf(results, 'scale', job, drives(count))))
  const one = figureOf(results, 'scale', 'entry', ONE)
  const all: Series[] = [
    {
      name: 'multi-hyperdrive, stat',
      color: 'd',
      points: PEER_COUNTS.flatMap((count) => point(count, figureOf(results, 'peer', 'stat', theirs(count))))
    },
    {
      name: 'one Hyperdrive, entry',
      color: 'base',
      points: [COUNTS[0]!, COUNTS.at(-1)!].flatMap((count) => point(count, one))
    },
    { name: 'entry', color: 'a', points: scale('entry') },
    { name: 'list, each entry', color: 'b', points: scale('list') },
    { name: 'entry of no file', color: 'c', points: scale('miss') }
  ]
  return all.filter(({ points }) => points.length > 0)
}

function point(drives: number, figure: { readonly micros: number } | null): Series['points'] {
  return figure ? [{ drives, micros: figure.micros }] : []
}

const WIDTH = 800
const HEIGHT = 440
const PLOT = { left: 70, top: 50, right: 560, bottom: 380 }
const LINE = 17

/** Both axes are logarithmic: costs differ by the thousand. It brings its own ground, for it to be read on light pages and on dark ones. */
export function draw(series: readonly Series[]): string {
  const counts = [...new Set(series.flatMap(({ points }) => points.map(({ drives }) => drives)))].sort(
    (a, b) => a - b
  )
  const micros = series.flatMap(({ points }) => points.map((point) => point.micros))
  const low = Math.floor(Math.log10(Math.min(...micros)))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...micros))))
  const most = Math.max(1, Math.log2(counts.at(-1)!))
  const x = (drives: number) => round(PLOT.left + (Math.log2(drives) / most) * (PLOT.right - PLOT.left))
  const y = (value: number) =>
    round(PLOT.bottom - ((Math.log10(value) - low) / (high - low)) * (PLOT.bottom - PLOT.top))

  const grid = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)).map(
    (value) =>
      `<path class="grid" d="M${PLOT.left} ${y(value)}H${PLOT.right}"/>` +
      `<text x="${PLOT.left - 8}" y="${y(value) + 4}" text-anchor="end">${withUnit(value)}</text>`
  )
  const ticks = counts.map(
    (count) => `<text x="${x(count)}" y="${PLOT.bottom + 20}" text-anchor="middle">${count}</text>`
  )
  const lines = series.map(({ color, points }) => {
    const path = points.map(({ drives, micros }, i) => `${i ? 'L' : 'M'}${x(drives)} ${y(micros)}`).join('')
    const dots = points.map(
      ({ drives, micros }) => `<circle class="dot ${color}" cx="${x(drives)}" cy="${y(micros)}" r="3.5"/>`
    )
    return `<path class="line ${color}" d="${path}"/>${color === 'base' ? '' : dots.join('')}`
  })
  // At the end of its line, or so far from it that the names do not lie upon each other.
  const names = apart(series.map(({ points }) => y(points.at(-1)!.micros))).map((at, i) => {
    const { name, color, points } = series[i]!
    const end = points.at(-1)!
    const words = escape(`${name}: ${withUnit(end.micros)}`)
    const from = `<path class="lead ${color}" d="M${x(end.drives) + 5} ${y(end.micros)}L${PLOT.right + 12} ${at}"/>`
    return `${from}<text class="name ${color}" x="${PLOT.right + 16}" y="${at + 4}">${words}</text>`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-labelledby="title">`,
    '<title id="title">What a read costs over 1 to 1,024 drives</title>',
    `<style>${STYLE}</style>`,
    `<rect class="ground" x="0.5" y="0.5" width="${WIDTH - 1}" height="${HEIGHT - 1}" rx="8"/>`,
    `<text class="head" x="20" y="28">What a read of a MultiDrive costs as its drives grow many</text>`,
    ...grid,
    ...ticks,
    `<text x="${(PLOT.left + PLOT.right) / 2}" y="${PLOT.bottom + 42}" text-anchor="middle">drives (both axes are logarithmic)</text>`,
    ...lines,
    ...names,
    '</svg>',
    ''
  ].join('\n')
}

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #57606a }
  .head { font-size: 15px; font-weight: 600; fill: #1f2328 }
  .ground { fill: #ffffff; stroke: #d0d7de }
  .grid { stroke: #d8dee4; fill: none }
  .line { fill: none; stroke-width: 2.5; stroke-linejoin: round }
  .lead { fill: none; stroke-width: 1; opacity: 0.5 }
  .name { font-size: 11px }
  .base { stroke-dasharray: 6 4 }
  .line.a, .lead.a { stroke: #0969da } .dot.a, .name.a { fill: #0969da }
  .line.b, .lead.b { stroke: #1a7f37 } .dot.b, .name.b { fill: #1a7f37 }
  .line.c, .lead.c { stroke: #8250df } .dot.c, .name.c { fill: #8250df }
  .line.d, .lead.d { stroke: #bc4c00 } .dot.d, .name.d { fill: #bc4c00 }
  .line.base, .lead.base { stroke: #57606a } .name.base { fill: #57606a }
  @media (prefers-color-scheme: dark) {
    text { fill: #9198a1 }
    .head { fill: #f0f6fc }
    .ground { fill: #0d1117; stroke: #3d444d }
    .grid { stroke: #2a313c }
    .line.a, .lead.a { stroke: #58a6ff } .dot.a, .name.a { fill: #58a6ff }
    .line.b, .lead.b { stroke: #3fb950 } .dot.b, .name.b { fill: #3fb950 }
    .line.c, .lead.c { stroke: #bc8cff } .dot.c, .name.c { fill: #bc8cff }
    .line.d, .lead.d { stroke: #f0883e } .dot.d, .name.d { fill: #f0883e }
    .line.base, .lead.base { stroke: #9198a1 } .name.base { fill: #9198a1 }
  }
`

/** Heights that are a line apart, each as near as that lets it be to its own. */
function apart(heights: readonly number[]): number[] {
  const order = heights.map((_, i) => i).sort((a, b) => heights[a]! - heights[b]!)
  const placed = [...heights]
  let least = PLOT.top
  for (const i of order) {
    placed[i] = Math.max(heights[i]!, least)
    least = placed[i] + LINE
  }
  // What was pushed out below moves what is above it.
  let most = PLOT.bottom
  for (const i of order.reverse()) {
    placed[i] = Math.min(placed[i]!, most)
    most = placed[i] - LINE
  }
  return placed
}

function withUnit(micros: number): string {
  if (micros >= 1000) return `${Number((micros / 1000).toPrecision(3))} ms`
  return `${Number(micros.toPrecision(micros >= 100 ? 3 : 2))} µs`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
