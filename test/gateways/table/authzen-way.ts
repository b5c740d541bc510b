import { decodeJwt } from 'jose'
import { createAuthzenDoor } from '../../../src/doors/http/authzen/authzen-door.js'
import { authzenRequest } from '../../authzen/authzen-request.js'
import { postTo } from '../../authzen/post-to.js'
import { temporaryToken } from '../../authzen/temporary-token.js'
import { headerMap } from '../gateway.js'
import type { Trait } from './case.js'
import { requestOf, serverOf } from './request-of.js'
import type { TableStand } from './stand.js'
import type { Way } from './way.js'

/** Of the message itself: whoever asks by AuthZEN has dealt with them. */
const ofTheMessage: ReadonlySet<string> = new Set(['content-type', 'content-length', 'host', 'authorization'])

/** A gateway that speaks AuthZEN, asking over HTTP. */
export async function authzenWay({ snapshot, decide, ...stand }: TableStand): Promise<Way> {
  const { tokenFile, token, remove } = temporaryToken()
  const door = createAuthzenDoor({
    decide,
    listener: { name: 'authzen', trust: 'none', address: { kind: 'tcp', host: '127.0.0.1', port: 0 }, tokenFile },
    findServer: id => {
      const server = snapshot.servers.byName(id)
      return server && { name: server.name, authority: server.host, path: server.path, protocol: server.protocol }
    },
    onError: () => undefined,
  })
  const address = await door.start()
  door.setReady(true)
  return {
    name: 'AuthZEN',
    traits: new Set<Trait>(['AuthZEN']),
    async ask(one) {
      const { request, credentials } = await requestOf(one, { snapshot, decide, ...stand })
      if (one.max !== undefined || headerMap(request).get('authorization')?.[1] !== undefined) return undefined
      if (request.method !== 'POST' || request.body === undefined || request.target !== `/${serverOf(one)}`)
        return undefined
      const own = request.headers.filter(([name]) => !ofTheMessage.has(name.toLowerCase()))
      const dpop = request.headers.some(([name, value]) => name === 'authorization' && value.startsWith('DPoP '))
      const names = new Set(own.map(([name]) => name.toLowerCase()))
      if (names.has('content-encoding') || names.size < own.length || isOtherType(request.headers)) return undefined
      const evaluation = authzenRequest({
        ...{ server: serverOf(one), body: request.body, token: credentials.token },
        subject: subjectOf(credentials.token),
        headers: Object.fromEntries(own.map(([name, value]) => [name.toLowerCase(), value])),
      })
      if (evaluation === undefined) return undefined
      const asked = dpop
        ? evaluation.replace('"properties":{"access_token"', '"properties":{"token_type":"DPoP","access_token"')
        : evaluation
      const answer = await postTo(address, '/access/v1/evaluation', asked, { authorization: `Bearer ${token}` })
      if (answer.status === 400) return undefined
      const { decision, context } = JSON.parse(answer.body)
      return {
        outcome: decision ? 'allow' : 'deny',
        reason: context.reason ?? '',
        would: context.would_deny ?? [],
        server: undefined,
      }
    },
    async stop() {
      await door.stop()
      remove()
    },
  }
}

function isOtherType(headers: readonly (readonly [string, string])[]): boolean {
  return headers.some(([name, value]) => name.toLowerCase() === 'content-type' && value !== 'application/json')
}

function subjectOf(token: string | undefined): string {
  try {
    return decodeJwt(token ?? '').sub ?? 'unknown'
  } catch {
    return 'unknown'
  }
}
