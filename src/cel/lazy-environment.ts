import { once } from '../documents/once.js'
import { createCelEnvironment, type EnvironmentOptions } from './create-environment.js'
import type { CelEnvironment, CelType } from './environment.js'

/**
 * An environment that is made when it is first used: putting together the functions of a set takes some milliseconds of a
 * start, and many services have no expression in it. What `createCelEnvironment` throws is thrown then.
 */
export function lazyCelEnvironment(
  variables: Readonly<Record<string, CelType>>,
  options: EnvironmentOptions = {},
): CelEnvironment {
  const environment = once(() => createCelEnvironment(variables, options))
  return {
    variables: new Map(Object.entries(variables)),
    compile: (source, result) => environment().compile(source, result),
    lint: (source, result, facts) => environment().lint(source, result, facts),
    format: (source, width) => environment().format(source, width),
  }
}
