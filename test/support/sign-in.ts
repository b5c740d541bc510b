export interface Credentials {
  readonly username: string
  readonly password: string
}

const maxSteps = 15

/**
 * Does what a person in a browser does with an authorization URL: follows redirects, keeps cookies, fills in the login
 * form, until the provider redirects to `redirectUri`. Returns the parameters of that URI; throws with the words of the
 * page on which it went wrong. Reads the pages of oidc-provider's login and of Keycloak's.
 */
export async function signIn(
  authorizationUrl: string | URL,
  redirectUri: string,
  { username, password }: Credentials,
): Promise<URLSearchParams> {
  const cookies = new Map<string, string>()
  const start = new URL(authorizationUrl)
  let url = start
  let form: URLSearchParams | undefined
  let filled = false
  for (let step = 0; step < maxSteps; step++) {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form === undefined ? {} : { method: 'POST', body: form }),
    })
    for (const cookie of response.headers.getSetCookie()) keep(cookies, cookie)
    const text = await response.text()
    const location = response.headers.get('location')
    if (location !== null) {
      const target = new URL(location, url)
      if (`${target.origin}${target.pathname}` === redirectUri) return target.searchParams
      if (target.origin !== start.origin) throw new Error(`the login left the provider for ${target.origin}`)
      url = target
      form = undefined
    } else if (response.ok && !filled && text.includes('name="password"')) {
      url = new URL(actionOf(text), url)
      form = new URLSearchParams({ username, password })
      filled = true
    } else throw new Error(`the login failed: ${response.status}: ${wordsOf(text)}`)
  }
  throw new Error('the login failed: too many redirects')
}

/** Where the form goes; "" is the page itself. */
function actionOf(html: string): string {
  const [form = ''] = /<form[^>]*>/.exec(html) ?? []
  return (/ action="([^"]*)"/.exec(form)?.[1] ?? '').replaceAll('&amp;', '&')
}

/** Name and value are enough: one provider, and no login takes as long as a cookie lives. */
function keep(cookies: Map<string, string>, header: string): void {
  const [pair = ''] = header.split(';', 1)
  const at = pair.indexOf('=')
  const value = pair.slice(at + 1)
  if (value === '') cookies.delete(pair.slice(0, at))
  else cookies.set(pair.slice(0, at), value)
}

function wordsOf(html: string): string {
  return html
    .replace(/<(script|style)[\s\S]*?<\/\1>/g, ' ')
    .replace(/<[^<>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 300)
}
