import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { rawPost } from '../../../src/demo/raw-post.js'
import { corpusHeader } from '../servers/reading-server.js'
import { bodyBytes, serverOf } from '../support/case-request.js'
import { loadCorpus } from '../support/load-corpus.js'
import { type CorpusStand, startCorpusStand } from './corpus-stand.js'
import { reasonOf } from './denial.js'

let stand: CorpusStand
beforeAll(async () => {
  stand = await startCorpusStand()
})
afterAll(() => stand?.stop())
beforeEach(() => stand.cluster.forgetRequests())

const pods = '/api/v1/namespaces/team-a/pods'
const scale = '/apis/apps/v1/namespaces/team-a/deployments/web/scale'

/** Sends a call for kubernetes-mcp-server through Envoy and tells what it did to its cluster. */
function call(params: string): Promise<{ readonly reason: string | undefined; readonly did: string[] }> {
  return post('/open', `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`)
}

async function post(path: string, body: string): ReturnType<typeof call> {
  const { authority, token } = stand.place
  const answer = await rawPost({
    url: `http://${authority}${path}`,
    ...{ token, body },
    headers: { [corpusHeader]: 'kubernetes.0' },
  })
  const did = stand.cluster.requests.filter(({ path }) => path.includes('/namespaces/'))
  return {
    reason: reasonOf({ status: answer.status, body: answer.body, headers: new Map() }),
    did: did.map(({ method, path }) => `${method} ${path}`),
  }
}

const scaled = (value: string): string =>
  `{"name":"resources_scale","arguments":{"apiVersion":"apps/v1","kind":"Deployment","namespace":"team-a","name":"web","scale":${value}}}`

describe('what kubernetes-mcp-server does is what we read', () => {
  it.each([
    { what: 'plain', params: '{"name":"pods_list_in_namespace","arguments":{"namespace":"team-a"}}' },
    {
      what: 'escaped',
      params: '{"n\\u0061me":"pods\\u005flist_in_namespace","arguments":{"namespac\\u0065":"team\\u002da"}}',
    },
    {
      what: 'with a key of other letters',
      params: '{"name":"pods_list_in_namespace","arguments":{"nаmespace":"team-b","namespace":"team-a"}}',
    },
  ])('$what', async ({ params }) => {
    expect(await call(params)).toEqual({ reason: undefined, did: [`GET ${pods}`] })
  })

  it.each([
    { value: '3', replicas: 3 },
    { value: '4.0', replicas: 4 },
    { value: '5e0', replicas: 5 },
    { value: '0.2e1', replicas: 2 },
  ])('the number $value', async ({ value, replicas }) => {
    const { reason, did } = await call(scaled(value))
    expect(reason).toBeUndefined()
    expect(did).toContain(`PUT ${scale}`)
    expect(stand.cluster.replicasOf('team-a', 'web')).toBe(replicas)
  })

  it.each([
    {
      what: 'a name twice',
      params: '{"name":"pods_list","name":"pods_delete","arguments":{}}',
      reason: 'message.duplicate_key',
    },
    {
      what: 'an argument twice',
      params: '{"name":"pods_list_in_namespace","arguments":{"namespace":"team-a","namespace":"team-b"}}',
      reason: 'message.duplicate_key',
    },
    {
      what: 'a name in two cases',
      params: '{"name":"pods_list","Name":"pods_delete","arguments":{}}',
      reason: 'message.folded_key',
    },
    { what: 'a number beyond 64 bits', params: scaled('99999999999999999999'), reason: 'message.number_range' },
  ])('$what: refused, and it did nothing', async ({ params, reason }) => {
    expect(await call(params)).toEqual({ reason, did: [] })
  })
})

const cases = loadCorpus().filter(one => serverOf(one) === 'kubernetes' && 'allow' in one.expect)

describe('what the corpus allows stays within the namespaces that it names', () => {
  it.each(cases.map(one => [one.name, one] as const))('%s', async (_name, { request }) => {
    const body = bodyBytes(request?.body ?? '').toString('utf8')
    const { reason, did } = await post('/kubernetes', body)
    expect(reason).toBeUndefined()
    const touched = did.map(line => /\/namespaces\/([^/]*)/.exec(line)?.[1] ?? '')
    expect(touched.filter(namespace => !body.includes(namespace))).toEqual([])
  })
})
