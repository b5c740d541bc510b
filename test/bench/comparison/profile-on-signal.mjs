// Preloaded into a server under test: SIGUSR2 begins a CPU profile, and the next one writes it to the file that
// BENCH_PROFILE names. So that the profile is of the load alone, without the start and the first compilations.
import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'

const session = new Session()
let running = false
process.on('SIGUSR2', async () => {
  if (!running) {
    running = true
    session.connect()
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: 200 })
    await session.post('Profiler.start')
    process.stderr.write('{"message":"profiling"}\n')
    return
  }
  const { profile } = await session.post('Profiler.stop')
  writeFileSync(process.env.BENCH_PROFILE, JSON.stringify(profile))
  process.stderr.write('{"message":"profiled"}\n')
})
