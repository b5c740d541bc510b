import { Failure } from '../values/value.js'
import { isInt, isText } from './implement.js'
import type { Library } from './library.js'
import { isOf, priced1, priced2, traversal } from './priced.js'
import { parseQuantity, Quantity } from './quantity-value.js'

const isQuantity = isOf(Quantity)
const noInteger = new Failure('the quantity cannot be converted to an integer')

/** `kubernetes.quantity` (Kubernetes 1.28): sizes and amounts in the notation of resources. */
export const quantityLibrary: Library = {
  name: 'kubernetes.quantity',
  types: ['kubernetes.Quantity'],
  functions: [
    {
      id: 'string_to_quantity',
      signature: 'quantity(string) -> kubernetes.Quantity',
      call: priced1(isText, parseQuantity, traversal),
    },
    {
      id: 'is_quantity_string',
      signature: 'isQuantity(string) -> bool',
      call: priced1(isText, text => parseQuantity(text) instanceof Quantity, traversal),
    },
    {
      id: 'quantity_sign',
      signature: 'sign(kubernetes.Quantity) -> int',
      call: priced1(isQuantity, quantity => BigInt(quantity.sign())),
    },
    {
      id: 'quantity_is_greater_than',
      signature: 'kubernetes.Quantity.isGreaterThan(kubernetes.Quantity) -> bool',
      call: priced2(isQuantity, isQuantity, (a, b) => a.compare(b) > 0),
    },
    {
      id: 'quantity_is_less_than',
      signature: 'kubernetes.Quantity.isLessThan(kubernetes.Quantity) -> bool',
      call: priced2(isQuantity, isQuantity, (a, b) => a.compare(b) < 0),
    },
    {
      id: 'quantity_compare_to',
      signature: 'kubernetes.Quantity.compareTo(kubernetes.Quantity) -> int',
      call: priced2(isQuantity, isQuantity, (a, b) => BigInt(a.compare(b))),
    },
    {
      id: 'quantity_get_float',
      signature: 'kubernetes.Quantity.asApproximateFloat() -> double',
      call: priced1(isQuantity, quantity => quantity.asApproximateFloat()),
    },
    {
      id: 'quantity_get_int',
      signature: 'kubernetes.Quantity.asInteger() -> int',
      call: priced1(isQuantity, quantity => quantity.asInteger() ?? noInteger),
    },
    {
      id: 'quantity_is_integer',
      signature: 'kubernetes.Quantity.isInteger() -> bool',
      call: priced1(isQuantity, quantity => quantity.asInteger() !== undefined),
    },
    {
      id: 'quantity_add',
      signature: 'kubernetes.Quantity.add(kubernetes.Quantity) -> kubernetes.Quantity',
      call: priced2(isQuantity, isQuantity, (a, b) => a.add(b)),
    },
    {
      id: 'quantity_add_int',
      signature: 'kubernetes.Quantity.add(int) -> kubernetes.Quantity',
      call: priced2(isQuantity, isInt, (a, b) => a.add(Quantity.ofInt(b))),
    },
    {
      id: 'quantity_sub',
      signature: 'kubernetes.Quantity.sub(kubernetes.Quantity) -> kubernetes.Quantity',
      call: priced2(isQuantity, isQuantity, (a, b) => a.add(b.negate())),
    },
    {
      id: 'quantity_sub_int',
      signature: 'kubernetes.Quantity.sub(int) -> kubernetes.Quantity',
      call: priced2(isQuantity, isInt, (a, b) => a.add(Quantity.ofInt(b).negate())),
    },
  ],
}
