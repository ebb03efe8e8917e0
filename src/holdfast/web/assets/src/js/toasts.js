// Short messages: from HX-Trigger {"toast": {"text": …, "kind": "good|bad|info"}} and those that the server rendered.
const seconds = (element) => (element.matches('.toast-bad') ? 10 : 5)

function hideLater(element) {
  setTimeout(() => {
    if (element.matches(':hover, :focus-within')) return hideLater(element)
    element.classList.add('is-leaving')
    setTimeout(() => element.remove(), 300)
  }, seconds(element) * 1000)
}

function box() {
  const known = document.getElementById('toasts')
  if (known) return known
  const made = Object.assign(document.createElement('div'), { id: 'toasts', className: 'toasts' })
  made.setAttribute('aria-live', 'polite')
  document.body.append(made)
  return made
}

export function toast({ text, kind = 'info' }) {
  const element = Object.assign(document.createElement('div'), { className: `toast toast-${kind}` })
  const button = Object.assign(document.createElement('button'), { type: 'button', textContent: '×' })
  button.setAttribute('aria-label', 'Dismiss')
  button.dataset.dismiss = ''
  element.append(Object.assign(document.createElement('span'), { textContent: text }), button)
  box().append(element)
  hideLater(element)
}

document.addEventListener('toast', (event) => {
  const detail = event.detail ?? {}
  toast(typeof detail.value === 'string' ? { text: detail.value } : detail)
})
for (const kind of ['htmx:responseError', 'htmx:sendError'])
  document.addEventListener(kind, () => toast({ text: 'That did not work. Try again, or reload the page.', kind: 'bad' }))
document.querySelectorAll('.toast').forEach(hideLater)
