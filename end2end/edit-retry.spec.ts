// Story: the job fails because of what it carries; correct that, and let it run again.
import { make, payload } from './jobs'
import { expect, test, toasts } from './support'

test.use({ consoleArgs: ['--archive', 'off'] })

const dead = (id: string, rest = {}) => ({
  id, attempts: 3, error: 'Card declined', failedAt: 1795432801819, createdAt: 1795432800000, properties: { order: 17, note: 'a "quoted" é' }, ...rest,
})

test('a payload is corrected and the job waits with it; every other byte stays', async ({ queues, redis, open }) => {
  await queues.fail('orders', [dead('DEAD-1')])
  const page = await open('/queues/orders?state=failed')
  await page.getByRole('link', { name: /DEAD-1/ }).click()
  await page.getByRole('button', { name: 'Edit and retry…' }).click()
  const dialog = page.getByRole('dialog')
  const field = dialog.getByLabel('Payload')
  await expect(dialog).toContainText('sets attempts to 0 and cuts error, failedAt and delaySeconds')
  await expect(dialog).toContainText('As it stands in Redis.')
  await expect(field).toHaveValue(/\n {6}"order": 17,\n/)
  const before = await field.inputValue()

  // Not JSON: where, and no way to send it. The same text again is as good as untouched.
  await field.fill(before.replace('"order": 17,', '"order": 17,,'))
  await expect(dialog).toContainText('Line 8, column 19: a key is expected.')
  await expect(dialog.getByRole('button', { name: 'Retry job' })).toBeDisabled()
  await field.fill('[1]')
  await expect(dialog).toContainText('an object is expected')
  await field.fill(before)
  await expect(dialog).toContainText('As it stands in Redis.')

  await field.fill(before.replace('"order": 17', '"order": 9007199254740993123'))
  await expect(dialog).toContainText('Changed.')
  // What was typed is not thrown away by a slip of the hand.
  await page.keyboard.press('Escape')
  await page.mouse.click(5, 400)
  await expect(field).toHaveValue(/9007199254740993123/)
  await dialog.getByRole('button', { name: 'Retry job' }).click()
  await expect(dialog).toBeHidden()
  await expect(toasts(page)).toContainText('Job DEAD-1 is waiting in orders')

  const was = payload('orders', dead('DEAD-1'))
  const now = was.replace('\\"order\\":17', '\\"order\\":9007199254740993123').replace('"attempts":3', '"attempts":0')
  expect(await redis.lRange('queue:orders', 0, -1)).toEqual([now.replace(',"error":"Card declined","failedAt":1795432801819', '')])
  expect(await queues.failed('orders')).toBe(0)
})

test('another queue is warned of, an unread priority is offered the base list', async ({ queues, redis, open }) => {
  await queues.fail('orders', [dead('DEAD-1', { priority: 'urgent' })])
  const page = await open('/queues/orders/jobs/DEAD-1')
  await page.getByRole('button', { name: 'Edit and retry…' }).click()
  const dialog = page.getByRole('dialog')
  const field = dialog.getByLabel('Payload')
  await expect(dialog).not.toContainText('queueName is')
  await field.fill((await field.inputValue()).replace('"queueName": "orders"', '"queueName": "mail"'))
  await expect(dialog).toContainText('data.properties.queueName is mail, not orders.')

  await dialog.getByRole('button', { name: 'Retry job' }).click()
  await expect(dialog).toContainText('No worker reads the priority')
  expect(await queues.failed('orders')).toBe(1)
  await expect(field).toHaveValue(/"queueName": "mail"/)
  await dialog.getByRole('button', { name: 'Retry to base list' }).click()
  await expect(dialog).toBeHidden()
  expect(JSON.parse((await redis.lIndex('queue:orders', 0))!)).toMatchObject({ id: 'DEAD-1', priority: 'urgent', attempts: 0 })
})

test('what was typed stays when the job is gone meanwhile', async ({ queues, redis, open }) => {
  await queues.fail('orders', [dead('DEAD-1')])
  const page = await open('/queues/orders/jobs/DEAD-1')
  await page.getByRole('button', { name: 'Edit and retry…' }).click()
  const dialog = page.getByRole('dialog')
  const field = dialog.getByLabel('Payload')
  await field.fill((await field.inputValue()).replace('17', '18'))
  await redis.del('queue:orders:failed')
  await dialog.getByRole('button', { name: 'Retry job' }).click()
  await expect(dialog.getByRole('alert')).toContainText('no longer in the failed list')
  await expect(field).toHaveValue(/"order": 18/)
  expect(await queues.waiting('orders')).toBe(0)
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await expect(dialog).toBeHidden()
})

test('it is offered for failed jobs that can be edited, and says why not else', async ({ queues, redis, open }) => {
  await queues.push('orders', make(1, 'ORD'))
  await queues.fail('orders', [dead('BIG', { properties: { blob: 'x'.repeat(70_000) } })])
  await redis.lPush('queue:orders:failed', 'no JSON')
  const page = await open('/queues/orders/jobs/BIG')
  const button = page.getByRole('button', { name: 'Edit and retry…' })
  await expect(button).toBeDisabled()
  await expect(page.getByRole('main')).toContainText('too much to be edited here')
  await open('/queues/orders/jobs/ORD-1')
  await expect(page.getByRole('button', { name: 'Delete job…' })).toBeVisible()
  await expect(button).toHaveCount(0)
  await open('/queues/orders?state=failed')
  await page.getByRole('link', { name: /Unreadable payload/ }).click()
  await expect(page.getByRole('button', { name: 'Delete job…' })).toBeVisible()
  await expect(button).toHaveCount(0)
})
