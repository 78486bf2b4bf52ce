// Story: the page follows Redis, and holds still while one works on it.
import { make } from './jobs'
import { expect, test } from './support'

test('counts follow without a reload', async ({ queues, open }) => {
  await queues.push('orders', make(1, 'ORD'))
  const page = await open('/queues/orders')
  const waiting = page.getByRole('navigation', { name: 'States' }).getByRole('link', { name: /Waiting/ })
  await expect(waiting).toContainText('1')
  await queues.push('orders', make(41, 'MORE'))
  await expect(waiting).toContainText('42')
})

test.describe('before the first count', () => {
  test.use({ counted: false })

  test('a table that is opened too early fills by itself', async ({ queues, open }) => {
    await queues.push('orders', make(3, 'ORD'))
    const page = await open('/queues')
    await expect(page.getByRole('link', { name: 'orders', exact: true })).toBeVisible()
  })
})

test('rows stay while jobs are selected', async ({ queues, redis, open }) => {
  await queues.fail('orders', make(3, 'DEAD'))
  const page = await open('/queues/orders?state=failed')
  await page.getByRole('checkbox', { name: 'Select DEAD-2' }).check()
  await queues.fail('orders', make(2, 'NEW'))
  await expect(page.getByRole('navigation', { name: 'States' }).getByRole('link', { name: /Failed/ })).toContainText('5')
  await expect(page.getByRole('checkbox', { name: 'Select DEAD-2' })).toBeChecked()
  await expect(page.getByRole('checkbox', { name: 'Select NEW-1' })).toHaveCount(0)
  expect(await redis.lLen('queue:orders:failed')).toBe(5)
})

test('Redis goes away and comes back', async ({ queues, redis, redisServer, open }) => {
  await queues.push('orders', make(7, 'ORD'))
  const page = await open('/queues')
  await expect(page.getByRole('row').filter({ hasText: 'orders' })).toContainText('7')
  await redisServer.stop()
  await expect(page.getByText(/Redis cannot be reached since \d\d:\d\d/).first()).toBeVisible({ timeout: 15_000 })
  // The last numbers stay.
  await expect(page.getByRole('row').filter({ hasText: 'orders' })).toContainText('7')

  const { startRedis } = await import('./servers')
  const again = await startRedis(Number(new URL(redisServer.url).port))
  await expect(page.getByText(/Redis cannot be reached since/)).toHaveCount(0, { timeout: 20_000 })
  await again.stop()
  expect(redis).toBeDefined()
})
