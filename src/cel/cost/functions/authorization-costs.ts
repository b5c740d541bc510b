import { kubernetesCheckPrice } from '../../library/authz.js'
import { exactly, fullTens, tens, through, through2, upTo, zero } from '../range.js'
import { textOf } from '../shapes/plain-shapes.js'
import { scalar } from '../shapes/shape.js'
import { costs, nominal, type PriceTable, traversed } from './pricing.js'

/** Questions to the authorizer, which Kubernetes' libraries put. */
export const authorizationCosts: PriceTable = [
  [['authorizer_path', 'groupcheck_resource'], o => ({ cost: traversed(o.text(1)), shape: scalar })],
  [
    ['authorizer_serviceaccount'],
    o => ({ cost: through2(o.text(1), o.text(2), (a, b) => Math.max(1, fullTens(a + b))), shape: scalar }),
  ],
  [
    [
      ...['authorizer_group', 'resourcecheck_subresource', 'resourcecheck_namespace', 'resourcecheck_name'],
      ...['decision_allowed', 'decision_errored'],
    ],
    nominal,
  ],
  [['decision_reason', 'decision_error'], o => costs(zero, textOf(upTo(o.sizes.inputBytes)))],
  // So that an expression can pay for two and no more (apiserver pkg/cel/library/cost.go).
  [
    ['pathcheck_check', 'resourcecheck_check'],
    o => ({ cost: exactly(o.sizes.checkPrice ?? kubernetesCheckPrice), shape: scalar }),
  ],
  [
    ['authorizer_fieldselector', 'authorizer_labelselector'],
    o => ({ cost: through(o.text(1), size => 10 + tens(size) + Math.ceil(size / 2) * 50), shape: scalar }),
  ],
]
