import fc from 'fast-check'

/** Any UTF-16 unit, for strings: control characters and halves of surrogate pairs too, and enough of plain ASCII. */
export const anyUnit = fc
  .oneof(fc.integer({ min: 0x20, max: 0x7e }), fc.integer({ min: 0, max: 0xff }), fc.integer({ min: 0, max: 0xffff }))
  .map(unit => String.fromCharCode(unit))
