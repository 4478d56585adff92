'use strict'
const $ = id => document.getElementById(id)
const { sandbox, console: temporal } = document.body.dataset
const stars = { star1: 'STAR2222AAA2', star2: 'STAR2222AAA3', star3: 'STAR2222AAA4' }
const home = {
  name: { full: '데모' }, company: null, postcode: '06236', country: 'KR', state: '서울', city: '강남구',
  address1: '테헤란로 152', address2: '1층', mobile: '01012345678',
}
const address = { shipping: home, billing: home }
const won = n => `${Number(n).toLocaleString('ko-KR')}원`
const kept = name => JSON.parse(sessionStorage.getItem(name) ?? 'null')
const keep = (name, value) => sessionStorage.setItem(name, JSON.stringify(value))

const element = (tag, properties, ...children) => {
  const made = Object.assign(document.createElement(tag), properties)
  made.append(...children)
  return made
}

const say = text => { $('notice').textContent = text; $('notice').hidden = !text }

const call = async (method, path, { token, body, headers } = {}) => {
  const answer = await fetch(path, {
    method, body: body && JSON.stringify(body), headers: { ...(token && { 'Custom-Token': token }), ...headers },
  })
  const text = await answer.text()
  let value
  try { value = JSON.parse(text) } catch { value = text }
  if (answer.status === 401) for (const name of Object.keys(sessionStorage)) if (name.startsWith('token ')) sessionStorage.removeItem(name)
  if (!answer.ok) throw new Error(value?.error?.message ?? value)
  return { value, answer }
}

// attempt does what a button stands for, once at a time, and tells what went wrong.
const attempt = (button, what) => async event => {
  event.preventDefault()
  button.disabled = true
  say('')
  try { await what() } catch (wrong) { say(wrong.message) } finally { button.disabled = false }
}

const logIn = async (userId, password) => {
  const known = kept('token ' + userId)
  if (known) return known
  const { answer } = await call('POST', '/user/auth/', { body: { userId, password } })
  const token = answer.headers.get('Custom-Token')
  keep('token ' + userId, token)
  return token
}
const customer = async () => {
  const token = await logIn('demo2', 'demo1234!')
  $('who').textContent = 'you are demo2'
  return token
}
const workflow = id => `${temporal}/namespaces/default/workflows?query=${encodeURIComponent(`WorkflowId="${id}"`)}`

// Broadcasts

let chosen = kept('chosen'), chosenStatus

const lists = ['/media/schedule/today/live', '/media/schedule/ready/', ...Object.values(stars).map(id => '/influencer/myvod/?influencer_id=' + id)]

const refresh = async () => {
  const found = new Map()
  for (const { value } of await Promise.all(lists.map(path => call('GET', path)))) {
    for (const show of value.success?.data ?? value) if (!found.has(show.vod_id)) found.set(show.vod_id, show)
  }
  const order = { live: 0, ready: 1, close: 2, completed: 3 }
  const shows = [...found.values()].sort((a, b) => order[a.status] - order[b.status] || (a.started_at ?? '').localeCompare(b.started_at ?? ''))
  $('list').replaceChildren(...shows.map(show => element('li', { className: show.vod_id === chosen ? 'on' : '' },
    element('button', { onclick: () => choose(show.vod_id) },
      element('span', { className: 'badge ' + show.status, textContent: show.status }), element('span', { textContent: show.title }),
      element('small', { textContent: `${show.influencer_name} · ${(show.started_at ?? '').slice(5, 16).replace('T', ' ')}` })))))
  if (chosen) await look()
}

const start = async () => {
  for (const [name, id] of Object.entries(stars)) {
    const { value: own } = await call('GET', '/influencer/myvod/?influencer_id=' + id)
    if (own.success.data.some(show => show.status === 'live' || show.status === 'close')) continue
    const token = await logIn(name, 'star1234!')
    await call('GET', '/influencer/streamkey/', { token })
    const { value } = await call('POST', '/media/reserve/', {
      token, body: {
        title: 'Playground: 별쇼 첫 방송', notice: null, description: null, product_id: 'PRDUCT222223', product_name: '별쇼 상품 01',
        product_price: 10900, product_sale: 10900, product_brand: null, product_thumbnail: null,
        product_list: ['PRDUCT222223', 'PRDUCT222225'], started_at: new Date(Date.now() + 10_000).toISOString(),
      },
    })
    await choose(value.success.data.vod_id)
    return
  }
  throw new Error('Every influencer is on air. End a show first.')
}

const choose = async id => {
  if (id !== chosen) leave()
  chosen = id
  keep('chosen', id)
  await refresh()
}

const look = async () => {
  const id = chosen
  let show
  try {
    show = (await call('GET', '/media/get/?media_id=' + id)).value.success
  } catch (wrong) {
    if (id === chosen) keep('chosen', chosen = null)
    throw wrong
  }
  if (id !== chosen) return
  $('nothing').hidden = true
  $('chosen').hidden = false
  $('badge').className = 'badge ' + show.status
  $('badge').textContent = show.status
  $('title').textContent = show.title
  $('by').textContent = `${show.influencer_name} · ${show.started_at?.replace('T', ' ') ?? 'no time set'} (Seoul)`
  $('views').textContent = `${show.vod_view_count} views`
  $('workflow').href = workflow('broadcast/' + show.vod_id)
  $('end').hidden = show.status !== 'live'
  $('end').value = Object.entries(stars).find(([, id]) => id === show.influencer_id)?.[0] ?? ''
  if (chosenStatus !== show.vod_id + show.status) $('products').replaceChildren(...show.product_list.map(onSale))
  chosenStatus = show.vod_id + show.status
  if (show.status === 'live' && !socket) enter(show.vod_id)
}

