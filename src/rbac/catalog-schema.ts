import * as z from 'zod'
import { unknownAnswersSchema } from './unknown-answers.js'

const argumentName = z.string().min(1).max(128)
const argument = z.strictObject({ argument: argumentName })
const resourceName = z
  .string()
  .regex(/^[a-z0-9][-a-z0-9]{0,62}$/, 'a resource is its lower-case plural; a subresource is said apart')
const groupName = z
  .string()
  .regex(/^(?:[a-z0-9][-a-z0-9.]{0,252})?$/, 'an API group is a lower-case domain, "" for core')
const apiVersion = z.string().regex(/^[a-z0-9][-a-z0-9./]{0,300}$/, 'an apiVersion is v1, apps/v1 and the like')

const condition = z.strictObject({
  argument: argumentName,
  /** Whether the argument is given: neither missing nor null nor "". */
  present: z.boolean().optional(),
  equals: z.union([z.string(), z.boolean(), z.int()]).optional(),
  /** Also holds when the argument is missing. */
  notEquals: z.union([z.string(), z.boolean(), z.int()]).optional(),
  greaterThan: z.int().optional(),
})

const operation = z.strictObject({
  verb: z.string().min(1).optional(),
  verbs: z.array(z.string().min(1)).min(1).max(8).optional(),
  group: groupName.optional(),
  version: z.string().min(1).optional(),
  resource: resourceName.optional(),
  subresource: resourceName.optional(),
  /** The names of the two arguments that hold an apiVersion and a kind. */
  gvk: z.strictObject({ apiVersion: argumentName, kind: argumentName }).optional(),
  manifest: argument.optional(),
  /** Of a manifest with roles, bindings or tokens: refuse it (default), or ask for `escalate`, `bind`, `create …/token` too. */
  escalation: z.enum(['refuse', 'authorize']).optional(),
  namespace: z
    .union([
      z.enum(['all', 'cluster']),
      z.strictObject({
        argument: argumentName,
        required: z.boolean().optional(),
        /** What the server does without the argument: its own namespace, or all of them. Default server. */
        default: z.enum(['server', 'all']).optional(),
      }),
    ])
    .optional(),
  name: z.strictObject({ argument: argumentName, required: z.boolean().default(true) }).optional(),
  when: z.union([condition, z.array(condition).min(1).max(8)]).optional(),
})

const tool = z.strictObject({
  access: z.enum(['read', 'write', 'delete', 'exec', 'sensitive']),
  labels: z.record(z.string().min(1), z.string()).optional(),
  /** Where listed, any other argument denies; `none`: the tool takes none. */
  arguments: z.union([z.literal('none'), z.array(argumentName).min(1).max(64)]).optional(),
  /** Arguments that the server fills into a text of its own, such as a manifest: only words are accepted in them. */
  plain: z.array(argumentName).min(1).max(64).optional(),
  /** Of the definition that was reviewed, as toolDigest computes it; `catalog diff` compares it with the server's. */
  digest: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/, 'a digest is sha256: and 64 hexadecimal digits')
    .optional(),
  /** The tool's JSON Schema as its server publishes it in tools/list. */
  inputSchema: z.record(z.string(), z.unknown()).optional(),
  cluster: argument.optional(),
  images: z.union([z.literal('unknown'), z.array(argument).min(1).max(8)]).optional(),
  replicas: z.union([z.literal('unknown'), argument]).optional(),
  refuse: z.string().min(1).max(500).optional(),
  operations: z.union([z.literal('none'), z.array(operation).min(1).max(64)]).optional(),
})

const kind = z.strictObject({
  apiVersion,
  kind: z.string().regex(/^[A-Z][A-Za-z0-9]{0,62}$/, 'a kind is spelled like Deployment'),
  resource: resourceName,
  namespaced: z.boolean().default(true),
  scale: z.boolean().default(false),
})

const toolsByName = z.record(z.string().min(1).max(256), tool)

/** `kind: ToolCatalog` as users write it; what fields mean together is checked by compileToolCatalog. */
export const catalogSchema = z.strictObject({
  apiVersion: z.literal('mcp-authz.dev/v1alpha1'),
  kind: z.literal('ToolCatalog'),
  metadata: z.strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/, 'a name is lower-case letters, digits, "-" and "."'),
    labels: z.record(z.string(), z.string()).optional(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
  spec: z.strictObject({
    unknownTools: z.literal('deny').default('deny'),
    /** What the server answers to a name that it does not have; `denial: hide` answers the same. */
    notFound: unknownAnswersSchema.optional(),
    /** The cluster argument of every tool and prompt that does not name its own. */
    cluster: argument.optional(),
    /** Custom kinds beside those of Kubernetes itself. */
    kinds: z.array(kind).min(1).max(1000).optional(),
    tools: toolsByName.default({}),
    prompts: toolsByName.default({}),
  }),
})

export type CatalogSpec = z.output<typeof catalogSchema>['spec']
export type ToolSpec = z.output<typeof tool>
export type OperationSpec = z.output<typeof operation>
export type ConditionSpec = z.output<typeof condition>
