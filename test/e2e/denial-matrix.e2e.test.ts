import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rawPost } from '../../src/demo/raw-post.js'
import { denialModes } from '../../src/policy/server.js'
import { errorOf } from './support/answers.js'
import {
  type MatrixClient,
  type Outcome,
  type Plan,
  pythonSdk,
  type Step,
  sdkV1,
  sdkV2,
} from './support/matrix-client.js'
import { toolsCall } from './support/messages.js'
import { type Stand, type StandOptions, startStand } from './support/stand.js'
import { switchPolicies } from './support/switch-policies.js'

const head = 'apiVersion: mcp-authz.dev/v1alpha1'

/** One tool is given, nothing else; a Guardrail denies methods that need no giving. */
function policies(catalog: string, tool: string, denial: string, methods: readonly string[]): string {
  return `
${head}
kind: Server
metadata: { name: srv }
spec: { resource: "https://mcp.example.com/mcp", catalog: ${catalog}, require: [grants], denial: ${denial}, kubernetes: { defaultNamespace: team-a } }
---
${head}
kind: Grant
metadata: { name: staff }
spec: { match: { servers: [srv], tools: [${tool}], subjects: [{ kind: Group, name: team-a-developers }] } }
---
${head}
kind: Guardrail
metadata: { name: closed }
spec:
  match: { servers: [srv], methods: ${JSON.stringify(methods)} }
  validations: [{ expression: "false", message: closed for today, hint: Come back tomorrow. }]
`
}

interface Place {
  readonly upstream: NonNullable<StandOptions['upstream']>
  readonly catalog: string
  readonly plan: Plan
  readonly clients: Readonly<Record<string, MatrixClient>>
}

const places: readonly Place[] = [
  {
    upstream: 'everything',
    catalog: 'server-everything',
    plan: { denied: { name: 'get-env', arguments: {} }, allowed: { name: 'get-sum', arguments: { a: 2, b: 3 } } },
    clients: {
      'SDK v1': sdkV1,
      'SDK v2, legacy': sdkV2('legacy'),
      'SDK v2, falling back': sdkV2('auto'),
      'Python SDK, legacy': pythonSdk('legacy'),
      'Python SDK, falling back': pythonSdk('auto'),
    },
  },
  {
    upstream: 'kubernetes-stateless',
    catalog: 'kubernetes-mcp-server',
    plan: {
      denied: { name: 'pods_delete', arguments: { name: 'web-1' } },
      allowed: { name: 'pods_list_in_namespace', arguments: { namespace: 'team-a' } },
    },
    clients: {
      'SDK v1': sdkV1,
      'SDK v2, modern': sdkV2('auto'),
      'Python SDK, modern': pythonSdk('auto'),
    },
  },
]

/** What nobody's SDK waits longer for than its own time-out. */
const prompt = 5_000

describe.each(places)('clients of $upstream', ({ upstream, catalog, plan, clients }) => {
  let stand: Stand
  let token: string
  beforeAll(async () => {
    stand = await startStand({
      upstream,
      serverName: 'srv',
      policies: demo => ({
        'identity.yaml': demo['identity.yaml'] ?? '',
        'server.yaml': policies(catalog, plan.allowed.name, 'toolError', ['nothing/yet']),
      }),
    })
    token = await stand.idp.login('alice')
  })
  afterAll(() => stand?.stop())

  const switchTo = (denial: string, methods: readonly string[]) =>
    switchPolicies(stand, 'server.yaml', policies(catalog, plan.allowed.name, denial, methods), () =>
      rawPost({ url: stand.url, token, body: toolsCall(plan.denied.name, {}) }),
    )

  describe.each(denialModes)('denial: %s', mode => {
    describe('in a session', () => {
      // Not tools/list: the Python SDK asks for it by itself after a call, and throws if it may not.
      beforeAll(() => switchTo(mode, ['prompts/list', 'notifications/roots/list_changed', 'GET', 'DELETE']))

      it.each(Object.entries(clients))('%s gets every denial at once, and goes on', async (_name, client) => {
        const outcomes = await client(stand.url, token, plan)
        const of = (step: Step): Outcome => {
          const found = outcomes.find(one => one.step === step)
          if (found === undefined) throw new Error(`no step ${step} in ${JSON.stringify(outcomes)}`)
          return found
        }
        for (const outcome of outcomes) expect(outcome.ms, outcome.step).toBeLessThan(prompt)
        expect(of('connect'), of('connect').text).toMatchObject({ kind: 'ok' })
        expect(of('allowed'), of('allowed').text).toMatchObject({ kind: 'ok' })
        expect(outcomes.at(-1)?.step).toBe('close')

        const shown: [Step, RegExp][] =
          mode === 'hide'
            ? [
                ['denied', /unknown tool|not found/i],
                ['prompt', /unknown prompt|not found/i],
                ['resource', /not found/i],
                ['list', /not found/i],
              ]
            : [
                ['denied', /authorization\.grant/],
                ['prompt', /authorization\.(?:grant|tool_unknown)/],
                ['resource', /authorization\.grant/],
                ['list', /guardrail\.violated/],
              ]
        for (const [step, text] of shown) expect(of(step).text, step).toMatch(text)
        if (mode !== 'hide') expect(of('list').text).toContain('Come back tomorrow.')
        // What the model gets to read as a result, and what is an exception of the program.
        const asResult = mode === 'toolError' || (mode === 'hide' && upstream === 'everything')
        expect(of('denied').kind).toBe(asResult ? 'toolError' : 'error')
        for (const step of ['prompt', 'resource', 'list'] as const) expect(of(step).kind, step).toBe('error')
      })

      it.each([
        ['GET', '', 405],
        ['DELETE', '', 403],
        ['POST', '{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}', 403],
      ])('what has nowhere to put an answer gets a status: %s %s', async (method, body, status) => {
        const answer = await rawPost({ url: stand.url, token, method, body, headers: { 'mcp-session-id': 'any' } })
        expect(answer.status).toBe(status)
        expect(errorOf(answer).data.reason).toBe('guardrail.violated')
      })
    })

    describe('at the door', () => {
      beforeAll(() => switchTo(mode, ['initialize', 'server/discover']))

      it.each(Object.entries(clients))('%s is told at once', async (name, client) => {
        const outcomes = await client(stand.url, token, plan)
        expect(outcomes).toHaveLength(1)
        const [{ step, kind, text, ms } = { step: '', kind: '', text: '', ms: 0 }] = outcomes
        expect({ step, kind }).toEqual({ step: 'connect', kind: 'error' })
        expect(ms).toBeLessThan(prompt)
        // SDK v2 tells its status only, where a modern server refuses the probe of a new session.
        const probed = mode === 'http403' && name.startsWith('SDK v2') && name !== 'SDK v2, legacy'
        expect(text).toMatch(mode === 'hide' ? /not found/i : probed ? /HTTP 403/ : /guardrail\.violated/)
      })
    })
  })
})
