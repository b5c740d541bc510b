import type { Requirement } from '../policy/server.js'
import type { Access, AuthorizerReason } from '../rbac/authorizer.js'
import type { ResourceAttributes } from '../rbac/operation.js'
import type { PossibleCall, PossibleOperation } from '../rbac/possible-calls.js'
import { type VirtualOperations, virtualOperations } from '../rbac/virtual-resources.js'
import { authorizeNothing, unexplained } from './authorize-by-rbac.js'
import type { Failure } from './decision.js'
import { type PrincipalSubject, principalSubjects } from './each-principal.js'
import { andThen, type Eventually, firstOf } from './eventually.js'
import { failure } from './failure.js'
import { foreseeGrants } from './foresee-grants.js'
import { targetOf } from './hypothetical-call.js'
import type { Outlook } from './outlook.js'
import type { Possibility, PossibleAccess, Refusal } from './possible-access.js'
import { quoted } from './quoted.js'
import { explainStep, type Verdict } from './trial.js'

/**
 * Stage 7 for a call that nobody has made yet: a failure if it is certain that one of `require` will not allow it. What
 * could not be asked is noted in the outlook.
 */
export function foreseeAuthorization(outlook: Outlook): Eventually<Verdict> {
  return firstOf(outlook.trial.server.require, requirement => foreseeRequirement(outlook, requirement))
}

function foreseeRequirement(outlook: Outlook, requirement: Requirement): Eventually<Verdict> {
  switch (requirement) {
    case 'operations':
      return foreseeOperations(outlook)
    case 'tools': {
      const alsoOperations = outlook.kind === 'prompt' && outlook.trial.catalogTool !== undefined
      const virtual = foreseeVirtual(outlook)
      return alsoOperations ? andThen(virtual, verdict => verdict ?? foreseeOperations(outlook)) : virtual
    }
    case 'grants':
      return foreseeGrants(outlook)
  }
}

/** Ways to call a tool that an API server is asked about, one after the other, before it is taken for possible. */
const mostWays = 64

function foreseeOperations(outlook: Outlook): Eventually<Verdict> {
  const { trial, access } = outlook
  const { server, catalogTool, call } = trial
  if (catalogTool === undefined) return unexplained(call)
  const possible = catalogTool.possible(server.kubernetes)
  if (possible === 'anything') {
    explainStep(trial, 'authorization', 'RBAC', 'info', 'its arguments decide in too many ways what it does')
    return undefined
  }
  const ways = possible.filter(({ operations }) => operations.length > 0)
  if (ways.length < possible.length || possible.length === 0) {
    const none = possible.length === 0 ? neverResolves(outlook) : authorizeNothing(trial, catalogTool, call)
    // A call that does nothing that RBAC knows needs nothing more where that is enough.
    if (none === undefined || ways.length === 0) return none
  }
  const principals = principalSubjects(trial)
  if (!principals.ok) return principals.failure
  // First those for which nobody has to be asked: one way that is possible is enough.
  const certain = access.asks ? ways.filter(way => !access.asksSomething(way)) : ways
  const found = tryWays(access, certain, principals.subjects, nothingTried)
  const asked = access.asks ? ways.filter(way => access.asksSomething(way)) : []
  const all = andThen(found, tried =>
    tried.way !== undefined ? tried : tryWays(access, asked.slice(0, mostWays), principals.subjects, tried),
  )
  return andThen(all, ({ way, unasked, because }) => {
    if (way !== undefined) {
      if (trial.steps !== undefined) explainStep(trial, 'authorization', 'RBAC', 'pass', describeWay(way))
      return undefined
    }
    if (asked.length > mostWays) return undefined
    if (unasked !== undefined) return notAsked(outlook, unasked)
    const more = ways.length - 1
    const others = more === 0 ? '' : `, and no other way to call it is allowed either (${more} looked at)`
    return failure('authorization.rbac', `${refusalText(because)}${others}`, { hints: accessHint })
  })
}

const accessHint = ['Ask for access, or use what the list of the server offers you.']

interface Tried {
  readonly way: PossibleCall | undefined
  readonly unasked: AuthorizerReason | undefined
  readonly because: Refusal
}

const nothingTried: Tried = { way: undefined, unasked: undefined, because: undefined }

function tryWays(
  access: PossibleAccess,
  ways: readonly PossibleCall[],
  subjects: readonly PrincipalSubject[],
  before: Tried,
): Eventually<Tried> {
  let tried = before
  for (const [index, way] of ways.entries()) {
    const possibility = access.call(way, subjects)
    if (possibility instanceof Promise) {
      return possibility.then(settled => {
        const now = noted(tried, way, settled)
        return now.way === undefined ? tryWays(access, ways.slice(index + 1), subjects, now) : now
      })
    }
    tried = noted(tried, way, possibility)
    if (tried.way !== undefined) return tried
  }
  return tried
}

