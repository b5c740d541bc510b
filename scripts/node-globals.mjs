// What Node offers as globals by a getter, which costs a call each time that one is named. The bundle has them from their modules.
export { Buffer } from 'node:buffer'
export { performance } from 'node:perf_hooks'
export { default as process } from 'node:process'
