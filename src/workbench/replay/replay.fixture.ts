import { inbound } from '../../../test/support/inbound.js'
import { policyDocument } from '../../../test/support/judge.js'
import { catalogs, memorySource, namesAsTokens, storeOf } from '../../../test/support/policies.js'
import { createDecide } from '../../decision/create-decide.js'
import { readDocuments } from '../../documents/read-documents.js'
import type { Principal } from '../../identity/principal.js'
import { type DecisionRecord, readRecord } from '../../telemetry/read-records.js'
import { type PolicySet, policySet } from './policy-set.js'

export const server = (name: string, spec: object = {}): string =>
  policyDocument('Server', name, { resource: `https://${name}.example.com/mcp`, require: ['grants'], ...spec })

export const grant = (name: string, spec: object = {}): string =>
  policyDocument('Grant', name, {
    ...spec,
    match: {
      servers: ['*'],
      subjects: [{ kind: 'Group', name: 'system:authenticated' }],
      ...('match' in spec && Object(spec.match)),
    },
  })

export const guardrail = (name: string, expression: string, spec: object = {}): string =>
  policyDocument('Guardrail', name, { match: { servers: ['*'] }, validations: [{ expression }], ...spec })

const rbacApi = 'rbac.authorization.k8s.io'

/** A role in one namespace, or in all of them, for one user or group. */
export function role(name: string, subject: object, rules: readonly object[], namespace?: string): readonly string[] {
  const kind = namespace === undefined ? 'ClusterRole' : 'Role'
  const metadata = { name, ...(namespace !== undefined && { namespace }) }
  const apiVersion = `${rbacApi}/v1`
  return [
    JSON.stringify({ apiVersion, kind, metadata, rules }),
    JSON.stringify({
      ...{ apiVersion, kind: `${kind}Binding`, metadata, roleRef: { apiGroup: rbacApi, kind, name } },
      subjects: [{ apiGroup: rbacApi, ...subject }],
    }),
  ]
}

/** Policies with a way to send them requests whose decisions are recorded. */
export interface TestSet extends PolicySet {
  /** The decision about a message to a Server at the given time, and its record. */
  send(message: unknown, options?: SendOptions): { readonly outcome: string; readonly line: string }
}

export interface SendOptions {
  readonly as?: string
  readonly server?: string
  /** Milliseconds since the epoch. */
  readonly now?: number
}

/** @param shipped with the catalogues that come with the program, as its commands load them; default where one is named */
export function testSet(
  documents: readonly string[],
  principals: Readonly<Record<string, Principal>>,
  shipped = documents.some(text => text.includes('"catalog":')),
): TestSet {
  const text = documents.join('\n---\n')
  const files = { 'policies.yaml': text }
  // Reading the catalogues takes longer than everything else.
  const store = storeOf([...(shipped ? [catalogs] : []), memorySource(files)], namesAsTokens(principals))
  const { findings } = store.load()
  const snapshot = store.current
  if (snapshot === undefined) throw new Error(findings.map(({ message }) => message).join('\n'))
  const read = readDocuments('policies.yaml', text)
  let line = ''
  let clock = 0
  const decide = createDecide({
    snapshot: () => snapshot,
    now: () => clock,
    onDecided: decided => {
      line = decided.record()
    },
  })
  return {
    ...policySet(snapshot, read.documents),
    send(message, { as = 'alice', server: name = 'srv', now = 0 } = {}) {
      clock = now
      const headers = as === '' ? {} : { authorization: `Bearer ${as}` }
      const decision = decide(inbound({ authority: `${name}.example.com`, headers, body: message }))
      if (decision instanceof Promise) throw new Error('the pipeline waited')
      return { outcome: decision.outcome, line }
    },
  }
}

/** The record of a line, with more in it than a log holds by default. */
export function recordOf(line: string, more: object = {}): DecisionRecord {
  const { record, problem } = readRecord(Buffer.from(JSON.stringify({ ...JSON.parse(line), ...more })))
  if (record === undefined) throw new Error(problem ?? 'no record of a decision')
  return record
}
