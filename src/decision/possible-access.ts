import type { UserInfo } from '../identity/principal.js'
import type { Server } from '../policy/server.js'
import type { Access, Authorizer, AuthorizerReason } from '../rbac/authorizer.js'
import type { EmbeddedAuthorizer } from '../rbac/embedded-authorizer.js'
import { embeddedOf } from '../rbac/embedded-of.js'
import type { ResourceAttributes } from '../rbac/operation.js'
import type { PossibleCall, PossibleOperation } from '../rbac/possible-calls.js'
import type { PrincipalSubject } from './each-principal.js'
import { andThen, type Eventually } from './eventually.js'

/** Whether something may be allowed: for certain not, perhaps, or nobody could be asked. */
export type Possibility =
  | { readonly kind: 'may' }
  | { readonly kind: 'never'; readonly because: Refusal }
  | { readonly kind: 'unasked'; readonly reason: AuthorizerReason }

/** What stands in the way. undefined: no single operation does, but there is no place where all of them are allowed. */
export type Refusal = { readonly subject: PrincipalSubject; readonly operation: PossibleOperation } | undefined

export const may: Possibility = { kind: 'may' }

/** Questions to an API server that are under way for one list, so that a long list takes no more than its share of them. */
const mostAtOnce = 16
/** Questions to an API server for one list. What is not asked counts as nobody having been there to ask. */
const mostAsked = 2048

/** What RBAC may give one caller at one Server, asked while one list is judged: the same question is asked once. */
export class PossibleAccess {
  readonly #server: Server
  readonly #deadline: number | undefined
  readonly #embedded = new Map<Authorizer, EmbeddedAuthorizer | undefined>()
  /** By cluster and role, by operation. */
  readonly #places = new Map<string, Map<string, Places>>()
  readonly #answers = new Map<string, Eventually<Access>>()
  readonly #waiting: (() => void)[] = []
  #underWay = 0
  #asked = 0

  /** Whether anything is asked of an API server at all. */
  readonly asks: boolean

  /** @param deadline milliseconds since the epoch after which nothing more is asked */
  constructor(server: Server, deadline: number | undefined) {
    this.#server = server
    this.#deadline = deadline
    this.asks = [...server.authorizers.values()].some(one => this.embedded(one) === undefined)
  }

  /** The RBAC objects, where they are known here. The same throughout a list. */
  embedded(authorizer: Authorizer): EmbeddedAuthorizer | undefined {
    if (!this.#embedded.has(authorizer)) this.#embedded.set(authorizer, embeddedOf(authorizer))
    return this.#embedded.get(authorizer)
  }

  /** Whether all of a call may be allowed to each of the principals, in the same namespaces. */
  call(possible: PossibleCall, subjects: readonly PrincipalSubject[]): Eventually<Possibility> {
    const authorizer = this.#server.authorizers.get(possible.cluster)
    if (authorizer === undefined) return { kind: 'never', because: undefined }
    const embedded = this.embedded(authorizer)
    return embedded === undefined
      ? this.#askExact(authorizer, possible, subjects)
      : this.#look(embedded, possible, subjects)
  }

  /** Whether it is exactly known what would be asked, so that an API server can be asked now. */
  asksSomething({ cluster, operations }: PossibleCall): boolean {
    const authorizer = this.#server.authorizers.get(cluster)
    return authorizer !== undefined && this.embedded(authorizer) === undefined && operations.some(isExact)
  }

  /** An exact question. */
  ask(authorizer: Authorizer, user: UserInfo, attributes: ResourceAttributes, key: string): Eventually<Access> {
    if (this.embedded(authorizer) !== undefined) return authorizer.authorize(user, attributes)
    const known = this.#answers.get(key)
    if (known !== undefined) return known
    const answer = this.#ask(() => authorizer.authorize(user, attributes))
    this.#answers.set(key, answer)
    return answer
  }

  #ask(question: () => Eventually<Access>): Eventually<Access> {
    if (this.#underWay >= mostAtOnce) {
      return new Promise<void>(resolve => this.#waiting.push(resolve)).then(() => {
        const answer = this.#ask(question)
        // Nothing of it will end and wake the next one.
        if (!(answer instanceof Promise)) this.#waiting.shift()?.()
        return answer
      })
    }
    if (this.#asked === mostAsked) return tooMany
    if (this.#deadline !== undefined && Date.now() >= this.#deadline) return late
    const answer = question()
    if (!(answer instanceof Promise)) return answer
    this.#asked++
    this.#underWay++
    return answer.finally(() => {
      this.#underWay--
      this.#waiting.shift()?.()
    })
  }

  #look(embedded: EmbeddedAuthorizer, { cluster, operations }: PossibleCall, subjects: readonly PrincipalSubject[]) {
    const where = new Map<string, Places>()
    for (const subject of subjects) {
      const known = this.#knownPlaces(cluster, subject)
      for (const operation of operations) {
        let places = known.get(operation.key)
        if (places === undefined) {
          places = placesOf(embedded, subject, operation)
          known.set(operation.key, places)
        }
        if (places !== 'all' && places.length === 0) return never({ subject, operation })
        if (typeof operation.namespace === 'string') continue
        const { any } = operation.namespace
        const both = intersection(where.get(any) ?? 'all', places)
        if (both !== 'all' && both.length === 0) return never(undefined)
        where.set(any, both)
      }
    }
    return may
  }

