// Preloaded into the servers under test: tells what the process has used so far, whenever it is asked.
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ cpuMicros: user + system, rssBytes: process.memoryUsage.rss() })
})
// The channel must not keep a server alive that was told to stop.
process.channel?.unref()
