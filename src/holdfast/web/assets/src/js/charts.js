// Mounts <figure class="chart" data-chart> with its option in <script type="application/json">.
import { init } from './echarts.js'
import { format, resolve } from './options.js'

// style-src 'self' refuses style attributes, and allows the same through the DOM; ECharts' SVG renderer writes attributes
const setAttribute = Element.prototype.setAttribute
SVGElement.prototype.setAttribute = function (name, value) {
  if (name === 'style') this.style.cssText = value
  else setAttribute.call(this, name, value)
}

const mounted = new Map()
const still = matchMedia('(prefers-reduced-motion: reduce)')

/** Colours by bare name, as the page shows them now. */
function themeColours() {
  const style = getComputedStyle(document.documentElement)
  return new Proxy({}, {
    get: (_, name) => ['--c-', '--', '--color-'].map((p) => style.getPropertyValue(p + String(name)).trim()).find(Boolean),
  })
}

function make(tag, className, text = '') {
  return Object.assign(document.createElement(tag), { className, textContent: text })
}

/** A tooltip of elements rather than of HTML text, whose style attributes the CSP would refuse. */
function tip(spec, colours) {
  const row = (params) => {
    const line = make('div', 'tip-row')
    const dot = make('span', 'dot')
    dot.style.background = typeof params.color === 'string' ? params.color : params.borderColor
    const shown = params.data?.shown ?? params.value
    const value = Array.isArray(shown) ? shown[spec.dim ?? shown.length - 1] : shown
    line.append(dot, make('span', '', params.data?.note ?? params.seriesName), make('b', '', format(value, params.seriesName === spec.other?.series ? spec.other : spec)))
    return line
  }
  const told = (params) => {
    const value = params.data?.shown ?? params.value
    return !params.data?.silent && value !== undefined && value !== null && value !== '-' && !(spec.skip_zero && value === 0)
  }
  return {
    formatter(given) {
      const all = (Array.isArray(given) ? given : [given]).filter(told)
      const box = make('div', 'tip')
      const title = all[0]?.data?.title ?? all[0]?.axisValueLabel ?? all[0]?.name
      if (title) box.append(make('div', 'tip-title', title))
      box.append(...all.map(row))
      return all.length ? box : ''
    },
    backgroundColor: colours.surface,
    borderColor: colours['line-strong'],
    borderWidth: 1,
    padding: [8, 12],
    confine: true,
    transitionDuration: 0.1,
    extraCssText: 'border-radius:10px;box-shadow:0 8px 28px rgb(0 0 0 / 0.16)',
  }
}

function draw(figure) {
  const entry = mounted.get(figure)
  if (!entry.canvas.clientWidth || !entry.canvas.clientHeight) return
  entry.chart ??= listen(init(entry.canvas, null, { renderer: 'svg' }))
  const option = resolve(entry.option, themeColours(), tip)
  const label = figure.getAttribute('aria-label')
  entry.chart.setOption({
    animation: !still.matches, animationDuration: 350, animationEasing: 'cubicOut', ...option,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, ...option.textStyle },
    backgroundColor: 'transparent',
    aria: { enabled: true, ...(label && { label: { description: label } }) },
  }, true)
}

function listen(chart) {
  chart.on('click', ({ data }) => {
    if (!data?.link) return
    const target = new URL(data.link, location.href)
    if (target.origin === location.origin) location.href = target.href
  })
  return chart
}

const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const entry = mounted.get(target.parentElement)
    if (entry?.chart) entry.chart.resize()
    else if (entry) draw(target.parentElement)
  }
})

function mountOne(figure) {
  if (mounted.has(figure)) return
  const source = figure.querySelector(':scope > script[type="application/json"]')
  if (!source) return
  const canvas = make('div', 'chart-canvas')
  canvas.setAttribute('role', 'img')
  figure.append(canvas)
  mounted.set(figure, { canvas, option: JSON.parse(source.textContent), chart: null })
  draw(figure)
  sizes.observe(canvas)
}

/** Mounts what is new under a root, and lets go of figures that have left the page. */
function mount(root = document) {
  for (const [figure, { chart, canvas }] of mounted)
    if (!figure.isConnected) {
      sizes.unobserve(canvas)
      chart?.dispose()
      mounted.delete(figure)
    }
  if (root.matches?.('[data-chart]')) mountOne(root)
  root.querySelectorAll('[data-chart]').forEach(mountOne)
}

document.addEventListener('holdfast:theme', () => requestAnimationFrame(() => [...mounted.keys()].forEach(draw)))
window.holdfastCharts = { mount }
