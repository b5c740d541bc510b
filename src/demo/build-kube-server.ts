import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { packageRoot } from '../package-root.js'
import { buildGoProgram, type GoBuild } from './build-go-program.js'

/** In a checkout only: the package from npm does not have it. */
const source = join(packageRoot, 'test', 'kube', 'server')
/** As in its go.mod; the API server says so in /version, and clients look there. */
const version = { major: '1', minor: '36', patch: '3' }

/** Builds the API server of test/kube/server: a real kube-apiserver with its etcd, as one program. Says where it is. */
export async function buildKubeServer(say: (line: string) => void): Promise<GoBuild> {
  try {
    await access(source)
  } catch {
    return { built: false, why: 'broken', message: 'the API server is built from a checkout of the project' }
  }
  const { major, minor, patch } = version
  const gitVersion = `v${major}.${minor}.${patch}`
  const values = {
    'k8s.io/component-base/version.gitVersion': gitVersion,
    'k8s.io/component-base/version.gitMajor': major,
    'k8s.io/component-base/version.gitMinor': minor,
    'k8s.io/client-go/pkg/version.gitVersion': gitVersion,
  }
  const linkerFlags = Object.entries(values)
    .map(([name, value]) => `-X ${name}=${value}`)
    .join(' ')
  return buildGoProgram({ name: 'kube-server', source, linkerFlags, say })
}
