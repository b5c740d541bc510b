import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A token file for one gateway; `remove` it when done. */
export function temporaryToken(): { readonly tokenFile: string; readonly token: string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'authzen-'))
  const tokenFile = join(directory, 'token')
  const token = 'gateway-0123456789abcdef0123456789abcdef'
  writeFileSync(tokenFile, `${token}\n`)
  return { tokenFile, token, remove: () => rmSync(directory, { recursive: true, force: true }) }
}
