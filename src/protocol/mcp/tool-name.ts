/** Tool and prompt names; the specification recommends them without "/", SEP-986 with it. Compared exactly, never folded. */
export const toolNamePattern = /^[A-Za-z0-9_.\-/]{1,128}$/
