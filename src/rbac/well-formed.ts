const loneSurrogate = /\p{Surrogate}/u

/** Whether every surrogate has its partner, so that the text survives UTF-8. */
export function isWellFormed(text: string): boolean {
  return !loneSurrogate.test(text)
}
