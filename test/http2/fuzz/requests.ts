import { message } from '../../../src/doors/grpc/native/raw-client.fixture.js'
import type { Random } from '../../fuzz/random.js'
import { metadataAnswer, paths, splitMessage } from './echo-service.js'
import type { Field } from './hpack-encoder.js'

/** What must come back. */
export type Expected =
  | { readonly kind: 'grpc'; readonly status: number; readonly body: Buffer }
  | { readonly kind: 'http'; readonly status: string }
  | { readonly kind: 'reset'; readonly code: number }

/** One request, with all that it says, and what must come of it. */
export interface RequestPlan {
  readonly name: string
  readonly fields: readonly Field[]
  readonly body: Buffer
  readonly trailers: readonly Field[] | undefined
  readonly expected: Expected
}

export function randomBytes(random: Random, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  // Not all of a large one needs to be different.
  for (let at = 0; at < length; at++) bytes[at] = at < 4096 ? random.int(256) : (bytes[at - 4093] ?? 0) ^ (at >>> 8)
  return bytes
}

/** Sizes around where something changes. */
export function messageSize(random: Random, most: number): number {
  const edges = [0, 1, 5, 100, 1024, 8187, 16378, 16379, 16380, 16384, 32768, 65530, 65536, 100_000, 262_144, 700_000]
  const size = random.chance(0.6) ? random.int(300) : random.pick(edges) + random.int(3)
  return Math.min(size, most)
}

const nameCharacters = 'abcdefghijklmnopqrstuvwxyz0123456789-_.'
const knownNames = ['user-agent', 'accept-language', 'x-request-id', 'traceparent', 'cookie', 'authorization', 'accept']

export function headerName(random: Random): string {
  if (random.chance(0.4)) return random.pick(knownNames)
  let name = 'x-'
  for (let left = 1 + random.int(random.chance(0.1) ? 120 : 10); left > 0; left--) {
    name += nameCharacters[random.int(nameCharacters.length)]
  }
  // These hold octets in base64, and are not for handlers.
  return name.endsWith('-bin') ? `${name}x` : name
}

/** Any octets that a value may hold, none that it may not, no space at either end. */
export function headerValue(random: Random): string {
  const octets: number[] = []
  const readable = random.chance(0.7)
  for (let left = random.int(random.chance(0.05) ? 5000 : 40); left > 0; left--) {
    octets.push(readable ? 0x21 + random.int(0x5e) : 0x80 + random.int(0x80))
  }
  const text = Buffer.from(octets).toString('latin1')
  return text.length > 4 && random.chance(0.3) ? `${text.slice(0, 2)} ${text.slice(2)}` : text
}

const grpc = (status: number, body: Buffer = Buffer.alloc(0)): Expected => ({ kind: 'grpc', status, body })

/** @param most bytes of a message */
export function randomRequest(random: Random, most: number): RequestPlan {
  const extra: Field[] = Array.from({ length: random.few(12) }, () => [headerName(random), headerValue(random)])
  const head = (path: string, more: readonly Field[] = [], method = 'POST', type = 'application/grpc'): Field[] => {
    const pseudo: Field[] = [
      [':method', method],
      [':scheme', random.chance(0.5) ? 'http' : 'https'],
      [':path', path],
      ...(random.chance(0.8) ? [[':authority', 'authz.example:50051'] as const] : []),
    ]
    // They may come in any order.
    pseudo.sort(() => random.int(3) - 1)
    const rest: Field[] = [
      ...(type === '' ? [] : [['content-type', type] as const]),
      ...(random.chance(0.8) ? [['te', 'trailers'] as const] : []),
      ...(random.chance(0.2) ? [['grpc-timeout', '30S'] as const] : []),
      ...extra,
      ...more,
    ]
    return [...pseudo, ...rest]
  }
  const trailers: Field[] | undefined = random.chance(0.1) ? [['x-trailer', headerValue(random)]] : undefined
  const bytes = () => randomBytes(random, messageSize(random, most))
  const plan = (name: string, fields: readonly Field[], body: Buffer, expected: Expected): RequestPlan => ({
    name,
    fields,
    body,
    trailers,
    expected,
  })
  const kind = random.int(24)
  if (kind <= 4) {
    const one = bytes()
    const path = random.pick([paths.unary, paths.unary, paths.later])
    const length: Field[] = random.chance(0.2) ? [['content-length', String(one.length + 5)]] : []
    return plan('echo', head(path, length), message(one), grpc(0, message(one)))
  }
  if (kind <= 8) {
    const names = [...new Set(extra.map(([name]) => name)), 'x-missing']
    const asked = Buffer.from(names.join('\n'), 'latin1')
    const first = (name: string) => extra.find(([known]) => known === name)?.[1]
    return plan('metadata', head(paths.metadata), message(asked), grpc(0, message(metadataAnswer(asked, first))))
  }
  if (kind <= 10) {
    const one = bytes()
    return plan('split', head(paths.split), message(one), grpc(0, Buffer.concat(splitMessage(one).map(message))))
  }
  if (kind <= 15) {
    const path = random.chance(0.5) ? paths.talk : paths.talkLater
    const body = Buffer.concat(Array.from({ length: random.int(8) }, () => message(bytes())))
    return plan('talk', head(path), body, grpc(0, body))
  }
  const small = randomBytes(random, random.int(200))
  switch (kind) {
    case 16:
      return plan('unknown method', head('/fuzz.Echo/None'), message(small), grpc(12))
    case 17:
      return random.chance(0.5)
        ? plan('GET', head(paths.unary, [], 'GET'), Buffer.alloc(0), { kind: 'http', status: '405' })
        : plan('text', head(paths.unary, [], 'POST', 'text/plain'), small, { kind: 'http', status: '415' })
    case 18: {
      const compressed = message(small)
      compressed[0] = 1
      return plan('compressed', head(paths.unary), compressed, grpc(12))
    }
    case 19:
      return random.chance(0.5)
        ? plan('two messages', head(paths.unary), Buffer.concat([message(small), message(small)]), grpc(13))
        : plan('no message', head(paths.split), Buffer.alloc(0), grpc(13))
    case 20: {
      const whole = message(Buffer.concat([small, Buffer.alloc(1)]))
      return plan('half a message', head(paths.unary), whole.subarray(0, whole.length - 1), grpc(13))
    }
    case 21: {
      const large = Buffer.from('0000500001', 'hex')
      return plan('too large', head(paths.unary), Buffer.concat([large, small]), grpc(8))
    }
    case 22:
      return random.chance(0.5)
        ? plan('no time', head(paths.unary, [['grpc-timeout', '0m']]).filter(notLong), message(small), grpc(4))
        : plan('odd time', head(paths.unary, [['grpc-timeout', '1 hour']]).filter(notLong), message(small), grpc(13))
    default: {
      const wrong: Field = random.pick<Field>([
        ['X-Upper', 'a'],
        ['connection', 'close'],
        ['transfer-encoding', 'chunked'],
        ['te', 'gzip'],
        [':path', '/again'],
        [':status', '200'],
        ['x-line', 'a\nb'],
        ['x-space', ' a'],
        ['', 'a'],
        ['content-length', 'many'],
        ['content-length', '7000'],
      ])
      return plan('malformed', head(paths.unary, [wrong]), message(small), { kind: 'reset', code: 1 })
    }
  }
}

const notLong = ([name, value]: Field) => name !== 'grpc-timeout' || value !== '30S'

export const textOf = (body: readonly Buffer[]): Buffer =>
  body.length === 1 ? (body[0] ?? Buffer.alloc(0)) : Buffer.concat(body)
