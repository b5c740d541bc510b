import { explainCommand } from '../../../src/cli/explain-command.js'
import type { Trait } from './case.js'
import { requestOf, serverOf } from './request-of.js'
import type { TableStand } from './stand.js'
import type { Way } from './way.js'

/** Written by the command itself. */
const written: ReadonlySet<string> = new Set(['content-type', 'accept', 'authorization'])

/** `mcp-authz explain` with a file of the message and one of the token. */
export function explainWay(stand: TableStand): Way {
  return {
    name: 'explain',
    traits: new Set<Trait>(['explain']),
    async ask(one) {
      const { request, credentials } = await requestOf(one, stand)
      const usual = new Set((await requestOf({ ...one, headers: [] }, stand)).request.headers.map(([name]) => name))
      const own = request.headers.filter(([name]) => !written.has(name) || !usual.has(name))
      const changed = (one.headers ?? []).some(([name]) => written.has(name.toLowerCase()))
      const bound = one.who === 'alice with a key'
      if (one.max !== undefined || stand.snapshot.servers.byName(serverOf(one)) === undefined) return undefined
      if (request.method !== 'POST' || request.body === undefined || changed || bound) return undefined
      if (request.target !== `/${serverOf(one)}`) return undefined
      const message = stand.write('message.json', request.body)
      const flags = credentials.token === undefined ? [] : ['--token-file', stand.write('token', credentials.token)]
      for (const [name, value] of own) flags.push('--header', `${name}=${value}`)
      const lines: string[] = []
      await explainCommand.run(
        ['--policies', stand.directory, '--server', serverOf(one), '--request', message, ...flags, '-o', 'json'],
        { out: text => lines.push(text), err: () => undefined, env: {}, signal: new AbortController().signal },
      )
      const { outcome, failure, would, answer } = JSON.parse(lines.join('\n'))
      const set: readonly { readonly name: string; readonly value: string }[] = answer.setHeaders ?? []
      return {
        outcome,
        reason: failure?.reason ?? '',
        would: would.map((denied: { readonly reason: string }) => denied.reason),
        server: answer.kind === 'allow' ? new Map(set.map(({ name, value }) => [name, [value]])) : undefined,
      }
    },
  }
}