  #knownPlaces(cluster: string, { role }: PrincipalSubject): Map<string, Places> {
    const key = `${role} ${cluster}`
    let known = this.#places.get(key)
    if (known === undefined) {
      known = new Map()
      this.#places.set(key, known)
    }
    return known
  }

  /** What is not exactly known is not asked: that something is not allowed everywhere does not mean that it is nowhere. */
  #askExact(
    authorizer: Authorizer,
    { cluster, operations }: PossibleCall,
    subjects: readonly PrincipalSubject[],
  ): Eventually<Possibility> {
    const exact = operations.flatMap(operation =>
      isExact(operation) ? subjects.map(subject => ({ subject, operation })) : [],
    )
    let possibility: Eventually<Possibility> = may
    for (const { subject, operation } of exact) {
      const { group = '', resource = '', namespace, name = '', verb, subresource, key } = operation
      const attributes = { verb, group, resource, subresource, namespace: textOf(namespace), name }
      const access = this.ask(authorizer, subject.info, attributes, `${subject.role} ${cluster} ${key}`)
      const before: Eventually<Possibility> = possibility
      possibility = andThen(access, settled =>
        andThen(before, one => worse(one, possibilityOf(settled, subject, operation))),
      )
    }
    return possibility
  }
}

type Places = 'all' | readonly string[]

function placesOf(
  embedded: EmbeddedAuthorizer,
  { info }: PrincipalSubject,
  { namespace, verb, group, resource, subresource, name }: PossibleOperation,
): Places {
  const attributes = { verb, group, resource, subresource, name }
  if (typeof namespace !== 'string') return embedded.namespacesWhere(info, attributes)
  return embedded.mayAllow(info, { ...attributes, namespace }) ? 'all' : []
}

const tooMany: Access = { allowed: false, failed: 'dependency.api_server', reason: 'too many questions for one list' }
const late: Access = { allowed: false, failed: 'dependency.timeout', reason: '' }

function never(because: Refusal): Possibility {
  return { kind: 'never', because }
}

function possibilityOf(access: Access, subject: PrincipalSubject, operation: PossibleOperation): Possibility {
  if (access.allowed) return may
  return 'failed' in access ? { kind: 'unasked', reason: access.failed } : never({ subject, operation })
}

/** That something is never allowed is certain whatever else could not be asked. */
function worse(a: Possibility, b: Possibility): Possibility {
  return a.kind === 'never' || b.kind === 'may' ? a : b
}

function isExact({ group, resource, namespace, name }: PossibleOperation): boolean {
  return group !== undefined && resource !== undefined && name !== undefined && typeof namespace === 'string'
}

function textOf(namespace: PossibleOperation['namespace']): string {
  return typeof namespace === 'string' ? namespace : ''
}

function intersection(a: Places, b: Places): Places {
  if (a === 'all') return b
  if (b === 'all') return a
  const other = new Set(b)
  return a.filter(namespace => other.has(namespace))
}
