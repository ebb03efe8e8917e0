// Everything that happens on a page, in one file that is loaded with `defer`. Pages work without it, charts and drawers aside.
import './htmx.js'
import './theme.js'
import './keys.js'
import './drawer.js'
import './forms.js'
import './toasts.js'
import './lazycharts.js'
