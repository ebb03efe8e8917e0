// What went wrong with a passkey is said on the page; the library only dispatches it as an event.
document.addEventListener('allauth.error', (event) => {
  event.preventDefault()
  const { exception } = event.detail
  const cancelled = exception && exception.name === 'NotAllowedError'
  const text = cancelled
    ? 'The browser was asked for a passkey and gave none: it was cancelled, took too long, or there is none for this site.'
    : exception && exception.name === 'SecurityError'
      ? 'The browser refuses passkeys on this address. They need HTTPS, or localhost.'
      : 'That passkey could not be used. Try again, or use another way.'
  let place = document.getElementById('passkey-error')
  if (!place) {
    place = document.createElement('p')
    place.id = 'passkey-error'
    place.className = 'notice notice-bad mt-4'
    place.setAttribute('role', 'alert')
    document.querySelector('main form, main').after(place)
  }
  place.textContent = text
  place.hidden = false
})
