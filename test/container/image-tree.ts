import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { packageRoot } from '../../src/package-root.js'

const Lock = z.looseObject({ packages: z.record(z.string(), z.looseObject({ dev: z.boolean().default(false) })) })

/** What the last stage of the Dockerfile takes from the first, by name below the root of the package. */
export async function copiedByDockerfile(): Promise<readonly string[]> {
  const text = await readFile(join(packageRoot, 'deploy/container/Dockerfile'), 'utf8')
  return [...text.matchAll(/^COPY --from=build \/build\/(\S+) \.\/\S*$/gm)].map(([, name = '']) => name)
}

/** Folders of the packages that `npm prune --omit=dev` leaves. */
export async function productionPackages(): Promise<readonly string[]> {
  const lock = Lock.parse(JSON.parse(await readFile(join(packageRoot, 'package-lock.json'), 'utf8')))
  return Object.entries(lock.packages).flatMap(([folder, { dev }]) => (folder === '' || dev ? [] : [folder]))
}

export interface ImageTree {
  /** Holds what is /app in the image, and nothing else. */
  readonly app: string
  remove(): Promise<void>
}

/**
 * What the Dockerfile puts into /app, from this checkout as it is built. Copies and no links: from behind a link, Node would
 * find the packages that are only for development.
 */
export async function makeImageTree(): Promise<ImageTree> {
  const directory = await mkdtemp(join(tmpdir(), 'mcp-authz-image-'))
  const app = join(directory, 'app')
  await mkdir(app)
  for (const name of await copiedByDockerfile())
    if (name !== 'node_modules') await cp(join(packageRoot, name), join(app, name), { recursive: true })
  for (const folder of await productionPackages()) {
    const nested = join(packageRoot, folder, 'node_modules')
    await mkdir(dirname(join(app, folder)), { recursive: true })
    await cp(join(packageRoot, folder), join(app, folder), {
      recursive: true,
      // Packages inside packages stand in the lock by themselves. One that is optional may not be there.
      filter: source => source !== nested,
    }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
  }
  return { app, remove: () => rm(directory, { recursive: true, force: true }) }
}
