import { readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { packageRoot } from '../../src/package-root.js'
import { service } from '../bench/comparison/servers.js'
import { copiedByDockerfile, productionPackages } from './image-tree.js'

const Package = z.looseObject({ files: z.array(z.string()), dependencies: z.record(z.string(), z.string()) })
const manifest = Package.parse(JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')))
const dependencies = Object.keys(manifest.dependencies)

/** Packages that a text imports when it runs; those of which it takes only types are not there any more by then. */
function imports(text: string): readonly string[] {
  const statements = text.matchAll(
    /^(?:import|export) (?!type )[^'"]*?from ['"]([^'"]+)['"]|^import ['"]([^'"]+)['"]/gm,
  )
  const calls = text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g)
  return [...statements, ...calls]
    .map(([, one, other]) => one ?? other ?? '')
    .filter(name => !name.startsWith('.') && !name.startsWith('node:') && !builtinModules.includes(name))
    .map(name =>
      name
        .split('/')
        .slice(0, name.startsWith('@') ? 2 : 1)
        .join('/'),
    )
}

const sources = readdirSync(join(packageRoot, 'src'), { recursive: true, encoding: 'utf8' }).filter(
  // The demo runs from a checkout only, and says so.
  name => name.endsWith('.ts') && !/\.(?:test|fixtures?)\.ts$/.test(name) && !name.startsWith('demo/'),
)

describe('the image', () => {
  it('has every package that the program imports', () => {
    const imported = sources.flatMap(name =>
      imports(readFileSync(join(packageRoot, 'src', name), 'utf8')).map(dependency => ({ name, dependency })),
    )
    expect(imported.length).toBeGreaterThan(20)
    expect(imported.filter(({ dependency }) => !dependencies.includes(dependency))).toEqual([])
  })

  it('has what the generated codecs import', () => {
    const [codecs = ''] = imports(readFileSync(join(packageRoot, 'gen/wire.js'), 'utf8'))
    expect(dependencies).toContain(codecs)
  })

  it('leaves nothing to chance: no package is there that nothing of ours imports', () => {
    const imported = new Set([
      ...sources.flatMap(name => imports(readFileSync(join(packageRoot, 'src', name), 'utf8'))),
      ...imports(readFileSync(join(packageRoot, 'gen/wire.js'), 'utf8')),
    ])
    expect(dependencies.filter(name => !imported.has(name))).toEqual([])
  })

  it('has in node_modules what is for production, and no more', async () => {
    const folders = await productionPackages()
    for (const name of dependencies) expect(folders).toContain(`node_modules/${name}`)
    for (const name of ['vitest', 'typescript', 'oidc-provider', 'kubernetes-mcp-server'])
      expect(folders).not.toContain(`node_modules/${name}`)
  })

  it('is made of what the package is made of', async () => {
    const copied = await copiedByDockerfile()
    expect([...copied].sort()).toEqual(['dist', 'node_modules', 'package.json', 'policies'])
    for (const name of copied)
      if (!['node_modules', 'package.json'].includes(name)) expect(manifest.files).toContain(name)
  })

  it('is for the user that the Deployment names, and starts what the Deployment starts', () => {
    const dockerfile = readFileSync(join(packageRoot, 'deploy/container/Dockerfile'), 'utf8')
    const deployment = readFileSync(join(packageRoot, 'deploy/kubernetes/deployment.yaml'), 'utf8')
    expect(dockerfile).toContain('USER 65532:65532')
    expect(deployment).toContain('runAsUser: 65532')
    expect(dockerfile).toContain('ENTRYPOINT ["node", "--max-semi-space-size=8", "/app/dist/cli/main.js"]')
    expect(deployment).toContain('args: [serve, ')
  })

  it('gives memory back that was freed, as the benchmark of memory has it', () => {
    const dockerfile = readFileSync(join(packageRoot, 'deploy/container/Dockerfile'), 'utf8')
    expect(dockerfile).toMatch(/^ENV MALLOC_TRIM_THRESHOLD_=131072$/m)
    expect(service({ transport: 'native', policies: '' }).env).toEqual({
      NODE_ENV: 'production',
      MALLOC_TRIM_THRESHOLD_: '131072',
    })
  })
})
