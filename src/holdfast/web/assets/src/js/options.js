// Turns an option as Python writes it into one that ECharts takes: "$name" and "$name@0.2" become colours of a theme,
// {"$format": {…}} becomes a function. Used in the browser and in QuickJS, which has no Intl.

/** Digits in groups: 1234567.891 → "1,234,567.89". */
function grouped(value, digits, { decimal = '.', group = ',' }) {
  const [whole, part] = Math.abs(value).toFixed(digits).split('.')
  const spaced = whole.replace(/\B(?=(\d{3})+$)/g, group)
  return part ? spaced + decimal + part : spaced
}

const STEPS = [[1e12, 'T'], [1e9, 'B'], [1e6, 'M'], [1e3, 'k']]

/** Three significant digits and a letter: 1234567 → "1.23M". */
function short(value, spec) {
  const size = Math.abs(value)
  // 999,950 reads 1M and not 1,000k
  const [step, letter] = STEPS.find(([s]) => size >= s * 0.9995) ?? [1, '']
  const scaled = size / step
  const digits = step === 1 ? (Number.isInteger(scaled) ? 0 : spec.digits ?? 0) : scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0
  const text = grouped(scaled, digits, spec)
  return (text.includes(spec.decimal ?? '.') ? text.replace(/0+$/, '').replace(/\D$/, '') : text) + letter
}

/** Text of a number under a spec {kind, symbol, symbol_after, decimal, group, digits, compact, plus, space}. */
export function format(value, spec) {
  if (value === null || value === undefined || Number.isNaN(Number(value)) || value === '-') return '–'
  const number = Number(value) * (spec.kind === 'percent' ? 100 : 1)
  const body = spec.compact ? short(number, spec) : grouped(number, spec.digits ?? 0, spec)
  const zero = !/[1-9]/.test(body)
  const sign = number < 0 && !zero ? '−' : spec.plus && !zero ? '+' : ''
  if (spec.kind === 'percent') return `${sign}${body}${spec.space ? '\u00a0' : ''}%`
  if (spec.kind !== 'money' || !spec.symbol) return sign + body
  const gap = spec.space ? '\u00a0' : ''
  return spec.symbol_after ? `${sign}${body}${gap}${spec.symbol}` : `${sign}${spec.symbol}${gap}${body}`
}

/** The number meant by what ECharts hands to a formatter: a value, or parameters of an item. */
function meant(given, spec) {
  if (given === null || typeof given !== 'object') return given
  const shown = given.data?.shown ?? given.value
  return Array.isArray(shown) ? shown[spec.dim ?? shown.length - 1] : shown
}

function colour(token, colours) {
  const [name, alpha] = token.slice(1).split('@')
  const hex = colours[name]
  if (!hex) throw new Error(`no colour is named ${token}`)
  if (alpha === undefined) return hex
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16))
  return `rgba(${r},${g},${b},${alpha})`
}

/** A copy of the option with colours and functions in place. `tip` makes a tooltip's formatter; without it tooltips go.
 *  Only what stands under a key that ends in "color" is a colour: an account may be called "$new". */
export function resolve(node, colours, tip = null, key = '') {
  if (typeof node === 'string') return /color$/i.test(key) && node.startsWith('$') ? colour(node, colours) : node
  if (Array.isArray(node)) return node.map((part) => resolve(part, colours, tip, key))
  if (node === null || typeof node !== 'object') return node
  if (node.$format) return (given) => format(meant(given, node.$format), node.$format)
  if (node.$tip) return tip ? { ...resolve(node.$look ?? {}, colours, tip), ...tip(node.$tip, colours) } : { show: false }
  return Object.fromEntries(Object.entries(node).map(([name, part]) => [name, resolve(part, colours, tip, name)]))
}
