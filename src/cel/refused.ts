/** Why an expression does not compile, on its way from where it was noticed to `compile`, which returns it as a value. */
export class Refused extends Error {
  readonly at: number
  readonly hint: string | undefined

  constructor(at: number, message: string, hint?: string) {
    super(message)
    this.at = at
    this.hint = hint
  }
}
