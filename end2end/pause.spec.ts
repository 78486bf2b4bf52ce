// Story: stop a queue, let it run again.
import { make } from './jobs'
import { expect, test } from './support'

const flags = ['queue:orders:critical:paused', 'queue:orders:high:paused', 'queue:orders:paused', 'queue:orders:low:paused']

test('a queue is paused on all its lists and resumed', async ({ queues, redis, open }) => {
  await queues.push('orders', make(2, 'ORD'))
  const page = await open('/queues/orders')

  await page.getByRole('button', { name: 'Pause queue' }).click()
  await expect(page.getByRole('button', { name: 'Resume queue' })).toBeVisible()
  expect(await redis.mGet(flags)).toEqual(['1', '1', '1', '1'])
  await expect(page.getByRole('main')).toContainText('Paused')
  // What a pause does not stop is said on the page, not only in passing.
  const meaning = page.getByText('Workers take no waiting job. Delayed jobs that are due run all the same.')
  await expect(meaning).toBeVisible()

  await page.getByRole('button', { name: 'Resume queue' }).click()
  await expect(page.getByRole('button', { name: 'Pause queue' })).toBeVisible()
  expect(await redis.exists(flags)).toBe(0)
  await expect(meaning).toHaveCount(0)
})

test('a queue that is paused in part says so', async ({ queues, redis, open }) => {
  await queues.push('orders', make(2, 'ORD'))
  await redis.set('queue:orders:paused', '1')
  const page = await open('/queues/orders')
  await expect(page.getByRole('main')).toContainText('Partly paused')
  await expect(page.getByText('workers go on with the others. Delayed jobs that are due run all the same.')).toBeVisible()
})
