// Story: where do alerts go, and does it work?
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { expect, test as base, toasts } from './support'

interface Receiver {
  url: string
  got: { headers: IncomingHttpHeaders; body: string }[]
  /** What is answered from now on. */
  answer: { status: number; body: string }
}

const test = base.extend<{ receiver: Receiver }>({
  receiver: async ({}, use) => {
    const receiver: Receiver = { url: '', got: [], answer: { status: 200, body: 'thank you' } }
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (part) => (body += part))
      request.on('end', () => {
        receiver.got.push({ headers: request.headers, body })
        response.writeHead(receiver.answer.status).end(receiver.answer.body)
      })
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const address = server.address()
    receiver.url = `http://127.0.0.1:${address && typeof address === 'object' ? address.port : 0}/hook/s3cr3tt0ken`
    await use(receiver)
    server.closeAllConnections()
    server.close()
  },
  consoleArgs: [['--archive', 'off', '--allow-private-webhooks'], { option: true }],
})

test('a webhook is tried, saved, and its secret does not come back', async ({ open, receiver, redis }) => {
  const page = await open('/alerts/channels')
  const form = page.getByRole('form', { name: /^Webhook/ })
  await form.getByLabel('Send alerts to a webhook').check()
  await form.getByLabel('URL').fill(receiver.url)
  await form.getByLabel('Signing secret').fill('s1gning')
  receiver.answer = { status: 503, body: 'closed for lunch' }
  await form.getByRole('button', { name: 'Test Webhook' }).click()
  await expect(form.getByRole('status')).toContainText('HTTP 503 Service Unavailable: closed for lunch')
  receiver.answer = { status: 200, body: 'thank you' }
  await form.getByRole('button', { name: 'Test Webhook' }).click()
  await expect(form.getByRole('status')).toContainText('HTTP 200 OK: thank you')
  expect(receiver.got[1].headers['x-flux-console-signature']).toMatch(/^sha256=[0-9a-f]{64}$/)
  expect(JSON.parse(receiver.got[1].body).kind).toBe('test')
  expect(await redis.get('gravito:zenith:alerts:config')).toBeNull()

  await form.getByRole('button', { name: 'Save Webhook' }).click()
  await expect(toasts(page)).toContainText('Saved webhook')
  await expect(form.getByLabel('URL')).toHaveValue('')
  await expect(form).toContainText('Stored: 127.0.0.1. Leave empty to keep it.')
  const channels = JSON.parse((await redis.get('gravito:zenith:alerts:config'))!).channels
  expect(channels.webhook).toEqual({ enabled: true, url: receiver.url, secret: 's1gning' })

  await page.reload()
  await expect(page.getByRole('form', { name: /^Webhook/ })).toContainText('Stored: 127.0.0.1')
  const html = await page.content()
  expect(html).not.toContain('s3cr3tt0ken')
  expect(html).not.toContain('s1gning')
})

test('somebody else saved in between: nothing is overwritten', async ({ open, receiver, redis, expectedErrors }) => {
  expectedErrors.push(/409/)
  const page = await open('/alerts/channels')
  const form = page.getByRole('form', { name: /^Discord/ })
  await redis.set('gravito:zenith:alerts:config', JSON.stringify({ channels: { discord: { enabled: false } } }))
  await form.getByLabel('Webhook URL').fill(receiver.url)
  await form.getByRole('button', { name: 'Save Discord' }).click()
  await expect(toasts(page)).toContainText('changed by somebody else')
  expect(JSON.parse((await redis.get('gravito:zenith:alerts:config'))!).channels.discord).toEqual({ enabled: false })
})

test('an alert that nobody took is sent again', async ({ open, receiver, redis }) => {
  await redis.set('gravito:zenith:alerts:config', JSON.stringify({ channels: { webhook: { enabled: true, url: receiver.url } } }))
  receiver.answer = { status: 410, body: 'moved out' }
  const page = await open('/alerts/channels')
  const version = await page.evaluate(() => fetch('/api/v1/alerts/undelivered').then((r) => r.json()))
  expect(version.alerts).toEqual([])
  const message = {
    id: 'm-1', kind: 'fired', ruleId: 'r-1', rule: 'Orders pile up', ruleType: 'backlog', subject: 'orders', text: 'orders has 12,000 waiting jobs.',
    value: '12,000 jobs', threshold: '10,000 jobs', at: new Date().toISOString(), since: null, environment: null,
  }
  // The hash of the prefix `queue:`.
  const [lease] = await redis.keys('flux_console:*:deliver:lease')
  const outbox = lease.replace('deliver:lease', 'alerts:outbox')
  await redis.lPush(outbox, JSON.stringify(message))
  await expect.poll(() => receiver.got.length).toBe(1)
  await page.reload()
  const undelivered = page.getByRole('region', { name: 'Undelivered' })
  await expect(undelivered).toContainText('orders has 12,000 waiting jobs.')
  await expect(undelivered).toContainText('HTTP 410 Gone: moved out')
  await expect(page.locator('html')).toHaveAttribute('data-hydrated', /.*/)
  receiver.answer = { status: 200, body: '' }
  await undelivered.getByRole('button', { name: 'Send again' }).click()
  await expect.poll(() => receiver.got.length).toBe(2)
  await expect(undelivered).toContainText('Everything was delivered')
})

test.describe('without a script', () => {
  test.use({ javaScriptEnabled: false })
  test('the channels read', async ({ visit, redis }) => {
    await redis.set('gravito:zenith:alerts:config', '{ oops')
    const page = await visit('/alerts/channels')
    await expect(page.getByRole('main')).toContainText('The stored channels are no JSON object')
    await expect(page.getByRole('main')).toContainText('Everything was delivered')
  })
})
