import { join } from 'node:path'
import { buildGoProgram } from '../../src/demo/build-go-program.js'

const source = join(import.meta.dirname, 'go')

/** The program of go/, built; the first build fetches Kubernetes from the module proxy. Throws where it cannot be. */
export async function buildOracle(say: (text: string) => void): Promise<string> {
  const build = await buildGoProgram({ name: 'rbac-oracle', source, say })
  if (!build.built) throw new Error(build.message)
  return build.program
}
