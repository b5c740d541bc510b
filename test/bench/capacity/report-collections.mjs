// Preloaded into the servers under test: counts collections of garbage, because how long they take says little where
// others use the machine as well.
import { writeFileSync } from 'node:fs'
import { constants, PerformanceObserver } from 'node:perf_hooks'

const file = process.env.COLLECTIONS_FILE
const counts = { minor: 0, major: 0 }
new PerformanceObserver(list => {
  for (const { detail } of list.getEntries()) {
    if (detail.kind === constants.NODE_PERFORMANCE_GC_MINOR) counts.minor++
    else if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) counts.major++
  }
}).observe({ entryTypes: ['gc'] })
process.on('exit', () => {
  if (file !== undefined) writeFileSync(file, JSON.stringify(counts))
})