const onSale = product => {
  const button = element('button', { textContent: 'Add to cart' })
  button.onclick = attempt(button, async () => {
    const token = await customer()
    await call('POST', '/cart/items/', { token, body: { payloads: [{ payload: { product: product._id, variant: product.variants[0]._id, quantity: 1 } }] } })
    await showCart()
  })
  return element('li', {}, element('span', { textContent: product.name }), element('span', { textContent: won(product.price.sale.raw) }), button)
}

// Chat

let socket, entered = false, ended = new Set(), pause = 1000
const me = '손님' + (kept('guest') ?? (keep('guest', Math.floor(Math.random() * 9000) + 1000), kept('guest')))

const line = (className, ...what) => {
  $('chat').append(element('li', { className }, ...what))
  $('chat').scrollTop = $('chat').scrollHeight
}

const enter = id => {
  if (ended.has(id)) return
  const mine = socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/ws/chat/${id}/`)
  mine.onopen = () => { pause = 1000; mine.send(JSON.stringify({ stat: 'entry', username: me })) }
  mine.onmessage = ({ data }) => {
    const frame = JSON.parse(data)
    if (frame.count !== undefined) $('people').textContent = `${frame.count} in the chat`
    if (frame.username === 'USERIN') {
      if (!entered) { entered = true; $('say').lastElementChild.textContent = 'Say'; $('text').placeholder = `Say something as ${me}` }
      line('aside', frame.message)
    } else if (frame.stat === 'end') { ended.add(id); line('aside', frame.message) }
    else if (frame.stat === 'error') line('wrong', frame.message)
    else if (frame.stat === 'chat') line('', element('b', { textContent: frame.username }), frame.message)
  }
  mine.onclose = ({ code }) => {
    if (socket !== mine) return
    entered = false
    $('people').textContent = ''
    if (code === 1000 || code === 1008) { socket = undefined; ended.add(id); return }
    // Everybody else comes back at another moment, later each time.
    setTimeout(() => { if (socket === mine) socket = undefined }, pause * Math.random())
    pause = Math.min(pause * 2, 30_000)
  }
}

const leave = () => {
  const old = socket
  socket = undefined
  entered = false
  old?.close()
  $('chat').replaceChildren()
  $('people').textContent = ''
}

// Cart, order, payment

const showCart = async () => {
  const token = await customer()
  const { value } = await call('POST', '/cart/', { token, body: { address } })
  const items = value.cart.flatMap(group => group.items)
  $('cart').replaceChildren(...items.map(item => element('li', {},
    element('span', { textContent: `${item.product.name} × ${item.quantity}` }), element('span', { textContent: won(item.total.price.sale) }))))
  if (!items.length) $('cart').append(element('li', { className: 'hint', textContent: 'The cart is empty. Add something from the show.' }))
  $('shipping').textContent = won(value.total.shipping.fee.withTax)
  $('total').textContent = won(value.total.price.withTax)
  $('checkout').disabled = !items.length
}

const checkOut = async () => {
  const token = await customer()
  const key = kept('key') ?? crypto.randomUUID()
  keep('key', key) // however often it is tried, it is one order
  const { value } = await call('POST', '/cart/checkout/', {
    token, headers: { 'Idempotency-Key': key }, body: { payload: { currency: 'KRW', paymentMethod: 'clayful-iamport', address } },
  })
  keep('key', null)
  keep('order', value.order._id)
  await showOrder()
}

const showOrder = async () => {
  const id = kept('order')
  if (!id) return
  const { value: order } = await call('GET', `/order/${id}/`, { token: await customer() })
  const waits = ['placed', 'under-paid'].includes(order.status)
  $('order').hidden = false
  $('order-id').textContent = id
  $('status').textContent = order.status
  $('status').className = waits ? 'badge ready' : 'badge completed'
  $('amount').textContent = won(order.total.amount)
  const back = location.origin + '/playground'
  $('pay').href = `${sandbox}/control/iamport/window?merchant_uid=${encodeURIComponent(id)}&redirect=${encodeURIComponent(back)}`
  $('pay').hidden = !waits
  $('order-workflow').href = workflow('order/' + id)
  return order
}

// verify does what a shop's page does when the payment window comes back.
const verify = async () => {
  const { imp_uid: impUID, merchant_uid: id } = Object.fromEntries(new URLSearchParams(location.search))
  if (!impUID) return
  history.replaceState(null, '', '/playground')
  const order = await showOrder()
  const { value } = await call('POST', '/payment/verify/', { body: { imp_uid: impUID, merchant_uid: id, amount: order.total.amount }, token: await customer() })
  if (value.status !== 'success') say(value.message)
}

$('start').onclick = attempt($('start'), start)
$('end').onclick = attempt($('end'), async () => call('POST', '/media/end/', { token: await logIn($('end').value, 'star1234!'), body: { media_id: chosen } }))
$('checkout').onclick = attempt($('checkout'), async () => { await checkOut(); await showCart() })
$('say').onsubmit = event => {
  event.preventDefault()
  if (!entered || !$('text').value.trim()) return
  socket.send(JSON.stringify({ stat: 'chat', message: $('text').value }))
  $('text').value = ''
}

const round = async () => {
  try { await refresh(); await showOrder() } catch (wrong) { say(wrong.message) }
  setTimeout(round, 1500)
}
(async () => {
  try { await verify(); await showCart() } catch (wrong) { say(wrong.message) }
  round()
})()
