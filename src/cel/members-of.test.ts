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
  ['args.?amount.orValue(0) <= 100', ['args:amount']],
  ['args[?"amount"].hasValue()', ['args:amount']],
  ['args.?order.?amount.orValue(0) <= 1', ['args:order', 'args.order:amount']],
  ['args[?"order"].amount.orValue(0) <= 1', ['args:order', 'args.order:amount']],
  ['args.?order.orValue({}).amount <= 1', ['args:order', 'args.order:amount']],
  ['args.?sum.or(args.?total).orValue(args.amount) <= 1', ['args:sum', 'args:total', 'args:amount']],
  ['args.?order.optMap(o, o.amount).orValue(0) <= 1', ['args:order', 'args.order:amount']],
  [
    'args.?order.optFlatMap(o, o.?line).orValue({}).amount <= 1',
    ['args:order', 'args.order:line', 'args.order.line:amount'],
  ],
  ['optional.of(args).optMap(a, a.amount).hasValue()', ['args:amount']],
  ['dyn(args).amount <= 1', ['args:amount']],
  ['cel.bind(a, args, a.amount > 1)', ['args:amount']],
  ['cel.bind(o, args.order, o.?amount.hasValue())', ['args:order', 'args.order:amount']],
  ['cel.bind(k, "amount", k in args)', ['args:amount']],
  ['cel.bind(k, user.admin ? "a" : "b", args[k] == 1)', ['user:admin', 'args:a', 'args:b']],
  ['cel.bind(a, args, a.exists(k, k == "force"))', ['args:force']],
  ['cel.bind(user, args, user.amount > 1)', ['args:amount']],
  ['args.transformList(k, v, k == "force", v).size() > 0', ['args:force']],
  ['operations.sortBy(o, o.name).size() > 0', ['operations.*:name']],
])('%s asks for %j', (source, expected) => {
  expect([...new Set(membersOf(source))].sort()).toEqual([...expected].sort())
})

// What stands behind `orValue` may be an argument, and must not be taken for something that no caller can spell.
it.each<[string, readonly string[]]>([
  ['user.?order.orValue(args).amount <= 1', ['user:order', ':amount']],
  ['user.?order.or(args.?order).value().amount <= 1', ['user:order', 'args:order', ':amount']],
  ['user.?order.or(optional.none()).value().amount <= 1', ['user:order', 'user.order:amount']],
  ['args.?order.orValue(args.order).amount <= 1', ['args:order', 'args.order:amount']],
  ['user.?a.optMap(a, args).orValue({}).amount <= 1', ['user:a', 'args:amount']],
])('%s asks for %j', (source, expected) => {
  expect([...new Set(membersOf(source))].sort()).toEqual([...expected].sort())
})
