import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Config } from '../config/config.js'
import { loadConfig } from '../config/load-config.js'
import { guardsResults, seesAnswers } from '../config/sees-answers.js'
import { createClusters } from '../create-clusters.js'
import { shadowDirectories } from '../create-shadow.js'
import { capabilitiesOf } from '../create-upstream.js'
import { formatFinding } from '../documents/format-finding.js'
import { AuthenticatorSource } from '../identity/authenticator-source.js'
import type { AssembleContext } from '../policy/assemble-snapshot.js'
import type { CompileOptions } from '../policy/compile-document.js'
import { configMapKinds } from '../policy/config-map-source.js'
import { createDirectorySource } from '../policy/directory-source.js'
import { createManifestSources } from '../policy/manifest-source.js'
import { type LoadReport, PolicyStore } from '../policy/policy-store.js'
import type { PolicySource } from '../policy/source.js'
import { shippedCatalogs } from '../service.js'
import { type ShadowReport, ShadowSet } from '../shadow/shadow-set.js'
import { createLogging } from '../telemetry/logger.js'
import { type CommandIo, UsageError } from './command.js'

/** The flags by which every command finds its configuration. */
export const configFlags = {
  config: { type: 'string', short: 'c' },
  policies: { type: 'string', short: 'p', multiple: true },
  set: { type: 'string', multiple: true },
} as const

export interface ConfigFlagValues {
  readonly config?: string | undefined
  readonly policies?: readonly string[] | undefined
  readonly set?: readonly string[] | undefined
}

export const configHelp = `  -c, --config FILE     the Config document (default: $MCP_AUTHZ_CONFIG, else built-in defaults)
  -p, --policies DIR    a directory of policies, in place of spec.sources; may be repeated
  --set PATH=VALUE      one setting of the Config, e.g. --set listeners.0.port=9001; may be repeated
                        (every setting is an environment variable too: MCP_AUTHZ_LISTENERS_0_PORT)`

/** The configuration from file, environment and flags. Warnings go to stderr; errors are thrown as one message. */
export function readConfig(values: ConfigFlagValues, io: CommandIo): Config {
  const path = values.config ?? io.env.MCP_AUTHZ_CONFIG
  const flags: (readonly [string, string])[] = (values.policies ?? []).map((directory, index) => [
    `sources.${index}.directory`,
    resolve(directory),
  ])
  for (const setting of values.set ?? []) {
    const equals = setting.indexOf('=')
    if (equals <= 0) throw new UsageError('--set is PATH=VALUE')
    flags.push([setting.slice(0, equals), setting.slice(equals + 1)])
  }
  const loaded = loadConfig({
    ...(path !== undefined && { file: { path: resolve(path), text: readFileSync(path, 'utf8') } }),
    environment: io.env,
    flags,
  })
  if (!loaded.ok) throw new Error(`the configuration cannot be used\n${loaded.findings.map(formatFinding).join('\n')}`)
  for (const warning of loaded.warnings) io.err(formatFinding(warning))
  return loaded.config
}

function isConfigured({ config, set }: ConfigFlagValues, { env }: CommandIo): boolean {
  return config !== undefined || set !== undefined || env.MCP_AUTHZ_CONFIG !== undefined
}

export interface LoadedPolicies {
  readonly config: Config
  readonly store: PolicyStore
  readonly report: LoadReport
  /** How documents were compiled. */
  readonly compile: CompileOptions
  /** Names of the clusters whose permissions are the RBAC objects of the sources. */
  readonly fileClusters: readonly string[]
  /** Looks at the policies that the configuration tries beside those in force; undefined: it tries none. */
  shadow(): ShadowReport | undefined
  /** Resolves when every issuer's keys were tried once. */
  keysReady(): Promise<void>
  stop(): Promise<void>
}

function loadShadow(
  { config, store, ...context }: Pick<LoadedPolicies, 'config' | 'store' | 'compile'> & { assemble: AssembleContext },
  configMaps: readonly PolicySource[],
): ShadowReport | undefined {
  if (config.shadow === undefined) return undefined
  const { current, input } = store
  return new ShadowSet({
    ...context,
    sources: [...shadowDirectories(config.shadow), ...configMaps],
    inForce: () => (current === undefined || input === undefined ? undefined : { snapshot: current, input }),
  }).load()
}

/** What ConfigMaps may hold where there is a source of them; of several, what any may. */
function kindsInConfigMaps({ sources }: Config): readonly string[] {
  const kinds = sources.flatMap(source => (source.from === 'configMaps' ? source.kinds : []))
  return kinds.length === 0 ? configMapKinds : kinds
}

/**
 * The policies as the service would load them, without opening a door.
 * @param options.ask whether the API servers of the configuration are asked, for ConfigMaps and permissions; without it,
 *   nothing is connected to but the issuers
 */
export async function loadPolicies(
  values: ConfigFlagValues,
  io: CommandIo,
  { lint = false, ask = false }: { readonly lint?: boolean; readonly ask?: boolean } = {},
): Promise<LoadedPolicies> {
  const config = readConfig(values, io)
  if (!ask)
    for (const source of [...config.sources, ...(config.shadow?.sources ?? [])])
      if (source.from === 'configMaps')
        io.err(
          `not looked at: the ConfigMaps of ${source.namespace} in the cluster ${source.cluster}; name files with their manifests beside the directories`,
        )
  const clusters = createClusters(config, createLogging('silent'), { onConfigMaps: () => undefined })
  const { apiServers } = clusters
  const identities = new AuthenticatorSource({
    now: Date.now,
    // Without a Config, the policies may stand behind any: which clusters it has is not known either.
    ...(isConfigured(values, io) && {
      clusters: ask ? apiServers : new Map([...apiServers.keys()].map(name => [name, undefined])),
    }),
  })
  const compile: CompileOptions = {
    insecureLoopbackIssuers: config.identity.insecureLoopbackIssuers,
    seesAnswers: seesAnswers(config),
    guardsResults: isConfigured(values, io) ? guardsResults(config) : undefined,
    lint,
  }
  const assemble: AssembleContext = {
    clusters: clusters.fromFiles,
    authorizers: clusters.authorizers,
    kinds: clusters.kinds,
    // Without a Config, the policies may stand behind any: what it can do for servers is not known.
    ...(isConfigured(values, io) && { upstream: capabilitiesOf(config) }),
    authenticator: (configurations, identity) => identities.for(configurations, identity),
  }
  const store = new PolicyStore({
    sources: [
      createDirectorySource({ directory: shippedCatalogs, kinds: ['ToolCatalog'], trust: 0 }),
      ...config.sources.flatMap(source =>
        source.from === 'directory'
          ? createManifestSources({ ...source, configMapKinds: kindsInConfigMaps(config) })
          : [],
      ),
      ...(ask ? clusters.configMaps.map(({ source }) => source) : []),
    ],
    compile,
    assemble,
  })
  if (ask) await clusters.start()
  const report = store.load()
  const stop = async () => {
    identities.stop()
    await clusters.stop()
  }
  return {
    config,
    store,
    report,
    compile,
    fileClusters: clusters.fromFiles,
    shadow: () =>
      loadShadow(
        { config, store, compile, assemble },
        ask ? clusters.shadowConfigMaps.map(({ source }) => source) : [],
      ),
    keysReady: () => identities.started(),
    stop,
  }
}
