import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { registerIdentityMetrics } from './identity-metrics.js'

const tokens = { known: 8, joined: 2, checked: 5, overloaded: 1, kept: 4, keptBytes: 28_000, pending: 3 }
const keys = [
  { issuer: 'https://idp.example.com', keys: 2, confirmedAt: 1500, loads: { ok: 7, failed: 1 } },
  { issuer: 'https://away.example.com', keys: 0, confirmedAt: undefined, loads: { ok: 0, failed: 9 } },
]

describe('the metrics of identities', () => {
  it('are read when scraped, and say the same twice', async () => {
    const registry = new Registry()
    registerIdentityMetrics(registry, () => ({ tokens, keys }))
    const lines = async () => (await registry.metrics()).split('\n').filter(line => /^[^#]/.test(line))
    const expected = [
      'mcp_authz_token_checks_total{result="known"} 8',
      'mcp_authz_token_checks_total{result="joined"} 2',
      'mcp_authz_token_checks_total{result="checked"} 5',
      'mcp_authz_token_checks_total{result="overloaded"} 1',
      'mcp_authz_tokens_cached 4',
      'mcp_authz_tokens_cached_bytes 28000',
      'mcp_authz_tokens_pending 3',
      'mcp_authz_issuer_keys{issuer="https://idp.example.com"} 2',
      'mcp_authz_issuer_keys{issuer="https://away.example.com"} 0',
      'mcp_authz_issuer_keys_last_success_timestamp_seconds{issuer="https://idp.example.com"} 1.5',
      'mcp_authz_issuer_keys_last_success_timestamp_seconds{issuer="https://away.example.com"} 0',
      'mcp_authz_issuer_key_loads_total{issuer="https://idp.example.com",result="ok"} 7',
      'mcp_authz_issuer_key_loads_total{issuer="https://idp.example.com",result="failed"} 1',
      'mcp_authz_issuer_key_loads_total{issuer="https://away.example.com",result="ok"} 0',
      'mcp_authz_issuer_key_loads_total{issuer="https://away.example.com",result="failed"} 9',
    ]
    expect(await lines()).toEqual(expected)
    expect(await lines()).toEqual(expected)
  })
})
