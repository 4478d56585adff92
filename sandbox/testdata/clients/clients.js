// Others' clients of Clayful and Iamport, pointed at the sandbox. Ends with 1
// on the first thing that is not as their vendors have it.
const assert = require('node:assert/strict')
const { env } = process

const Clayful = require('clayful')
Clayful.baseUrl = env.CLAYFUL_URL
Clayful.config({ client: env.CLAYFUL_TOKEN, language: 'ko', currency: 'KRW', timeZone: 'Asia/Seoul', debugLanguage: 'ko' })
const { Customer, Product, Collection, Cart, Order, Coupon, Vendor, ShippingPolicy } = Clayful

async function shop() {
  const name = 'js' + Date.now()
  const created = await Customer.create({ userId: name, email: name + '@byeolshow.example', password: 'pass1234!' })
  assert.equal(created.status, 201)
  const { data: auth } = await Customer.authenticate({ userId: name, password: 'pass1234!' })
  assert.equal(auth.customer, created.data._id)
  assert.equal(auth.expiresIn, 604800)
  const as = { customer: auth.token }
  assert.equal((await Customer.getMe(as)).data.userId, name)
  await assert.rejects(Customer.authenticate({ userId: name, password: 'wrong' }), e => e.isClayful && e.code === 'invalid-password')
  await assert.rejects(Customer.create({ userId: name, password: 'pass1234!' }), e => e.code === 'duplicated-user-id')

  const { data: products } = await Product.list({ query: { collection: 'any', available: true, limit: 10, fields: 'name,price,variants,shipping' } })
  assert.equal(products.length, 10)
  assert.equal(typeof products[0].price.sale.raw, 'number')
  assert.match(products[0].price.sale.converted, /원$/)
  assert.ok((await Product.count()).data.count.raw >= 60)
  assert.equal((await Collection.list({ query: { parent: 'none' } })).data.length, 2)
  assert.equal((await Vendor.list()).data.length, 3)
  assert.ok((await ShippingPolicy.list()).data.length >= 4)
  assert.ok((await Coupon.list()).data.length >= 6)
  await assert.rejects(Product.get('NXTHXNG22222'), e => e.code === 'not-existing-product' && e.status === 404)

  const product = products.find(p => p.variants.every(v => v.quantity === null))
  const line = { product: product._id, variant: product.variants[0]._id, quantity: 2, shippingMethod: product.shipping.methods[0]._id }
  const added = await Cart.addItemForMe(line, as)
  assert.equal(added.data.quantity, 2)
  assert.equal((await Cart.updateItemForMe(added.data._id, { quantity: 3 }, as)).data.quantity, 3)
  assert.equal((await Cart.countItemsForMe(as)).data.count.raw, 1)
  const home = { name: { full: 'JS' }, postcode: '06236', country: 'KR', state: '서울', city: '강남구', address1: '테헤란로 152' }
  const { data: { cart } } = await Cart.getForMe({ address: { shipping: home, billing: home } }, as)
  assert.equal(cart.items[0].quantity.raw, 3)
  assert.equal(cart.total.amount.raw, cart.total.items.price.withTax.raw + cart.total.shipping.fee.withTax.raw)
  const { data: { order } } = await Cart.checkoutForMe('order', { currency: 'KRW', paymentMethod: 'clayful-iamport', address: { shipping: home, billing: home } }, as)
  assert.equal(order.status, 'placed')
  assert.equal(order.total.amount, cart.total.amount.raw)

  await pay(order)
  assert.equal((await Order.updateTransactionsForMe(order._id, as)).data.status, 'paid')
  assert.equal((await Order.listForMe(as)).data[0].total.paid.raw, order.total.amount)
  const { data: refund } = await Order.requestRefundForMe(order._id, { reason: 'x', items: [{ item: order.items[0]._id, quantity: 1 }], shipments: [] }, as)
  assert.equal(refund.status, 'requested')
  await assert.rejects(Order.cancelForMe(order._id, { reason: 'x' }, as), e => e.code === 'invalid-order-status')
  assert.equal((await Order.acceptRefund(order._id, refund._id)).data.accepted, true)
  await Order.restockAllRefundItems(order._id, refund._id)
  assert.equal((await Order.get(order._id)).data.status, 'under-refunded')
  assert.equal((await Order.markAsReceivedForMe(order._id, as)).status, 200)
  await assert.rejects(Order.markAsReceivedForMe(order._id, as), e => e.code === 'received-order')
  assert.equal((await Customer.deleteMe(as)).status, 204)
}

const control = (path, body) => fetch(env.CONTROL_URL + path, { method: 'POST', body: JSON.stringify(body) }).then(r => r.json())

// pay prepares, pays and gives a part back, by both clients of Iamport.
async function pay(order) {
  const { Iamporter, IamporterError } = require('iamporter')
  const one = new Iamporter({ apiKey: env.IAMPORT_KEY, secret: env.IAMPORT_SECRET, host: env.IAMPORT_URL })
  await one.createPreparedPayment({ merchant_uid: order._id, amount: order.total.amount })
  assert.equal((await one.getPreparedPayment(order._id)).data.amount, order.total.amount)
  const { imp_uid } = await control('/iamport/pay', { merchant_uid: order._id })
  const { data: payment } = await one.findByImpUid(imp_uid)
  assert.equal(payment.status, 'paid')
  assert.equal(payment.amount, order.total.amount)
  assert.equal((await one.findByMerchantUid(order._id)).data.imp_uid, imp_uid)
  assert.ok((await one.findAllByStatus('paid')).data.list.length >= 1)
  assert.equal((await one.findByImpUid('imp_000000000000')).status, 404) // which it does not take for an error

  const spare = { merchant_uid: 'js-' + Date.now(), amount: 5000 }
  await one.createPreparedPayment(spare)
  const { imp_uid: other } = await control('/iamport/pay', { merchant_uid: spare.merchant_uid })
  assert.equal((await one.cancelByImpUid(other, { amount: 2000, reason: 'x' })).data.cancel_amount, 2000)
  await assert.rejects(one.cancelByImpUid(other, { amount: 4000 }), IamporterError)

  const imp = require('iamport-server-api').default
  const two = new imp.IamportConnector(env.IAMPORT_URL, { imp_key: env.IAMPORT_KEY, imp_secret: env.IAMPORT_SECRET })
  const found = await imp.functional.payments.at(await two.get(), other, {})
  assert.equal(found.response.cancel_amount, 2000)
  const rest = await imp.functional.payments.cancel(await two.get(), { imp_uid: other, merchant_uid: spare.merchant_uid, amount: 3000, checksum: 3000, reason: 'rest' })
  assert.equal(rest.code, 0)
  assert.equal(rest.response.cancel_amount, 5000)
}

shop().then(() => console.log('all as their vendors have it'), error => { console.error(error); process.exit(1) })
