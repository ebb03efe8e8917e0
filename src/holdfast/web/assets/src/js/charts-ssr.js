// Draws a chart to SVG text inside QuickJS: holdfastDraw(option, colours, width, height, font) as JSON texts.
import { init } from './echarts.js'
import { resolve } from './options.js'

// QuickJS has no timers; what ECharts would put off (animation, throttled hover) has no place in a still picture
globalThis.setTimeout ??= () => 0
globalThis.clearTimeout ??= () => {}

globalThis.holdfastDraw = (optionText, coloursText, width, height, font) => {
  const option = resolve(JSON.parse(optionText), JSON.parse(coloursText))
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height })
  try {
    chart.setOption({ ...option, animation: false, textStyle: { fontFamily: font, ...option.textStyle } })
    return JSON.stringify(chart.renderToSVGString())
  } finally {
    chart.dispose()
  }
}
