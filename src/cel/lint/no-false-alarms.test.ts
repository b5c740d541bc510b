import { describe, expect, it } from 'vitest'
import { createCelEnvironment } from '../create-environment.js'
import { encodersExamples } from '../library/examples/encoders.js'
import { formatExamples } from '../library/examples/format.js'
import { jsonPatchExamples } from '../library/examples/jsonpatch.js'
import { listsExamples } from '../library/examples/lists.js'
import { mathExamples } from '../library/examples/math.js'
import { networkExamples } from '../library/examples/network.js'
import { optionalsExamples } from '../library/examples/optionals.js'
import { quantityExamples } from '../library/examples/quantity.js'
import { regexExamples } from '../library/examples/regex.js'
import { semverExamples } from '../library/examples/semver.js'
import { stringsExamples } from '../library/examples/strings.js'
import { urlExamples } from '../library/examples/url.js'
import { facts, variables } from './lint.fixture.js'

const environment = createCelEnvironment(variables)

/** Examples read no variables, so that their conditions are always one or the other. */
const examples = [
  ...encodersExamples,
  ...formatExamples,
  ...jsonPatchExamples,
  ...listsExamples,
  ...mathExamples,
  ...networkExamples,
  ...optionalsExamples,
  ...quantityExamples,
  ...regexExamples,
  ...semverExamples,
  ...stringsExamples,
  ...urlExamples,
]
  .filter(({ result }) => result !== 'error')
  .flatMap(({ example, result }) => [example, result])

/** As people write them, from guides to admission policies and to tokens. */
const written = [
  "has(claims.act) ? claims.act.sub : has(claims.azp) ? claims.azp : has(claims.client_id) ? claims.client_id : ''",
  "claims.?email_verified.orValue(false) && claims.email.endsWith('@example.com')",
  '!has(args.scale) || args.scale <= 5',
  '!has(args.spec) || !has(args.spec.privileged) || args.spec.privileged == false',
  "args.path.startsWith('/public/') && !args.path.contains('..')",
  'args.containers.all(c, !has(c.securityContext) || !has(c.securityContext.privileged) || !c.securityContext.privileged)',
  "args.containers.map(c, c.image).all(i, i.startsWith('registry.example.com/') || i.startsWith('ghcr.io/acme/'))",
  "request.time.getHours('Europe/Berlin') >= 8 && request.time.getHours('Europe/Berlin') < 18",
  "request.time.getDayOfWeek('Europe/Berlin') in [1, 2, 3, 4, 5]",
  "!(mcp.tool.access in ['write', 'delete']) || 'sre' in user.groups",
  "mcp.tool.access == 'read' || mcp.tool.access == 'write' && user.groups.exists(g, g.startsWith('team-'))",
  "size(args.name) > 0 && size(args.name) <= 63 && args.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
  "args.tags.all(t, t.matches('^[a-z]+=[a-z0-9.-]*$'))",
  "url(args.url).getHostname() in ['example.com', 'www.example.com'] && url(args.url).getScheme() == 'https'",
  "cidr('10.0.0.0/8').containsIP(args.address)",
  "quantity(args.memory).isLessThan(quantity('2Gi'))",
  "args.labels.all(k, v, k.startsWith('example.com/') || v != '')",
  'args.labels.transformMap(k, v, v.lowerAscii()).size() > 0',
  "'files:write' in scopes || scopes.exists(s, s.startsWith('files:admin:'))",
  'has(args.dryRun) && args.dryRun ? true : size(images) == 0',
  'args.count >= 1 && args.count <= 10 && args.count != 7',
  "args.kind == 'a' || args.kind == 'b' || args.kind in ['c', 'd']",
  'args.a != null && args.a != ""',
  "text.startsWith('system:') || text.endsWith('.svc') || text.contains('@')",
]

describe('no false alarms', () => {
  it.each(examples)('in the example %s', source => {
    const codes = environment.lint(source, 'dyn', facts).map(({ code }) => code)
    expect(codes.filter(code => code !== 'always-true' && code !== 'always-false')).toEqual([])
  })

  it.each(written)('in %s', source => {
    expect(environment.compile(source)).toMatchObject({ ok: true })
    expect(environment.lint(source, 'dyn', facts)).toEqual([])
  })

  it.each(written)('formats %s', source => {
    const text = environment.format(source)
    expect(environment.compile(text)).toMatchObject({ ok: true })
    expect(environment.format(text)).toBe(text)
    const narrow = environment.format(source, 40)
    expect(environment.format(narrow, 40)).toBe(narrow)
    expect(environment.format(narrow)).toBe(text)
  })
})
