import { resolve } from 'node:path'
import type { Finding } from '../documents/finding.js'
import type { SourceDocument } from '../documents/source-document.js'
import { valueAt } from '../documents/value-at.js'
import type { Config, ConfigListener } from './config.js'
import type { ConfigSpec } from './config-document.js'
import { isLoopback } from './is-loopback.js'
import { resolveAdmin } from './resolve-admin.js'
import { resolveClusters, resolveSources } from './resolve-clusters.js'
import { resolveDecisionLog } from './resolve-decision-log.js'
import { resolveShadow } from './resolve-shadow.js'
import { resolveSigning, resolveTokenExchange } from './resolve-upstream.js'

type Listener = ConfigSpec['listeners'][number]
type Report = (
  severity: Finding['severity'],
  path: readonly (string | number)[],
  message: string,
  hint?: string,
) => void

/**
 * The rules that span several fields, and the configuration with everything filled in. The result may only be used when
 * no finding is an error.
 * @param base directory for relative paths
 */
export function resolveConfig(
  spec: ConfigSpec,
  document: SourceDocument,
  base: string,
): { readonly config: Config; readonly findings: readonly Finding[] } {
  const findings: Finding[] = []
  const report: Report = (severity, path, message, hint) =>
    findings.push(document.finding(severity, ['spec', ...path], message, hint === undefined ? {} : { hint }))
  const at = (path: string) => resolve(base, path)

  const listeners = spec.listeners.map((listener, i) => resolveListener(listener, i, at, report))
  warnOfIdleSettings(listeners, document, report)
  checkNames(listeners, report)
  checkPorts(listeners, spec, report)

  const config: Config = {
    workers: spec.workers,
    sources: resolveSources(spec, at, report),
    shadow: resolveShadow(spec, at, report),
    listeners,
    http: spec.http,
    admin: resolveAdmin(spec, at, report),
    clusters: resolveClusters(spec, at, report),
    startup: spec.startup,
    shutdown: { delayMs: spec.shutdown.delaySeconds * 1000, drainMs: spec.shutdown.drainSeconds * 1000 },
    overload: { maxTurnMs: spec.overload.maxTurnMs, memoryBytes: spec.overload.memoryBytes },
    decisionLog: resolveDecisionLog(spec, at, report),
    identity: spec.identity,
    signing: resolveSigning(spec.signing, at, report),
    tokenExchange: resolveTokenExchange(spec, at, report),
    sessionKeys: resolveSessionKeys(spec, at, report),
    log: spec.log,
    spec,
  }
  return { config, findings }
}

const defaultPorts = { 'ext-authz': 9001, 'ext-proc': 9003, 'ext-mcp': 9004, authzen: 9005 } as const

function resolveListener(listener: Listener, i: number, at: (path: string) => string, report: Report): ConfigListener {
  const path = ['listeners', i]
  const { door, profile, host, port, socket, tls, transport, maxConcurrentStreams, maxInFlight } = listener
  if (port !== undefined && socket !== undefined) {
    report('error', path, 'has both port and socket', 'write one of them')
  }
  if (socket !== undefined && tls !== undefined) {
    report(
      'error',
      [...path, 'tls'],
      'TLS is not spoken on a unix socket',
      'remove tls; the mode of the socket guards it',
    )
  }
  if (tls?.allowedSANs !== undefined && tls.clientCA === undefined) {
    report('error', [...path, 'tls', 'allowedSANs'], 'nobody checks these names', 'add tls.clientCA')
  }
  if (listener.trust === 'mtls' && tls?.clientCA === undefined) {
    report('error', [...path, 'trust'], 'trust: mtls needs client certificates', 'add tls with cert, key and clientCA')
  } else if (listener.trust === 'mtls' && tls?.allowedSANs === undefined) {
    const hint = "list the gateway's own names in tls.allowedSANs"
    report('warning', [...path, 'trust'], 'every certificate that clientCA signed counts as the gateway', hint)
  }
  const authzen = resolveAuthzen(listener, i, at, report)
  return {
    name: listener.name ?? (i === 0 ? door : `${door}-${i + 1}`),
    door,
    judgesRequests: listener.judgesRequests,
    profile,
    trust: listener.trust ?? (socket === undefined ? 'none' : 'unix'),
    address:
      socket === undefined
        ? { kind: 'tcp', host, port: port ?? defaultPorts[door] }
        : { kind: 'unix', path: at(socket) },
    ...(tls === undefined ? {} : { tls: resolveTls(tls, at) }),
    maxMessageBytes: listener.maxMessageBytes ?? (door === 'authzen' ? mebibyte : 5 * mebibyte),
    ...(door === 'ext-authz' &&
      listener.gatewayBodyBytes !== undefined && { gatewayBodyBytes: listener.gatewayBodyBytes }),
    ...(door === 'ext-proc' && { answerWithinMs: listener.answerWithinMs }),
    transport,
    maxConcurrentStreams,
    maxInFlight,
    ...(listener.maxConnectionAgeSeconds === undefined
      ? {}
      : { maxConnectionAgeMs: listener.maxConnectionAgeSeconds * 1000 }),
    ...(authzen === undefined ? {} : { authzen }),
  }
}

