/**
 * Values while an expression runs. `bigint` is int, `number` is double; what JavaScript has no primitive for is a class of
 * its own. Strings are well-formed and counted by code point. From JSON, integers are ints.
 */
export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint
  | Uint8Array
  | Timestamp
  | Duration
  | readonly Value[]
  | CelMap
  | OptionalValue
  | TypeValue
  | Opaque

/** Keys of maps: integers are one key space, whatever their type, so that uint keys are `bigint` here too. */
export type MapKey = string | bigint | boolean
export type CelMap = ReadonlyMap<MapKey, Value>

/** 0 to 2^64 - 1. */
export class Uint {
  readonly value: bigint
  constructor(value: bigint) {
    this.value = value
  }
}

/** Nanoseconds since 1970-01-01T00:00:00Z; years 1 to 9999. */
export class Timestamp {
  readonly nanos: bigint
  constructor(nanos: bigint) {
    this.nanos = nanos
  }
}

/** Nanoseconds; int64, as in Go (about 292 years either way). */
export class Duration {
  readonly nanos: bigint
  constructor(nanos: bigint) {
    this.nanos = nanos
  }
}

/** `optional.of(x)`; undefined is `optional.none()`. */
export class OptionalValue {
  readonly value: Value | undefined
  constructor(value: Value | undefined) {
    this.value = value
  }
}

/** A type as a value: `int`, `google.protobuf.Timestamp`, `net.IP`, … */
export class TypeValue {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

/** A value of a library's own type; `type` is its name. Libraries extend this. Equality is `equals`. */
export abstract class Opaque {
  abstract readonly type: string
  /** Called with a value of the same type. */
  abstract equals(other: Opaque): boolean
}

/** An error as a value. Its message names functions, fields, types and positions, never data. */
export class Failure {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
}

export type Result = Value | Failure
