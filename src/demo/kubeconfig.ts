import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import * as z from 'zod'

const Kubeconfig = z.looseObject({
  'current-context': z.string().default(''),
  contexts: z
    .array(
      z.looseObject({ name: z.string(), context: z.looseObject({ cluster: z.string(), user: z.string().optional() }) }),
    )
    .default([]),
  clusters: z.array(z.looseObject({ name: z.string(), cluster: z.looseObject({ server: z.string() }) })).default([]),
})

export interface KubeconfigSummary {
  readonly context: string
  readonly server: string
  /** Name of the kubeconfig's user entry; what the cluster makes of its credentials only the cluster knows. */
  readonly user: string
}

/** Which cluster a kubeconfig is about, and as whom. Throws when it has no usable current context. */
export function summarizeKubeconfig(file: string): KubeconfigSummary {
  const config = Kubeconfig.parse(parse(readFileSync(file, 'utf8')))
  const context = config.contexts.find(one => one.name === config['current-context'])?.context
  if (context === undefined) throw new Error(`${file} has no current context`)
  const server = config.clusters.find(one => one.name === context.cluster)?.cluster.server
  if (server === undefined) throw new Error(`${file} does not say where the cluster "${context.cluster}" is`)
  return { context: config['current-context'], server, user: context.user ?? '(none)' }
}