const mebibyte = 1024 * 1024

/** The service of ext-mcp is agentgateway's own; HTTP/1.1 has no streams, and the body of an evaluation is ours. */
const idleSettings = {
  'ext-authz': ['judgesRequests', 'answerWithinMs'],
  'ext-proc': ['maxInFlight', 'gatewayBodyBytes'],
  'ext-mcp': ['profile', 'judgesRequests', 'answerWithinMs', 'gatewayBodyBytes'],
  authzen: [
    'profile',
    'transport',
    'maxConcurrentStreams',
    'maxConnectionAgeSeconds',
    'judgesRequests',
    'answerWithinMs',
    'gatewayBodyBytes',
  ],
} as const

/** What was written and does nothing: whoever wrote it believes that it does. */
function warnOfIdleSettings(listeners: readonly ConfigListener[], document: SourceDocument, report: Report): void {
  for (const [i, { door }] of listeners.entries()) {
    for (const setting of idleSettings[door]) {
      const path = ['listeners', i, setting]
      if (valueAt(document.value, ['spec', ...path]) === undefined) continue
      report('warning', path, `has no effect with door ${door}`, 'remove it')
    }
  }
}

/** Whoever may ask is told what everybody may do: who it is must be known. And what they send holds access tokens. */
function resolveAuthzen(
  { door, authzen, host, socket, tls }: Listener,
  i: number,
  at: (path: string) => string,
  report: Report,
): ConfigListener['authzen'] {
  if (door !== 'authzen') {
    if (authzen !== undefined)
      report('error', ['listeners', i, 'authzen'], `has no effect with door ${door}`, 'remove it, or use door: authzen')
    return undefined
  }
  const { tokenFile, identifier, server, ...rest } = authzen ?? {}
  if (socket === undefined && tls?.clientCA === undefined && tokenFile === undefined) {
    const hint = 'name tls.clientCA or authzen.tokenFile, or use a unix socket'
    report('error', ['listeners', i], 'nobody would check who asks', hint)
  }
  if (socket === undefined && tls === undefined && !isLoopback(host)) {
    const hint = 'add tls, or listen on a loopback address, such as 127.0.0.1'
    report('error', ['listeners', i, 'host'], 'access tokens would cross the network in the clear', hint)
  }
  return {
    ...rest,
    ...(tokenFile === undefined ? {} : { tokenFile: at(tokenFile) }),
    ...(identifier === undefined ? {} : { identifier }),
    ...(server === undefined ? {} : { server }),
  }
}

/** The paths of the keys. */
function resolveSessionKeys(
  { sessions, listeners }: ConfigSpec,
  at: (path: string) => string,
  report: Report,
): readonly string[] {
  if (sessions === undefined) return []
  if (!listeners.some(({ door }) => door === 'ext-proc')) {
    report('error', ['sessions'], 'no listener sees session ids on their way', 'add a listener with door: ext-proc')
  }
  const files = sessions.keys.map(({ file }) => at(file))
  for (const [i, file] of files.entries()) {
    if (files.indexOf(file) < i) report('error', ['sessions', 'keys', i, 'file'], 'is listed twice')
  }
  return files
}

function resolveTls(
  tls: NonNullable<Listener['tls']>,
  at: (path: string) => string,
): NonNullable<ConfigListener['tls']> {
  return {
    cert: at(tls.cert),
    key: at(tls.key),
    ...(tls.clientCA === undefined ? {} : { clientCA: at(tls.clientCA) }),
    ...(tls.allowedSANs === undefined ? {} : { allowedSANs: tls.allowedSANs }),
  }
}

function checkNames(listeners: readonly ConfigListener[], report: Report): void {
  const seen = new Set<string>()
  for (const [i, { name }] of listeners.entries()) {
    if (seen.has(name)) report('error', ['listeners', i, 'name'], `another listener is named ${name}`)
    seen.add(name)
  }
}

/** Two listeners on one address: found here instead of as EADDRINUSE at the start. Port 0 never collides. */
function checkPorts(listeners: readonly ConfigListener[], { http, admin }: ConfigSpec, report: Report): void {
  const seen = new Map<string, string>()
  const take = (key: string, name: string, path: readonly (string | number)[]) => {
    const owner = seen.get(key)
    if (owner !== undefined) report('error', path, `${key} is used by ${owner} already`)
    else seen.set(key, name)
  }
  for (const [i, { address, name }] of listeners.entries()) {
    if (address.kind === 'unix') take(address.path, `listener ${name}`, ['listeners', i, 'socket'])
    else if (address.port !== 0) take(`port ${address.port}`, `listener ${name}`, ['listeners', i, 'port'])
  }
  if (http.port !== 0) take(`port ${http.port}`, 'http', ['http', 'port'])
  if (admin !== undefined && admin.port !== 0) take(`port ${admin.port}`, 'admin', ['admin', 'port'])
}
