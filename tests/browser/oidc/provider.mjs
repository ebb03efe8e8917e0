// A real OpenID Connect provider for the test of single sign-on: whoever types an address is signed in as it.
import { Provider } from 'oidc-provider'

const [port, redirect] = process.argv.slice(2)
const provider = new Provider(`http://localhost:${port}`, {
  clients: [{ client_id: 'holdfast', client_secret: 'a-secret-of-the-test', redirect_uris: [redirect], grant_types: ['authorization_code'], response_types: ['code'] }],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  conformIdTokenClaims: false,
  cookies: { keys: ['a key of the test'] },
  pkce: { required: () => true },
  features: { devInteractions: { enabled: true } },
  async findAccount(_, id) {
    return { accountId: id, claims: async () => ({ sub: id, email: id, email_verified: true, name: id.split('@')[0] }) }
  },
})
provider.listen(Number(port), '127.0.0.1', () => console.log('ready'))