function noted(tried: Tried, way: PossibleCall, possibility: Possibility): Tried {
  switch (possibility.kind) {
    case 'may':
      return { ...tried, way }
    case 'unasked':
      return { ...tried, unasked: possibility.reason }
    case 'never':
      return { ...tried, because: tried.because ?? possibility.because }
  }
}

/** The catalogue refuses whatever arguments it gets, e.g. for want of a default namespace. */
function neverResolves({ trial }: Outlook): Failure {
  const message = 'there are no arguments with which the catalogue says what this does in terms of Kubernetes'
  return failure('authorization.no_operation', message, {
    hints: [`Ask the platform team of the server "${trial.server.name}" about its catalogue.`],
  })
}

/** Where RBAC is asked in words of virtual resources all is known, but for the uri of a template. */
function foreseeVirtual(outlook: Outlook): Eventually<Verdict> {
  const { trial, kind, access } = outlook
  const { server, call, tool } = trial
  const name = tool ?? (call.target.kind === 'none' ? '' : call.target.name)
  const [question] = virtualOperations(server, { ...call, target: targetOf(kind, name) })
  if (question === undefined)
    return failure('authorization.no_operation', `no virtual resource stands for "${call.method}"`)
  const principals = principalSubjects(trial)
  if (!principals.ok) return principals.failure
  return firstOf(principals.subjects, subject => {
    const { fine, coarse } = alternatives(question)
    const { authorizer } = server
    const ask = (attributes: ResourceAttributes) =>
      access.ask(authorizer, subject.info, attributes, `${subject.role} virtual ${virtualKey(attributes)}`)
    // The coarse one first: it is the same for every item of the list.
    return andThen(ask(coarse), wide => {
      if (wide.allowed) return allowedBy(outlook, subject, coarse, wide)
      if (kind === 'resourceTemplate') {
        if ('failed' in wide) return notAsked(outlook, wide.failed)
        const embedded = access.embedded(authorizer)
        const some = embedded === undefined || embedded.mayAllow(subject.info, { ...fine, name: undefined })
        return some ? undefined : noVirtual(outlook, subject)
      }
      return andThen(ask(fine), narrow => {
        if (narrow.allowed) return allowedBy(outlook, subject, fine, narrow)
        if ('failed' in narrow) return notAsked(outlook, narrow.failed)
        return 'failed' in wide ? notAsked(outlook, wide.failed) : noVirtual(outlook, subject)
      })
    })
  })
}

function alternatives({ anyOf }: VirtualOperations): {
  readonly fine: ResourceAttributes
  readonly coarse: ResourceAttributes
} {
  const [fine, coarse = fine] = anyOf
  return { fine, coarse }
}

function virtualKey({ verb, resource, subresource, name }: ResourceAttributes): string {
  return `${verb} ${resource}/${subresource} ${name}`
}

function allowedBy(
  { trial }: Outlook,
  { role }: PrincipalSubject,
  { verb, resource, subresource, name }: ResourceAttributes,
  { reason }: Access,
): undefined {
  if (trial.steps === undefined) return
  const what = `${role} ${verb} ${resource}${subresource === '' ? '' : `/${subresource}`} "${name}"`
  explainStep(trial, 'authorization', 'RBAC (virtual)', 'pass', reason === '' ? what : `${what}: ${reason}`)
}

function noVirtual({ trial }: Outlook, { role, info }: PrincipalSubject): Failure {
  const message = `${role} ${quoted(info.username)} has no permission for this on the server "${trial.server.name}"`
  return failure('authorization.virtual', message, { hints: accessHint })
}

/** Whether that hides an item is decided with everything else. */
function notAsked(outlook: Outlook, reason: AuthorizerReason): undefined {
  outlook.unasked ??= reason
  explainStep(outlook.trial, 'authorization', 'RBAC', 'info', `permissions could not be looked up (${reason})`)
}

function refusalText(because: Refusal): string {
  if (because === undefined) return 'nowhere is everything allowed that a call of it would do'
  const { subject, operation } = because
  return `${subject.role} ${quoted(subject.info.username)} cannot ${describe(operation)}`
}

function describeWay({ cluster, operations }: PossibleCall): string {
  const [first, ...others] = operations
  const what = first === undefined ? 'nothing' : describe(first)
  return `may ${what}${others.length === 0 ? '' : ` and ${others.length} more`}, cluster ${cluster}`
}

function describe({ verb, group, resource, subresource, namespace, name }: PossibleOperation): string {
  const full = `${resource ?? 'any'}${subresource === '' ? '' : `/${subresource}`}`
  const which = name === undefined || name === '' ? '' : ` ${quoted(name)}`
  const inGroup = group === undefined ? '' : ` in API group "${group}"`
  return `${verb} resource "${full}"${which}${inGroup} ${placeOf(namespace)}`
}

function placeOf(namespace: PossibleOperation['namespace']): string {
  if (typeof namespace !== 'string') return 'in any namespace'
  return namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`
}
