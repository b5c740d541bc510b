import type { Finding } from '../../documents/finding.js'
import type { SourceDocument } from '../../documents/source-document.js'
import type { UpstreamCapabilities } from '../../policy/check-upstream.js'
import type { CompileOptions } from '../../policy/compile-document.js'
import { readFile } from '../../policy/gather-documents.js'
import { PolicyStore } from '../../policy/policy-store.js'
import type { PolicySnapshot } from '../../policy/snapshot.js'
import type { PolicySource } from '../../policy/source.js'
import { createTestIssuer, type TestIssuer } from './test-issuer.js'

export interface PolicySetOptions {
  readonly sources: readonly PolicySource[]
  readonly compile: CompileOptions
  /** Names of the clusters; the permissions of each are the RBAC objects of the sources, since nothing is asked. */
  readonly clusters: readonly string[]
  /** What the configuration can do for servers; left out, what they ask for is not compared with it. */
  readonly upstream?: UpstreamCapabilities
}

/** Policies in force for a test, the time at which they are, and who signs its tokens. */
export interface PolicySet {
  readonly snapshot: PolicySnapshot
  /** Those in force. */
  readonly documents: readonly LoadedFrom[]
  readonly issuer: TestIssuer
  /** Milliseconds since the epoch at which requests are judged. */
  readonly clock: { now: number }
}

export interface LoadedFrom {
  readonly document: SourceDocument
  /** It comes with mcp-authz. */
  readonly shipped: boolean
}

export type LoadedSet =
  | { readonly ok: true; readonly set: PolicySet }
  /** At least one error. */
  | { readonly ok: false; readonly findings: readonly Finding[] }

/** Loads policies as the service would, offline. Whoever gets a set stops its issuer. */
export async function loadPolicySet({ sources, compile, clusters, upstream }: PolicySetOptions): Promise<LoadedSet> {
  const clock = { now: 0 }
  const issuer = await createTestIssuer(() => clock.now)
  const read: LoadedFrom[] = []
  const store = new PolicyStore({
    sources: sources.map(source => overheard(source, read)),
    compile,
    assemble: {
      clusters,
      ...(upstream !== undefined && { upstream }),
      authenticator: (configurations, identity) => issuer.authenticator(configurations, identity),
    },
  })
  const { findings, states } = store.load()
  const snapshot = store.current
  if (snapshot === undefined || findings.some(({ severity }) => severity === 'error')) {
    issuer.stop()
    return { ok: false, findings }
  }
  await issuer.ready()
  const inForce = new Set(states.filter(({ state }) => state === 'loaded').map(one => `${one.file}\0${one.document}`))
  const documents = read.filter(({ document }) => inForce.has(`${document.file}\0${document.index}`))
  return { ok: true, set: { snapshot, documents, issuer, clock } }
}

/** The shipped catalogues have no trust against anything of the user's. */
const shippedTrust = 0

function overheard(source: PolicySource, into: LoadedFrom[]): PolicySource {
  return {
    ...source,
    read() {
      const contents = source.read()
      const files = contents.files.map(file => ({
        ...file,
        read() {
          const found = readFile(file)
          into.push(...found.documents.map(document => ({ document, shipped: source.trust === shippedTrust })))
          return found
        },
      }))
      return { ...contents, files }
    },
  }
}
