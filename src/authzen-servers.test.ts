import { describe, expect, it } from 'vitest'
import { policyDocument } from '../test/support/judge.js'
import { memorySource, namesAsTokens, storeOf } from '../test/support/policies.js'
import { findAskedServer, missingServers } from './authzen-servers.js'

const document = policyDocument('Server', 'files', { resource: 'https://files.example.com/mcp' })
const store = storeOf([memorySource({ 'server.yaml': document })], namesAsTokens({}))
store.load()
if (store.current === undefined) throw new Error('the policies do not compile')
const { servers } = store.current

const missing = (server?: string) =>
  missingServers([{ name: 'a' }, { name: 'b', authzen: server === undefined ? {} : { server } }], servers)

describe('the Server of a listener for AuthZEN', () => {
  it.each([
    ['not said', undefined],
    ['a name', 'files'],
    ['a resource', 'https://files.example.com/mcp'],
  ])('may be %s', (_how, server) => {
    expect(missing(server)).toEqual([])
    if (server !== undefined) expect(findAskedServer(servers, server)?.name).toBe('files')
  })

  it.each([
    ['another one', 'tickets', 'add the document or change the name'],
    ['one in other case', 'Files', 'did you mean "files"?'],
    ['a name with a slip', 'flies', 'did you mean "files"?'],
    ['another path', 'https://files.example.com/mcp/', 'did you mean "https://files.example.com/mcp"?'],
    ['empty', '', 'add the document'],
  ])('is missed when it is %s', (_how, server, hint) => {
    const [line = '', ...more] = missing(server)
    expect(line).toContain(`authzen: the listener b is for the Server "${server}", which does not exist (${hint}`)
    expect(more).toEqual([])
  })
})
