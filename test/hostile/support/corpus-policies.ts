import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const directory = join(import.meta.dirname, '..', 'policies')

/** The policies of the corpus by file name, with this place's issuer and origin in place of those in the documents. */
export function corpusPolicies(place?: { readonly issuer: string; readonly origin: string }): Record<string, string> {
  const names = readdirSync(directory).filter(name => name.endsWith('.yaml'))
  return Object.fromEntries(
    names.map(name => {
      const text = readFileSync(join(directory, name), 'utf8')
      if (place === undefined) return [name, text]
      const moved = text.replaceAll('https://mcp.example.com', place.origin)
      return [name, moved.replaceAll('https://idp.example.com', place.issuer)]
    }),
  )
}
