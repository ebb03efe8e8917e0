// The theme switch: buttons [data-set-theme="light|dark|system"]. The choice is a cookie, which the server renders.
const names = { light: 'holdfast', dark: 'holdfast-dark' }

export const chosen = () => document.cookie.match(/(?:^|; )theme=(\w+)/)?.[1] ?? 'system'

function mark() {
  for (const button of document.querySelectorAll('[data-set-theme]'))
    button.setAttribute('aria-pressed', String(button.dataset.setTheme === chosen()))
}

function announce() {
  document.dispatchEvent(new CustomEvent('holdfast:theme'))
}

document.addEventListener('click', (event) => {
  const button = event.target.closest('[data-set-theme]')
  if (!button) return
  const theme = button.dataset.setTheme
  document.cookie = `theme=${theme}; path=/; max-age=31536000; SameSite=Lax${location.protocol === 'https:' ? '; Secure' : ''}`
  if (names[theme]) document.documentElement.dataset.theme = names[theme]
  else delete document.documentElement.dataset.theme
  mark()
  announce()
})
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', announce)
document.addEventListener('htmx:afterSettle', mark)
mark()
