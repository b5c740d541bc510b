import type { BuildOptions } from 'esbuild'

export const root: string
export function bundleOptions(entryPoints: Readonly<Record<string, string>>, outdir: string): BuildOptions
