import * as z from 'zod'
import { toolNamePattern } from '../protocol/mcp/tool-name.js'
import { policyApiVersion } from './document-schema.js'
import { headerName } from './header-names.js'
import { denialModes, type Requirement } from './server.js'

const dnsLabel = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/

const argumentName = z.string().min(1).max(128)
const methodName = z.string().min(1).max(128)

const extensionMethod = z.strictObject({
  name: methodName,
  /** What the method touches, and under which member of its params that is named. */
  target: z.strictObject({ kind: z.enum(['tool', 'prompt', 'resource']), field: z.enum(['name', 'uri']) }),
  /** Whether it takes `arguments` like a tool. */
  arguments: z.boolean().default(false),
})

const metaTool = z.strictObject({
  tool: z.string().regex(toolNamePattern, 'not the name of a tool'),
  name: argumentName.default('name'),
  arguments: argumentName.default('arguments'),
  encoding: z.enum(['object', 'json']).default('object'),
  otherArguments: z.array(argumentName).min(1).max(16).optional(),
})

const audience = z
  .string()
  .min(1)
  .max(2048)
  .regex(/^[\x21-\x7e]+$/, 'an audience is visible ASCII without spaces')

const scopeToken = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'not a scope of OAuth (RFC 6749, section 3.3)')

const upstream = z.strictObject({
  authorization: z.enum(['strip', 'passthrough', 'exchange', 'mint']).default('strip'),
  audience: audience.optional(),
  exchange: z
    .strictObject({
      with: z.string().regex(dnsLabel, 'not the name of an entry of tokenExchange').default('default'),
      audiences: z.array(audience).min(1).max(8).optional(),
      resource: audience.optional(),
      scopes: z.array(scopeToken).min(1).max(32).optional(),
    })
    .optional(),
  identity: z.enum(['headers', 'impersonation', 'none']).default('headers'),
  impersonation: z
    .strictObject({
      groups: z.array(z.string().min(1).max(256)).min(1).max(256).optional(),
      uid: z.boolean().default(false),
      extra: z
        .array(
          z
            .string()
            .regex(/^[a-z0-9](?:[a-z0-9./-]{0,61}[a-z0-9])?$/, 'a key is lower-case letters, digits, ".", "/" and "-"'),
        )
        .min(1)
        .max(4)
        .optional(),
    })
    .optional(),
  contextToken: z.boolean().default(false),
  headers: z.array(headerName).min(1).max(16).optional(),
})

const toolPatterns = z.array(z.string().min(1).max(256)).min(1).max(256)
const maxTools = z.int().min(1).max(10_000)

const lists = z.strictObject({
  missingScopes: z.enum(['Hide', 'Show']).default('Hide'),
  toolBudget: z
    .strictObject({
      maxTools: maxTools.optional(),
      priority: toolPatterns.optional(),
      agents: z
        .array(
          z.strictObject({
            names: z
              .array(
                z
                  .string()
                  .min(1)
                  .max(512)
                  .refine(
                    name => name === '*' || name.includes(':'),
                    'an agent is "alias:id"; "*:id" is that of any issuer',
                  ),
              )
              .min(1)
              .max(64),
            maxTools,
            priority: toolPatterns.optional(),
          }),
        )
        .min(1)
        .max(64)
        .optional(),
    })
    .refine(
      ({ maxTools, agents }) => maxTools !== undefined || agents !== undefined,
      'a budget needs maxTools, for all agents or for those of agents',
    )
    .optional(),
})

const spec = z.strictObject({
  resource: z.string().min(1).max(2048),
  audiences: z.array(z.string().min(1)).min(1).optional(),
  identity: z.enum(['token', 'gatewayMetadata']).default('token'),
  protocol: z.enum(['mcp', 'json']).default('mcp'),
  sse: z
    .strictObject({
      messages: z.string().min(1).max(2048),
      session: z
        .string()
        .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'not the name of a plain query parameter')
        .default('sessionId'),
    })
    .optional(),
  catalog: z.string().min(1).optional(),
  require: z
    .array(z.enum(['operations', 'tools', 'grants']))
    .min(1)
    .optional(),
  principals: z
    .array(z.enum(['user', 'agent']))
    .min(1)
    .default(['user']),
  connect: z.enum(['authenticated', 'required']).default('authenticated'),
  anonymous: z.enum(['Deny', 'Allow']).default('Deny'),
  kubernetes: z
    .strictObject({
      cluster: z.string().min(1).default('local'),
      defaultNamespace: z.string().regex(dnsLabel, 'not a namespace name').optional(),
      contexts: z.record(z.string(), z.string()).optional(),
    })
    .default({ cluster: 'local' }),
  upstream: upstream.prefault({}),
  methods: z
    .array(z.union([methodName, extensionMethod]))
    .min(1)
    .max(64)
    .optional(),
  toolPrefix: z.string().max(64).default(''),
  metaTools: z.array(metaTool).min(1).max(16).optional(),
  batches: z.enum(['deny', 'legacy']).default('deny'),
  lists: lists.prefault({}),
  denial: z.enum(denialModes).default('toolError'),
  mode: z.enum(['Enforce', 'Audit']).default('Enforce'),
})

/** `kind: Server` as users write it; what fields mean together is checked by checkServer. */
export const serverSchema = z.strictObject({
  apiVersion: z.literal(policyApiVersion),
  kind: z.literal('Server'),
  metadata: z.strictObject({
    name: z.string().regex(dnsLabel, 'the name of a Server is a DNS label: lower-case letters, digits and "-"'),
    namespace: z.string().regex(dnsLabel, 'not a namespace name').default('mcp-authz'),
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
  spec,
})

export type ServerSpec = z.output<typeof spec>

export function requirementsOf({ require, catalog }: ServerSpec): readonly Requirement[] {
  return require ?? (catalog === undefined ? ['grants'] : ['operations'])
}
