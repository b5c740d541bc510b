import { defineConfig } from 'vitest/config'

/** Tests that measure, or that load the machine: one at a time, when all others are done. */
const alone = ['test/bench/**/*.test.ts', 'test/**/*-memory.test.ts', 'src/**/*-memory.test.ts']
const loading = ['overload', 'soak', 'http2/floods'].map(folder => `test/${folder}/**/*.e2e.test.ts`)

/** Lines of a difference: in a log, a large one would bury the failures after it. */
const diff = process.env.CI === undefined ? {} : { diff: { truncateThreshold: 16 } }

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          ...diff,
          include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'scripts/**/*.test.ts'],
          exclude: ['**/*.e2e.test.ts', '**/*.kube.test.ts', ...alone, '**/node_modules/**'],
          testTimeout: 20_000,
          maxWorkers: 2,
          // Loading the same modules for each of 475 files takes a third of the time. Tests take back what they change of the process.
          isolate: false,
        },
      },
      // Most of these wait for other programs most of the time: two files at a time.
      {
        test: {
          name: 'e2e',
          ...diff,
          include: ['src/**/*.e2e.test.ts', 'test/**/*.e2e.test.ts'],
          exclude: [...alone, ...loading, '**/node_modules/**'],
          testTimeout: 60_000,
          hookTimeout: 180_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'kube',
          ...diff,
          include: ['test/kube/**/*.kube.test.ts'],
          globalSetup: 'test/kube/global-setup.ts',
          testTimeout: 60_000,
          hookTimeout: 180_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'load',
          ...diff,
          include: [...alone, ...loading],
          testTimeout: 300_000,
          hookTimeout: 180_000,
          fileParallelism: false,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
