import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Question, Reply } from './question.js'

export interface Oracle {
  ask(question: Question): Promise<Reply>
  stop(): Promise<void>
}

/** Starts the program; its replies come in the order of the questions, many of which may wait. */
export function startOracle(program: string): Oracle {
  const child = spawn(program, [], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const waiting: { resolve: (reply: Reply) => void; reject: (error: Error) => void }[] = []
  createInterface({ input: child.stdout }).on('line', line => {
    const reply: Reply = JSON.parse(line)
    waiting.shift()?.resolve(reply)
  })
  child.stdin.on('error', () => {}) // the exit says it better
  child.on('error', fail)
  child.on('exit', code => fail(new Error(`the oracle ended with status ${code}`)))
  function fail(error: Error): void {
    for (const { reject } of waiting.splice(0)) reject(error)
  }
  return {
    ask: question =>
      new Promise((resolve, reject) => {
        waiting.push({ resolve, reject })
        child.stdin.write(`${JSON.stringify(question)}\n`)
      }),
    async stop() {
      child.stdin.end()
      await ended
    },
  }
}
