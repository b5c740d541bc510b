import { it } from 'vitest'
import { rawPost } from '/work/main/src/demo/raw-post.js'
import { startListingServer } from '/work/main/test/e2e/support/listing-server.js'
import { startStand } from '/work/main/test/e2e/support/stand.js'
it('measures', async () => {
  const call = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'pods_get', arguments: { name: 'a', namespace: 'team-a' } } })
  const list = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} })
  for (const both of [false, true]) {
    const server = await startListingServer()
    const stand = await startStand({ startServer: async () => server, ...(both && { responseDoor: { keys: ['k'.repeat(40)] } }) })
    const token = await stand.idp.login('alice')
    for (const [name, body] of [['call', call], ['list', list]] as const) {
      const times: number[] = []
      for (let i = 0; i < 1500; i++) {
        const at = performance.now()
        const a = await rawPost({ url: stand.url, token, body })
        if (a.status !== 200) throw new Error(a.body)
        if (i > 300) times.push(performance.now() - at)
      }
      times.sort((a, b) => a - b)
      console.log(both ? 'ext_authz+ext_proc' : 'ext_authz', name, 'p50', times[600]?.toFixed(2), 'p95', times[1140]?.toFixed(2))
    }
    await stand.stop()
  }
}, 120_000)
