import { createHash } from 'node:crypto'
import type { ExportCounts } from '../otlp/export-queue.js'
import { invocationsPath, ownerLabel } from './invocation-place.js'
import { InvocationRetention } from './invocation-retention.js'
import type { ObjectStore, StoreFailure, StoreRequest } from './object-store.js'
import { PacedWriter } from './paced-writer.js'
import { line, type ToldRecord } from './told-record.js'

const pace = { maxWaiting: 1000, atOnce: 4, burst: 100, perSecond: 20 }

/** The field of the API server, and what the definition of the kind takes. */
const maxText = 512
const maxListed = 64

export interface RecordInvocationsOptions {
  readonly store: ObjectStore
  readonly namespace: string
  readonly retentionMs: number
  readonly maxObjects: number
  onFailure(failure: StoreFailure): void
}

/**
 * One object of kind MCPToolInvocation for each call of a tool, named after its decision, so that writing it twice is
 * writing it once. They never hold arguments, and are removed when they are old or too many.
 */
export class RecordInvocations {
  readonly #options: RecordInvocationsOptions
  readonly #writer: PacedWriter
  readonly #retention: InvocationRetention

  constructor(options: RecordInvocationsOptions) {
    this.#options = options
    this.#writer = new PacedWriter({ ...pace, store: options.store, onFailure: failure => options.onFailure(failure) })
    this.#retention = new InvocationRetention(options)
  }

  get counts(): ExportCounts {
    return this.#writer.counts
  }

  tell(record: ToldRecord): void {
    if (record.tool === '') return
    // Not as a string before it is due: who waits takes no more memory than the record.
    this.#writer.add({ request: () => this.#creation(record), fine: [409] })
  }

  async stop(limitMs: number): Promise<void> {
    this.#retention.stop()
    await this.#writer.stop(limitMs)
  }

  #creation(record: ToldRecord): StoreRequest {
    const { namespace } = this.#options
    const body = JSON.stringify(invocationOf(record, namespace))
    return { method: 'POST', path: `${invocationsPath(namespace)}?fieldValidation=Strict`, body, repeatable: true }
  }
}

function invocationOf(record: ToldRecord, namespace: string): unknown {
  const { decisionId, timestamp, outcome, reason, policy, policyReason, server, traceId, argsDigest } = record
  const optional = { reason, policy, policyReason, agent: record.agent, tenant: record.tenant, traceId, argsDigest }
  const operations = record.operations
    .slice(0, maxListed)
    .map(one => Object.fromEntries(Object.entries(one).filter(([, value]) => value !== '')))
  return {
    apiVersion: 'mcp-authz.dev/v1alpha1',
    kind: 'MCPToolInvocation',
    metadata: { namespace, name: nameOf(decisionId), labels: { [ownerLabel.name]: ownerLabel.value } },
    spec: {
      decisionId: line(decisionId, maxText),
      timestamp,
      decision: decisions[outcome],
      user: line(record.user, maxText),
      ...(record.groups.length > 0 && { groups: record.groups.slice(0, maxListed).map(one => line(one, maxText)) }),
      server: line(server, maxText),
      tool: line(record.tool, maxText),
      ...Object.fromEntries(
        Object.entries(optional).flatMap(([name, value]) => (value === '' ? [] : [[name, line(value, maxText)]])),
      ),
      ...(operations.length > 0 && { operations }),
    },
  }
}

const decisions: Readonly<Record<ToldRecord['outcome'], string>> = {
  allow: 'Allow',
  deny: 'Deny',
  'would-deny': 'WouldDeny',
}

/** Ids of decisions are UUIDs, which are names as they are. */
function nameOf(decisionId: string): string {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(decisionId)
    ? decisionId
    : createHash('sha256').update(decisionId).digest('hex')
}
