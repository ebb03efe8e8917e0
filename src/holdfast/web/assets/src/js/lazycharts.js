// Loads charts.js when a page, or a fragment that came in later, holds a chart.
const source = document.currentScript?.dataset.charts ?? new URL('charts.js', document.currentScript?.src ?? location.href).href
let loading = null

function load() {
  loading ??= new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement('script'), { src: source, onload: resolve, onerror: reject })
    document.head.append(script)
  })
  return loading
}

async function mountIn(root) {
  if (!root?.querySelector?.('[data-chart]') && !root?.matches?.('[data-chart]')) return
  await load()
  window.holdfastCharts.mount(root)
}

// what a swap replaced is no longer in the page: then the whole page is looked through, which mounts only what is new
document.addEventListener('htmx:afterSettle', (event) => mountIn(event.detail.target?.isConnected ? event.detail.target : document))
document.addEventListener('holdfast:swapped', (event) => mountIn(event.detail))
mountIn(document)
