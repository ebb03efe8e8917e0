// htmx under a strict CSP: no eval, no injected style, own origin only; the CSRF token goes with every request that writes.
import htmx from 'htmx.org/dist/htmx.esm.js'

Object.assign(htmx.config, {
  allowEval: false,
  // the options of charts travel in script elements of type application/json; what would run is refused by the CSP
  allowScriptTags: true,
  includeIndicatorStyles: false,
  selfRequestsOnly: true,
  historyRestoreAsHxRequest: false,
  scrollIntoViewOnBoost: false,
})
window.htmx = htmx

export function csrfToken() {
  const meta = document.querySelector('meta[name="csrf-token"]')?.content
  return meta || document.cookie.match(/(?:^|; )(?:__Host-|__Secure-)?csrftoken=([^;]+)/)?.[1] || ''
}

document.addEventListener('htmx:configRequest', (event) => {
  if (!/^(get|head|options)$/i.test(event.detail.verb)) event.detail.headers['X-CSRFToken'] = csrfToken()
})

// a thin line at the top while anything is awaited
let waiting = 0
const line = document.createElement('div')
line.className = 'wait-line'
document.body.append(line)
const show = (change) => line.classList.toggle('is-on', (waiting = Math.max(0, waiting + change)) > 0)
document.addEventListener('htmx:beforeRequest', () => show(1))
document.addEventListener('htmx:afterRequest', () => show(-1))
