/** Splits a resource URL of the configuration (never of a request). Returns what is wrong with it as a string. */
export function readResource(resource: string): { origin: string; host: string; path: string } | string {
  let url: URL
  try {
    url = new URL(resource)
  } catch {
    return 'not a URL'
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'not an http or https URL'
  if (url.username !== '' || url.password !== '' || url.hash !== '' || url.search !== '' || resource.includes('?')) {
    return 'a resource has no user, query or fragment (RFC 8707, section 2)'
  }
  const authority = resource.slice(resource.indexOf('//') + 2)
  const slash = authority.indexOf('/')
  const path = slash === -1 ? '/' : authority.slice(slash)
  if (path !== url.pathname) return 'the path is not in its plain form: no dot segments, escapes or blanks'
  if (path.length > 1 && path.endsWith('/')) return 'the path ends in "/"'
  return { origin: `${url.protocol}//${url.host}`, host: url.host, path }
}

/** What is wrong with a path of the configuration; requests are compared with it as they are. */
export function pathProblem(path: string): string | undefined {
  const address = path.startsWith('/') ? readResource(`http://localhost${path}`) : 'a path begins with "/"'
  return typeof address === 'string' ? address : undefined
}
