// Small things on forms and pages, each asked for by a data- attribute.
import { toast } from './toasts.js'

document.addEventListener('change', (event) => {
  const field = event.target
  const form = field.closest('form')
  if (form && (form.matches('[data-autosubmit]') || field.matches('[data-autosubmit]'))) form.requestSubmit()
  if (field.matches('[data-select-all]'))
    for (const box of boxes(field)) box.checked = field.checked
  if (field.matches('[data-select], [data-select-all]')) bulk(field)
})

const scope = (element) => element.closest('form, [data-bulk-scope]') ?? document
const boxes = (element) => [...scope(element).querySelectorAll('input[data-select]')]

function bulk(element) {
  const all = boxes(element)
  const ticked = all.filter((box) => box.checked).length
  for (const bar of scope(element).querySelectorAll('[data-bulk]')) {
    bar.hidden = ticked === 0
    for (const count of bar.querySelectorAll('[data-bulk-count]')) count.textContent = String(ticked)
  }
  for (const head of scope(element).querySelectorAll('[data-select-all]')) {
    head.checked = ticked > 0 && ticked === all.length
    head.indeterminate = ticked > 0 && ticked < all.length
  }
}

// asked in the capture phase, before htmx or another handler acts
for (const kind of ['click', 'submit'])
  document.addEventListener(kind, (event) => {
    const element = kind === 'submit' ? event.target.closest('form[data-confirm]') : event.target.closest('[data-confirm]:not(form)')
    if (element && !confirm(element.dataset.confirm)) {
      event.preventDefault()
      event.stopImmediatePropagation()
    }
  }, true)

async function copy(button) {
  const wanted = button.dataset.copy
  const source = wanted.startsWith('#') ? document.querySelector(wanted) : null
  try {
    await navigator.clipboard.writeText(source ? (source.value ?? source.textContent).trim() : wanted || location.href)
    toast({ text: 'Copied', kind: 'good' })
  } catch {
    toast({ text: 'Copying was refused by the browser', kind: 'bad' })
  }
}

function toggle(button) {
  const target = document.getElementById(button.dataset.toggle)
  if (!target) return
  if (target instanceof HTMLDialogElement) return target.open ? target.close() : target.showModal()
  // `hidden` for what starts hidden, data-open for what CSS shows
  const open = target.matches('.sidebar') ? target.toggleAttribute('data-open') : !(target.hidden = !target.hidden)
  button.setAttribute('aria-expanded', String(open))
  if (open) target.querySelector('a, button, input')?.focus()
}

document.addEventListener('click', (event) => {
  const on = (selector) => event.target.closest(selector)
  const copier = on('[data-copy]')
  const toggler = on('[data-toggle]')
  if (copier) { event.preventDefault(); copy(copier) }
  if (toggler) { event.preventDefault(); toggle(toggler) }
  else if (!on('.sidebar')) document.querySelector('.sidebar[data-open]')?.removeAttribute('data-open')
  if (on('[data-print]')) window.print()
  const dismiss = on('[data-dismiss]')
  dismiss?.closest('.toast, .notice, .alert, [data-dismissable]')?.remove()
  for (const menu of document.querySelectorAll('details.menu-drop[open]'))
    if (!menu.contains(event.target)) menu.open = false
})
