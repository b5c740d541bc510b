import { Counter, Gauge, type Registry } from 'prom-client'

/** How things stand with tokens and with the keys that sign them. Issuers come from the configuration. */
export interface IdentitySample {
  readonly tokens: {
    /** What became of tokens of known issuers, since the start. */
    readonly known: number
    readonly joined: number
    readonly checked: number
    readonly overloaded: number
    /** Now. */
    readonly kept: number
    readonly keptBytes: number
    readonly pending: number
  }
  readonly keys: readonly {
    readonly issuer: string
    readonly keys: number
    /** Milliseconds since the epoch; undefined for never. */
    readonly confirmedAt: number | undefined
    readonly loads: { readonly ok: number; readonly failed: number }
  }[]
}

const results = ['known', 'joined', 'checked', 'overloaded'] as const

/** Registers what is told of identities; `sample` is read when scraped. */
export function registerIdentityMetrics(registry: Registry, sample: () => IdentitySample): void {
  const registers = [registry]
  new Counter({
    name: 'mcp_authz_token_checks_total',
    help: 'Tokens by what became of them: known (checked before), joined (being checked already), checked, overloaded (never looked at).',
    labelNames: ['result'] as const,
    registers,
    collect() {
      this.reset()
      const { tokens } = sample()
      for (const result of results) this.inc({ result }, tokens[result])
    },
  })
  new Gauge({
    name: 'mcp_authz_tokens_cached',
    help: 'Verified tokens that are remembered.',
    registers,
    collect() {
      this.set(sample().tokens.kept)
    },
  })
  new Gauge({
    name: 'mcp_authz_tokens_cached_bytes',
    help: 'Memory that verified tokens which are remembered take, estimated.',
    registers,
    collect() {
      this.set(sample().tokens.keptBytes)
    },
  })
  new Gauge({
    name: 'mcp_authz_tokens_pending',
    help: 'Tokens whose signature is being checked, or whose key is being looked for.',
    registers,
    collect() {
      this.set(sample().tokens.pending)
    },
  })
  new Gauge({
    name: 'mcp_authz_issuer_keys',
    help: 'Keys of an issuer that are in use.',
    labelNames: ['issuer'] as const,
    registers,
    collect() {
      this.reset()
      for (const { issuer, keys } of sample().keys) this.set({ issuer }, keys)
    },
  })
  new Gauge({
    name: 'mcp_authz_issuer_keys_last_success_timestamp_seconds',
    help: 'When the keys of an issuer were last loaded; 0 for never.',
    labelNames: ['issuer'] as const,
    registers,
    collect() {
      this.reset()
      for (const { issuer, confirmedAt } of sample().keys)
        this.set({ issuer }, confirmedAt === undefined ? 0 : confirmedAt / 1000)
    },
  })
  new Counter({
    name: 'mcp_authz_issuer_key_loads_total',
    help: 'Attempts to load the keys of an issuer, by result.',
    labelNames: ['issuer', 'result'] as const,
    registers,
    collect() {
      this.reset()
      for (const { issuer, loads } of sample().keys) {
        this.inc({ issuer, result: 'ok' }, loads.ok)
        this.inc({ issuer, result: 'failed' }, loads.failed)
      }
    },
  })
}
