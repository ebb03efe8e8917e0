// [data-drawer] links open their address in <dialog id="drawer">; without a drawer on the page they are plain links.
import { csrfToken } from './htmx.js'

let opener = null
let latest = 0

async function fill(body, href) {
  const turn = ++latest
  body.setAttribute('aria-busy', 'true')
  body.innerHTML = '<div class="skeleton skeleton-line"></div>'.repeat(6)
  try {
    const answer = await fetch(href, { headers: { 'HX-Request': 'true', 'HX-Target': 'drawer-body', 'X-CSRFToken': csrfToken() }, credentials: 'same-origin' })
    // signed out meanwhile: the whole page goes to the sign-in
    if (answer.redirected || answer.status === 401) return void (location.href = href)
    const text = await answer.text()
    if (turn !== latest) return
    if (!answer.ok) throw new Error(String(answer.status))
    body.innerHTML = text
    window.htmx.process(body)
    document.dispatchEvent(new CustomEvent('holdfast:swapped', { detail: body }))
    body.scrollTop = 0
  } catch {
    if (turn !== latest) return
    body.replaceChildren(Object.assign(document.createElement('p'), { textContent: 'This could not be loaded. ' }))
    const link = Object.assign(document.createElement('a'), { href, textContent: 'Open it as a page', className: 'link' })
    body.firstChild.append(link)
  } finally {
    if (turn === latest) body.removeAttribute('aria-busy')
  }
}

document.addEventListener('click', (event) => {
  const link = event.target.closest('a[data-drawer]')
  if (link) {
    const drawer = document.getElementById('drawer')
    const body = document.getElementById('drawer-body')
    if (!drawer || !body || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return
    event.preventDefault()
    const title = document.getElementById('drawer-title')
    if (title && link.dataset.drawerTitle) title.textContent = link.dataset.drawerTitle
    if (!drawer.open) {
      opener = link
      drawer.showModal()
    }
    fill(body, link.href)
    return
  }
  const dialog = event.target.closest('dialog')
  if (dialog && (event.target === dialog || event.target.closest('[data-close]'))) dialog.close()
})

document.addEventListener('close', (event) => {
  if (event.target.id !== 'drawer') return
  latest++
  opener?.focus()
  opener = null
}, true)
