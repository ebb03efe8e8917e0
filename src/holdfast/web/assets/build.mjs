// Builds everything the browser gets into ../static/holdfast, and what charts drawn on the server need into ../../charts/built.
import { compile, optimize } from '@tailwindcss/node'
import { Scanner } from '@tailwindcss/oxide'
import { build } from 'esbuild'
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
// built beside, then put in the place of what is there: a server that runs meanwhile misses nothing
const places = { out: resolve(here, '../static/holdfast'), charts: resolve(here, '../../charts/built') }
const out = `${places.out}.new`
const charts = `${places.charts}.new`
const read = (...path) => readFileSync(join(here, ...path), 'utf8')

/** Colours of both themes by bare name ("new", "heat-3", "base-100"), read from themes.css. */
function tokens() {
  const themes = {}
  for (const [, name, body] of read('src/css/themes.css').matchAll(/name: "([\w-]+)";([^}]*)/g)) {
    const pairs = [...body.matchAll(/--(?:c-|color-)?([\w-]+): (#[0-9a-f]{6});/g)].map((m) => [m[1], m[2]])
    // --c-* come after --color-* and win, as "accent" means the chart's own
    themes[name.endsWith('-dark') ? 'dark' : 'light'] = Object.fromEntries(pairs)
  }
  return themes
}

async function styles() {
  const entry = join(here, 'src/css/app.css')
  const compiler = await compile(readFileSync(entry, 'utf8'), { base: dirname(entry), onDependency() {} })
  const scanner = new Scanner({ sources: compiler.sources })
  const css = compiler.build(scanner.scan())
  writeFileSync(join(out, 'app.css'), optimize(css, { minify: true }).code)
}

async function scripts() {
  const common = { bundle: true, minify: true, legalComments: 'none', absWorkingDir: here, logLevel: 'warning' }
  await Promise.all([
    build({ ...common, entryPoints: ['src/js/app.js', 'src/js/charts.js'], outdir: out, format: 'iife', target: 'es2022' }),
    build({ ...common, entryPoints: { 'charts-ssr': 'src/js/charts-ssr.js' }, outdir: charts, format: 'iife', target: 'es2020' }),
  ])
}

/** One sprite of the icons named in icons.txt, and our mark. */
function icons() {
  const symbols = read('icons.txt').split(/\s+/).filter(Boolean).map((name) => {
    const svg = read('node_modules/lucide-static/icons', `${name}.svg`)
    const body = svg.slice(svg.indexOf('>', svg.indexOf('<svg')) + 1, svg.lastIndexOf('</svg>')).replace(/\s+/g, ' ').trim()
    return `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round">${body}</symbol>`
  })
  const mark = read('src/mark.svg').replace(/<!--.*?-->\s*/gs, '').replace('<svg xmlns="http://www.w3.org/2000/svg"', '<symbol id="holdfast"').replace('</svg>', '</symbol>').trim()
  writeFileSync(join(out, 'icons.svg'), `<svg xmlns="http://www.w3.org/2000/svg">${[...symbols, mark].join('')}</svg>`)
  copyFileSync(join(here, 'src/favicon.svg'), join(out, 'favicon.svg'))
  copyFileSync(join(here, 'src/mark.svg'), join(out, 'mark.svg'))
}

/** What the browser gets, and whole TrueType files for pictures and paper. */
function fonts() {
  const modules = join(here, 'node_modules')
  for (const subset of ['latin', 'latin-ext']) {
    copyFileSync(join(modules, `@fontsource-variable/inter/files/inter-${subset}-wght-normal.woff2`), join(out, 'fonts', `inter-${subset}.woff2`))
  }
  for (const style of ['400Regular', '600SemiBold']) {
    copyFileSync(join(modules, `@expo-google-fonts/inter/${style}/Inter_${style}.ttf`), join(charts, `Inter_${style}.ttf`))
  }
  copyFileSync(join(modules, '@fontsource-variable/inter/LICENSE'), join(out, 'fonts/LICENSE'))
  copyFileSync(join(modules, '@expo-google-fonts/inter/LICENSE_FONT'), join(charts, 'LICENSE-inter'))
}

for (const folder of [out, charts]) rmSync(folder, { recursive: true, force: true })
for (const folder of [join(out, 'fonts'), charts]) mkdirSync(folder, { recursive: true })
icons()
fonts()
writeFileSync(join(charts, 'tokens.json'), JSON.stringify(tokens(), null, 1))
await Promise.all([styles(), scripts()])
for (const [made, place] of [[out, places.out], [charts, places.charts]]) {
  rmSync(place, { recursive: true, force: true })
  renameSync(made, place)
}
