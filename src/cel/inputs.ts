import { type Activation, CelFields, type CelInput, CelSuspension, CelValue } from './environment.js'
import { Fields } from './evaluate/fields.js'
import { Outside, settle } from './evaluate/outside.js'
import { type AuthorizationRequest, authorizationKey } from './library/authorization.js'
import { Failure, type Value } from './values/value.js'

/** The variables of one evaluation, and what those wait for that cannot be told yet. */
export class Inputs {
  waiting: readonly AuthorizationRequest[] | undefined = undefined
  readonly #activation: Activation

  constructor(activation: Activation) {
    this.#activation = activation
  }

  read(name: string): Value | Outside | Fields | undefined {
    const input = this.#activation(name)
    if (input instanceof CelFields) return this.#fields(name, input)
    if (!(input instanceof CelSuspension)) return fromOutside(input)
    this.waiting = union(this.waiting, input.requests)
    return undefined
  }

  #fields(name: string, { names, read }: CelFields): Fields {
    return new Fields(names, field => {
      const evaluated = read(field)
      if (evaluated === undefined || evaluated.ok) return evaluated?.value
      this.waiting = union(this.waiting, evaluated.suspended)
      return new Failure(`${name}.${field} could not be evaluated: ${evaluated.error}`)
    })
  }
}

type Requests = readonly AuthorizationRequest[] | undefined

/** Each request once. */
export function union(a: Requests, b: Requests): Requests {
  if (a === undefined || b === undefined) return a ?? b
  return [...new Map([...a, ...b].map(request => [authorizationKey(request), request])).values()]
}

function fromOutside(input: CelInput | undefined): Value | Outside | undefined {
  if (typeof input === 'object' && input !== null) {
    return input instanceof CelValue ? input.value : new Outside(input)
  }
  if (input === undefined) return undefined
  const value = settle(input)
  return value instanceof Failure ? undefined : value
}
