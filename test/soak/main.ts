import { parseArgs } from 'node:util'
import { printSoakReport } from './print-soak-report.js'
import { runSoak } from './run-soak.js'
import { hasApiServer } from './soak-stand.js'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '30' }, 'without-api-server': { type: 'boolean', default: false } },
})
const minutes = Number(values.minutes)
if (!(minutes > 0)) throw new Error('--minutes must be a number')
const apiServer = !values['without-api-server'] && hasApiServer()
if (!apiServer) console.log('without a Kubernetes API server: RBAC comes from files')
const report = await runSoak({ minutes, apiServer, say: line => console.log(line) })
console.log(printSoakReport(report))
process.exitCode = report.failures.length === 0 ? 0 : 1
