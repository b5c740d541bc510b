import { expect, it } from 'vitest'
import { createCelEnvironment } from './create-environment.js'

const environment = createCelEnvironment({ args: 'map', user: 'map', operations: 'list' })

const membersOf = (source: string) => {
  const compiled = environment.compile(source)
  if (!compiled.ok) throw new Error(compiled.error.message)
  return compiled.program.members.map(({ name, of }) => `${of.join('.')}:${name}`)
}

it.each<[string, readonly string[]]>([
  ['args.amount <= 100', ['args:amount']],
  ['!has(args.amount)', ['args:amount']],
  ['args["amount"] == 1', ['args:amount']],
  ['"amount" in args', ['args:amount']],
  ['args.order.amount <= 1', ['args:order', 'args.order:amount']],
  ['has(args.order.amount)', ['args:order', 'args.order:amount']],
  ['args["order"].amount <= 1', ['args:order', 'args.order:amount']],
  ['args[user.name].amount <= 1', ['user:name', 'args.*:amount']],
  ['args.lines.all(l, l.amount <= 1)', ['args:lines', 'args.lines.*:amount']],
  ['operations.filter(o, o.verb == "get").all(p, p.name == "x")', ['operations.*:verb', 'operations.*:name']],
  ['operations.map(o, o.object).all(p, p.kind == "x")', ['operations.*:object', ':kind']],
  ['[user, args].all(x, x.amount <= 1)', [':amount']],
  ['(user.admin ? user : args).amount <= 1', ['user:admin', ':amount']],
  ['{"a": args}.a.amount <= 1', [':a', ':amount']],
  ['["force", "now"].exists(k, k in args)', ['args:force', 'args:now']],
  ['["force"].exists(k, args[k] == true)', ['args:force']],
  ['args.exists(k, k == "force")', ['args:force']],
  ['args.all(k, !(k in ["force", "now"]))', ['args:force', 'args:now']],
  ['args.all(k, v, v != "Secret")', []],
  ['args.kinds.all(k, k in ["Pod"])', ['args:kinds']],
  ['args.kind in ["Pod"]', ['args:kind']],
  ['user.groups.exists(args, args.amount == 1)', ['user:groups', 'user.groups.*:amount']],
  ['size(args.a.lowerAscii()) > 1', ['args:a']],
])('%s asks for %j', (source, expected) => {
  expect([...new Set(membersOf(source))].sort()).toEqual([...expected].sort())
})
