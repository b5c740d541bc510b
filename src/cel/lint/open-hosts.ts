import type { CallExpr } from '../syntax/ast.js'
import { walk } from '../syntax/walk.js'
import { type LintSubject, textOf } from './lint-subject.js'

/** Endings by which a text is taken for the name of a host; `main.py` and `app.kubernetes` are none. */
const topLevels =
  'com|net|org|io|dev|app|ai|co|cloud|eu|de|uk|us|fr|nl|ch|at|jp|cn|gov|edu|mil|int|info|tech|internal|local|lan|corp|test|example|svc'
const host = `(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\\.)+(?:${topLevels})`
const endsWithHost = new RegExp(`^(?:[a-z][a-z0-9+-]*://)?${host}(?::[0-9]+)?$`, 'i')
const beginsWithHost = new RegExp(`^${host}$`, 'i')

/** Names of hosts go on: `registry.example.com` begins `registry.example.com.evil.io`, and ends `evil-registry.example.com`. */
export function openHosts(subject: LintSubject): void {
  walk(subject.expr, node => {
    if (node.kind !== 'call' || node.target === undefined) return
    const text = textOf(node.args[0])
    // No host is that long, and the expressions above need not look at it.
    if (text === undefined || text.length > 300) return
    const found = judge(node, text)
    if (found !== undefined) subject.report('open-host', node, found.message, found.hint)
  })
}

function judge({ name }: CallExpr, text: string): { readonly message: string; readonly hint: string } | undefined {
  switch (name) {
    case 'startsWith':
      if (!endsWithHost.test(text)) return undefined
      return { message: `'${text}.evil.io' begins with this, too`, hint: `close the name: startsWith('${text}/')` }
    case 'endsWith':
      if (!beginsWithHost.test(text)) return undefined
      return {
        message: `'evil${text}' ends with this, too`,
        hint: `begin with what stands before it: '.${text}', '@${text}', or compare the whole with ==`,
      }
    case 'contains':
      if (!endsWithHost.test(text)) return undefined
      return {
        message: `this may stand anywhere: 'evil.io/${text}' holds it, too`,
        hint: `write startsWith('${text}/'), or compare the host: url(…).getHostname() == '${text}'`,
      }
    default:
      return undefined
  }
}
