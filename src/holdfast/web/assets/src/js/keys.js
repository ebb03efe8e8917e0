// Keyboard: / search, g + letter to go, ? for the list of keys, j/k/Enter in [data-rows], Esc closes. Never while typing.
let goUntil = 0

const typing = (target) => target.closest?.('input, textarea, select, [contenteditable=""], [contenteditable="true"]')
const visible = (element) => element.offsetParent !== null || element.getClientRects().length > 0

function focusSearch() {
  const field = [...document.querySelectorAll('[data-search]')].find(visible)
  field?.focus()
  field?.select?.()
  return Boolean(field)
}

function go(letter) {
  const link = document.querySelector(`[data-go="${CSS.escape(letter)}"]`)
  if (link) location.href = link.href
  return Boolean(link)
}

function openKeys() {
  const dialog = document.getElementById('keys')
  if (dialog && !dialog.open) dialog.showModal()
  return Boolean(dialog)
}

const rows = () => [...document.querySelectorAll('[data-rows] tbody tr:not(.group)')].filter(visible)
const current = () => document.querySelector('[data-rows] tr.is-current')

function step(by) {
  const all = rows()
  if (!all.length) return false
  const at = all.indexOf(current())
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))]
  all[at]?.classList.remove('is-current')
  next.classList.add('is-current')
  next.querySelector('a[href]')?.focus({ preventScroll: true })
  next.scrollIntoView({ block: 'nearest' })
  return true
}

function openRow() {
  const row = current()
  // a focused link opens itself
  if (!row || document.activeElement?.closest('a, button, summary')) return false
  const href = row.dataset.href ?? row.querySelector('a[href]')?.href
  if (href) location.href = href
  return Boolean(href)
}

const keys = { '/': focusSearch, '?': openKeys, j: () => step(1), k: () => step(-1), Enter: openRow }

document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') {
    if (typing(event.target) && event.target.matches('[data-search]')) event.target.blur()
    document.querySelectorAll('details.menu-drop[open]').forEach((menu) => {
      menu.open = false
      menu.querySelector('summary')?.focus()
    })
    document.querySelectorAll('[data-open]').forEach((element) => element.removeAttribute('data-open'))
    return
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event.target)) return
  if (document.querySelector('dialog[open]:modal') && event.key !== '?') return
  const armed = event.timeStamp < goUntil
  goUntil = 0
  if (armed && go(event.key)) return event.preventDefault()
  if (event.key === 'g') goUntil = event.timeStamp + 1500
  else if (keys[event.key]?.()) event.preventDefault()
})

// a click anywhere in a row with data-href opens it, unless it meant something else
document.addEventListener('click', (event) => {
  const row = event.target.closest('tr[data-href]')
  if (!row || event.target.closest('a, button, input, label, select, summary') || String(getSelection())) return
  if (event.metaKey || event.ctrlKey) window.open(row.dataset.href, '_blank', 'noopener')
  else location.href = row.dataset.href
})
