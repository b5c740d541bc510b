import type { RequestListener } from 'node:http'
import type Provider from 'oidc-provider'
import type { DemoAccount } from './openid-people.js'
import { readBody } from './read-body.js'

const FORM = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Sign in</title>
<form method="post" autocomplete="off">
  <label>User <input name="username" required></label>
  <label>Password <input name="password" type="password" required></label>
  <button>Sign in</button>
</form></html>`

/** The sign-in page of the demo's OpenID provider: GET shows the form, POST checks it. */
export function loginPage(provider: Provider, accounts: readonly DemoAccount[]): RequestListener {
  return (request, response) => {
    answer().catch(() => {
      // The interaction is unknown or over, or its cookie is missing.
      if (!response.headersSent) response.writeHead(400, { 'content-type': 'text/plain' }).end('Start again.')
      else response.destroy()
    })

    async function answer(): Promise<void> {
      const { prompt } = await provider.interactionDetails(request, response)
      // Some clients want it asked for, though nobody has to give it here.
      if (prompt.name === 'consent') {
        return provider.interactionFinished(request, response, { consent: {} }, { mergeWithLastSubmission: true })
      }
      if (prompt.name !== 'login') {
        const result = { error: 'access_denied', error_description: `nothing is known about ${prompt.name}` }
        return provider.interactionFinished(request, response, result)
      }
      if (request.method !== 'POST') {
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(FORM)
        return
      }
      const body = await readBody(request, 4_096)
      const form = new URLSearchParams(body?.toString('utf8') ?? '')
      const account = accounts.find(({ username }) => username === form.get('username'))
      if (account === undefined || account.password !== form.get('password')) {
        response.writeHead(403, { 'content-type': 'text/plain' }).end('Wrong user or password.')
        return
      }
      await provider.interactionFinished(request, response, { login: { accountId: account.username } })
    }
  }
}
