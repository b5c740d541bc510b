import { describe, expect, it } from 'vitest'
import { denialModes } from '../policy/server.js'
import {
  type DenialFacts,
  denialEras,
  denialForm,
  denialTransports,
  failureClasses,
  messageKinds,
} from './denial-table.js'

/**
 * Every denial there is. A row holds for what each of its columns names, `*` for all; every combination belongs to exactly
 * one row, and every row to some combination, so that a new kind of anything fails here until somebody says how it is
 * answered.
 */
const table = `
class              message                    era             transport   mode                                status body        code
shape              *                          *               *           *                                   400    error       -32600
address            *                          *               *           *                                   403    error       -31403
unauthenticated    *                          *               *           *                                   401    error       -31401
insufficientScope  *                          *               *           *                                   403    error       -31403
dependency         *                          *               *           *                                   503    error       -31503
method             toolsCall,request          legacy,unknown  streamable  *                                   200    error       -32601
method             toolsCall,request          modern          streamable  *                                   404    error       -32601
method             toolsCall,request          *               sse         *                                   400    error       -32601
method             notification,response      *               *           *                                   403    error       -32601
method             stream,close,preflight     *               *           *                                   403    error       -32601
method             body,unread                *               *           *                                   403    error       -32601
policy             toolsCall                  *               streamable  toolError                           200    toolResult  -
policy             request                    *               streamable  toolError                           200    error       -31403
policy             toolsCall,request          *               streamable  jsonrpcError                        200    error       -31403
policy             toolsCall,request          *               streamable  http403                             403    error       -31403
policy             toolsCall,request          *               streamable  hide                                200    hidden      -
policy             toolsCall,request          *               sse         toolError,jsonrpcError,http403      403    error       -31403
policy             toolsCall,request          *               sse         hide                                400    hidden      -
policy             notification,response      *               *           *                                   403    error       -31403
policy             stream                     *               streamable  *                                   405    error       -31403
policy             stream                     *               sse         *                                   403    error       -31403
policy             close,preflight            *               *           *                                   403    error       -31403
policy             body,unread                *               *           *                                   403    error       -31403
`

const rows = table
  .trim()
  .split('\n')
  .slice(1)
  .map(line => {
    const [failure = '', message = '', era = '', transport = '', mode = '', status, body, code] = line.split(/ +/)
    return { line, columns: { failure, message, era, transport, mode }, form: `${status} ${body} ${code}` }
  })

const combinations: DenialFacts[] = failureClasses.flatMap(failure =>
  messageKinds.flatMap(message =>
    denialEras.flatMap(era =>
      denialTransports.flatMap(transport => denialModes.map(mode => ({ failure, message, era, transport, mode }))),
    ),
  ),
)

function rowsOf(facts: DenialFacts): typeof rows {
  return rows.filter(({ columns }) =>
    (['failure', 'message', 'era', 'transport', 'mode'] as const).every(
      column => columns[column] === '*' || columns[column].split(',').includes(facts[column]),
    ),
  )
}

describe('the table of denials', () => {
  it('has one row for every combination, and none for nothing', () => {
    const used = new Set<string>()
    for (const facts of combinations) {
      const found = rowsOf(facts)
      expect(
        found.map(({ line }) => line),
        JSON.stringify(facts),
      ).toHaveLength(1)
      for (const { line } of found) used.add(line)
    }
    expect(rows.filter(({ line }) => !used.has(line))).toEqual([])
  })

  it('is what is answered', () => {
    for (const facts of combinations) {
      const form = denialForm(facts)
      const code = form.body === 'error' ? form.code : '-'
      expect(`${form.status} ${form.body} ${code}`, JSON.stringify(facts)).toBe(rowsOf(facts)[0]?.form)
    }
  })

  it('lets the reader of a broken message say status and code, and nobody else', () => {
    const stated = { status: 413, code: -32700 }
    for (const facts of combinations) {
      const { status } = denialForm(facts, stated)
      if (facts.failure === 'shape') expect(denialForm(facts, stated)).toEqual({ body: 'error', ...stated })
      else if (facts.failure !== 'address') expect(status).toBe(denialForm(facts).status)
    }
  })

  it('never leaves a client of the old transport waiting: nothing there is answered 200', () => {
    for (const facts of combinations) if (facts.transport === 'sse') expect(denialForm(facts).status).not.toBe(200)
  })

  it('answers 200 only to what has an id to be answered', () => {
    for (const facts of combinations) {
      if (denialForm(facts).status === 200) expect(['toolsCall', 'request']).toContain(facts.message)
    }
  })

  it('has no code that clients take for an HTTP status, nor one that the specification reserves', () => {
    for (const facts of combinations) {
      const form = denialForm(facts)
      if (form.body === 'error') expect([-31403, -31401, -31503, -32600, -32601]).toContain(form.code)
    }
  })
})
