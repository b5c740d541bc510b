// Preloaded into mcp-authz by the soak test: what it has in use every five seconds is what it needs, without garbage.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')
setInterval(collect, 5000).unref()
