import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { buildGoProgram, type GoBuild } from '../../../src/demo/build-go-program.js'
import { packageRoot } from '../../../src/package-root.js'
import { serveArguments } from '../run-bench.js'
import type { MeasuredServerOptions } from './measured-server.js'

/** What starts a server; MeasuredServer does it. */
export type Start = Omit<MeasuredServerOptions, 'pinned'>

/** What speaks gRPC in the service. */
export type TransportName = 'native' | 'grpc-js'

export interface ServiceOptions {
  readonly transport: TransportName
  /** Of its documents. */
  readonly policies: string
  /** Of the program: a checkout with its dist/. Default: this one. */
  readonly root?: string
  /** Of Node, beside those of the image. Default: none. */
  readonly nodeArgs?: readonly string[]
}

const dockerfile = join(packageRoot, 'deploy/container/Dockerfile')

/** Flags of Node in the image, whose way to start it is what is measured. */
function imageFlags(): readonly string[] {
  const [, entrypoint = '[]'] = /^ENTRYPOINT (.+)$/m.exec(readFileSync(dockerfile, 'utf8')) ?? []
  return z
    .array(z.string())
    .parse(JSON.parse(entrypoint))
    .filter(argument => argument.startsWith('--'))
}

/** What the image sets in the environment. */
function imageEnvironment(): Readonly<Record<string, string>> {
  const set = readFileSync(dockerfile, 'utf8').matchAll(/^ENV (\S+?)=(\S+)$/gm)
  return Object.fromEntries([...set].map(([, name = '', value = '']) => [name, value]))
}

/**
 * The service as its image starts it: metrics are on, and the decision log goes to a file. Only that other programs on the machine take
 * its core is not held against it: what it refused then would cost less than a decision.
 */
export function service({ transport, policies, root = packageRoot, nodeArgs = [] }: ServiceOptions): Start {
  const settings = [`listeners.0.transport=${transport}`, 'overload.maxTurnMs=10000']
  const args = serveArguments('dist', policies, settings)
  const command = [process.execPath, ...imageFlags(), ...nodeArgs, ...args]
  return { name: transport, command, directory: root, env: imageEnvironment() }
}

/** A server on grpc-go, with one thread for what it does, that allows whatever it is asked. */
export async function goFloor(
  say: (line: string) => void,
): Promise<Start | Extract<GoBuild, { readonly built: false }>> {
  const directory = join(packageRoot, 'test/bench/go-floor')
  const build = await buildGoProgram({ name: 'go-floor', source: directory, say, fetchSeconds: 300, buildSeconds: 600 })
  return build.built ? { name: 'go', command: [build.program, '1'], directory } : build
}

/** The same on grpc-js. */
export function grpcJsFloor(): Start {
  const command = [process.execPath, 'test/bench/comparison/floor-grpc-js.mjs']
  return { name: 'nothing on grpc-js', command, directory: packageRoot }
}
