import { Failure, Opaque } from '../values/value.js'
import type { AuthorizationDecision, AuthorizationRequest, AuthorizationUser, AuthorizerHost } from './authorization.js'
import { parseFieldSelector } from './field-selector.js'
import { checkDns1123Label, checkDns1123Subdomain } from './kubernetes-names.js'
import { parseLabelSelector } from './label-selector.js'
import type { CallContext } from './library.js'

const pending = new Failure('the authorizer has not answered yet')
const badAccount = new Failure('not the name of a service account')
const badNamespace = new Failure('not the name of a namespace')
const noPath = new Failure('the path must not be empty')
const noResource = new Failure('the resource must not be empty')

/** Steps to a check are values that never change: every method makes a new one. They are equal to themselves only. */
abstract class Step extends Opaque {
  override equals(other: Opaque): boolean {
    return this === other
  }
}

/** The variable `authorizer`: asks `host` about `user`. */
export class Authorizer extends Step {
  readonly type = 'kubernetes.authorization.Authorizer'
  readonly host: AuthorizerHost
  readonly user: AuthorizationUser

  constructor(host: AuthorizerHost, user: AuthorizationUser = 'caller') {
    super()
    this.host = host
    this.user = user
  }

  path(path: string): PathCheck | Failure {
    return isBlank(path) ? noPath : new PathCheck(this, path)
  }

  group(group: string): GroupCheck {
    return new GroupCheck(this, group)
  }

  serviceAccount(namespace: string, name: string): Authorizer | Failure {
    if (checkDns1123Subdomain(name).length > 0) return badAccount
    if (checkDns1123Label(namespace).length > 0) return badNamespace
    return new Authorizer(this.host, {
      name: `system:serviceaccount:${namespace}:${name}`,
      groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
    })
  }

  /** The one place that asks. */
  ask(request: AuthorizationRequest, context: CallContext): Decision | Failure {
    const answer = this.host.check(request)
    if (answer !== 'pending') return new Decision(answer)
    context.suspend?.(request)
    return pending
  }
}

export class PathCheck extends Step {
  readonly type = 'kubernetes.authorization.PathCheck'
  private readonly authorizer: Authorizer
  private readonly path: string

  constructor(authorizer: Authorizer, path: string) {
    super()
    this.authorizer = authorizer
    this.path = path
  }

  check(verb: string, context: CallContext): Decision | Failure {
    return this.authorizer.ask({ kind: 'path', user: this.authorizer.user, path: this.path, verb }, context)
  }
}

export class GroupCheck extends Step {
  readonly type = 'kubernetes.authorization.GroupCheck'
  private readonly authorizer: Authorizer
  private readonly group: string

  constructor(authorizer: Authorizer, group: string) {
    super()
    this.authorizer = authorizer
    this.group = group
  }

  resource(resource: string): ResourceCheck | Failure {
    return isBlank(resource) ? noResource : new ResourceCheck(this.authorizer, { group: this.group, resource })
  }
}

/** What a ResourceCheck asks about; what is left out is empty. */
export interface CheckedResource {
  readonly group: string
  readonly resource: string
  readonly subresource?: string
  readonly namespace?: string
  readonly name?: string
  readonly fieldSelector?: string
  readonly labelSelector?: string
}

/** Also the variable `authorizer.requestResource`. */
export class ResourceCheck extends Step {
  readonly type = 'kubernetes.authorization.ResourceCheck'
  private readonly authorizer: Authorizer
  private readonly resource: CheckedResource

  constructor(authorizer: Authorizer, resource: CheckedResource) {
    super()
    this.authorizer = authorizer
    this.resource = resource
  }

  /** The empty text takes back what was said before. */
  with(change: Partial<CheckedResource>): ResourceCheck {
    return new ResourceCheck(this.authorizer, { ...this.resource, ...change })
  }

  check(verb: string, context: CallContext): Decision | Failure {
    const { group, resource, subresource, namespace, name, fieldSelector, labelSelector } = this.resource
    const request: AuthorizationRequest = {
      kind: 'resource',
      user: this.authorizer.user,
      verb,
      group,
      resource,
      subresource: subresource ?? '',
      namespace: namespace ?? '',
      name: name ?? '',
      fieldSelector: fieldSelector ? parseFieldSelector(fieldSelector) : undefined,
      labelSelector: labelSelector ? parseLabelSelector(labelSelector) : undefined,
    }
    return this.authorizer.ask(request, context)
  }
}

export class Decision extends Step {
  readonly type = 'kubernetes.authorization.Decision'
  readonly answer: AuthorizationDecision

  constructor(answer: AuthorizationDecision) {
    super()
    this.answer = answer
  }
}

/** Nothing but what Go takes for white space; JavaScript's `trim` knows U+FEFF too, and not U+0085. */
const isBlank = (text: string): boolean =>
  /^[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*$/.test(text)
