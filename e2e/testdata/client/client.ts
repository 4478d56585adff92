// Shops by types that are generated from the OpenAPI document: what the
// compiler takes for granted here, the running system has to keep.
import assert from 'node:assert/strict'
import { env } from 'node:process'
import createClient from 'openapi-fetch'
import type { paths } from './api.js'

const api = createClient<paths>({ baseUrl: env.API_URL! })

const refused = await api.POST('/user/auth', { body: { userId: env.USER_ID!, password: 'wrong' } })
assert.equal(refused.response.status, 400)
assert.ok(refused.error!.error.message.length > 0)

const login = await api.POST('/user/auth', { body: { userId: env.USER_ID!, password: env.PASSWORD! } })
assert.ok(login.data!.success.message.length > 0)
api.use({
  onRequest({ request }) {
    request.headers.set('Custom-Token', login.response.headers.get('Custom-Token')!)
    return request
  },
})

const listed = await api.GET('/product/collection', { params: { query: { page: 1 } } })
const product = listed.data!.find(p => p.variants.some(v => v.quantity === null || v.quantity > 2))!
const variant = product.variants.find(v => v.quantity === null || v.quantity > 2)!
const price: number = variant.price.sale!

const added = await api.POST('/cart/items', { body: { payloads: [{ payload: { product: product._id, variant: variant._id, quantity: 2 } }] } })
assert.equal(added.data!.length, 1)

const home = { name: { full: '클라이언트' }, postcode: '06236', country: 'KR', state: '서울', city: '강남구', address1: '테헤란로 152' }
const address = { shipping: home, billing: home }
const { data: cart } = await api.POST('/cart', { body: { address } })
const line = cart!.cart[0]!.items[0]!
assert.equal(line.quantity, 2)
assert.equal(line.price.sale, 2 * price)

const checkout = () => api.POST('/cart/checkout', {
  params: { header: { 'Idempotency-Key': 'typed' } },
  body: { payload: { currency: 'KRW', paymentMethod: 'clayful-iamport', address } },
})
const [first, second] = [await checkout(), await checkout()]
const { order } = first.data!
assert.equal(order.status, 'placed')
assert.equal(order.total.amount, cart!.total!.amount)
assert.equal(second.data!.order._id, order._id)

const seen = await api.GET('/order/{order_id}', { params: { path: { order_id: order._id } } })
assert.equal(seen.data!.total.amount, order.total.amount)
assert.equal(seen.data!.items[0]!.product._id, product._id)

const foreign = await api.GET('/order/{order_id}', { params: { path: { order_id: 'NXTHXNG22222' } } })
const words: string = foreign.error as string
assert.match(words, /^not-existing-order /)
