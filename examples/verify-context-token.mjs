// For MCP servers behind mcp-authz: who makes which call, proven by the token in x-mcp-authz-context. Needs only jose.
//
//   const verify = createContextVerifier({ jwksUrl, issuer, audience, server })
//   const context = await verify(request.headers['x-mcp-authz-context'], body)   // body: its bytes; throws if it is not that call
//   context.sub, context.agent, context.act, context.user.groups, context.txn (the decision id)
import { createHash } from 'node:crypto'
import { createRemoteJWKSet, jwtVerify } from 'jose'

const digest = data => `sha256:${createHash('sha256').update(data).digest('hex')}`

/** The canonical form of RFC 8785, of what JSON.parse gives. */
const canonical = value => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  const members = Object.keys(value).sort()
  return `{${members.map(name => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`
}

export function createContextVerifier({ jwksUrl, issuer, audience, server }) {
  const keys = createRemoteJWKSet(new URL(jwksUrl))
  const required = { issuer, audience, typ: 'txntoken+jwt', algorithms: ['ES256', 'EdDSA'], clockTolerance: 5 }
  return async (token, body) => {
    const { payload } = await jwtVerify(String(token), keys, { ...required, requiredClaims: ['exp', 'sub', 'txn'] })
    const { method = '', params = {} } = body.length === 0 ? {} : JSON.parse(body)
    const must = (holds, what) => {
      if (!holds) throw new Error(`the context token is for another ${what}`)
    }
    must(payload.server === server, 'server')
    must(payload.method === method, 'method')
    if (method === 'tools/call') {
      must(payload.tool === params.name, 'tool')
      must(payload.args_digest === digest(canonical(params.arguments ?? {})), 'call: the arguments differ')
    }
    // Stricter than the arguments: leave it out where something on the way writes the JSON anew.
    must(payload.body_digest === (body.length === 0 ? undefined : digest(body)), 'message')
    return payload
  }
}
