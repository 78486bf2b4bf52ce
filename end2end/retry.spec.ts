// Story: open a failed job, retry it, see the counts move.
import { make } from './jobs'
import { confirm, expect, test, toasts } from './support'

test('a failed job is retried from its page and the counts move', async ({ queues, redis, open }) => {
  await queues.push('orders', make(2, 'ORD'))
  await queues.fail('orders', make(3, 'DEAD'))
  const page = await open('/queues/orders?state=failed')
  const states = page.getByRole('navigation', { name: 'States' })
  await expect(states.getByRole('link', { name: /Failed/ })).toContainText('3')

  await page.getByRole('link', { name: /DEAD-2/ }).first().click()
  await page.getByRole('button', { name: 'Retry job' }).click()
  await expect(toasts(page)).toContainText('Job DEAD-2 is waiting in orders')

  expect(await queues.failed('orders')).toBe(2)
  const [retried] = await redis.lRange('queue:orders', 0, 0)
  expect(JSON.parse(retried)).toMatchObject({ id: 'DEAD-2', attempts: 0 })
  expect(retried).not.toContain('PaymentTimeout')

  await open('/queues/orders?state=failed')
  await expect(states.getByRole('link', { name: /Failed/ })).toContainText('2')
  await expect(states.getByRole('link', { name: /Waiting/ })).toContainText('3')
})

test('selected failed jobs are retried together', async ({ queues, open }) => {
  await queues.fail('orders', make(5, 'DEAD'))
  const page = await open('/queues/orders?state=failed')
  for (const n of [1, 3, 5]) await page.getByRole('checkbox', { name: `Select DEAD-${n}` }).check()
  await confirm(page, 'Retry 3 jobs…', 'Retry 3 jobs', /3/)
  await expect(toasts(page)).toContainText('Retried 3 jobs of orders')
  expect(await queues.failed('orders')).toBe(2)
  expect(await queues.waiting('orders')).toBe(3)
  await expect(page.getByRole('row').filter({ hasText: 'DEAD-3' })).toHaveCount(0)
})

test('retry all shows its progress and ends with every job waiting', async ({ queues, open }) => {
  await queues.fail('orders', make(900, 'DEAD'))
  const page = await open('/queues/orders?state=failed')
  await confirm(page, /^Retry 900 failed jobs/, /^Retry 900/, /orders/)
  await expect.poll(() => queues.waiting('orders')).toBe(900)
  expect(await queues.failed('orders')).toBe(0)
  await expect(page.getByRole('navigation', { name: 'States' }).getByRole('link', { name: /Waiting/ })).toContainText('900')

  await open('/operations')
  await expect(page.getByRole('main')).toContainText('900')
  await expect(page.getByRole('main')).toContainText('orders')
})

test('a long retry shows how far it is and can be cancelled; what it did stays done', async ({ queues, open }) => {
  test.setTimeout(90_000)
  const all = 60_000
  await queues.fail('orders', make(all, 'DEAD'))
  const page = await open('/queues/orders?state=failed')
  await confirm(page, /^Retry 60,000 failed jobs/, /^Retry 60,000 jobs/, /can be cancelled/)
  const bar = toasts(page).getByRole('progressbar', { name: 'Retrying failed jobs of orders' })
  await expect(bar).toHaveAttribute('aria-valuenow', /^[1-9]\d?$/)
  await toasts(page).getByRole('button', { name: 'Cancel' }).click()
  await expect(toasts(page)).toContainText(/Cancelled after [\d,]+ of 60,000; the others are where they were\./)
  const [waiting, failed] = [await queues.waiting('orders'), await queues.failed('orders')]
  expect([waiting > 0, failed > 0, waiting + failed]).toEqual([true, true, all])
  await open('/operations')
  await expect(page.getByRole('main')).toContainText(/cancelled/i)
})

test('shift and click select what lies between, one link all there are', async ({ queues, open }) => {
  await queues.fail('orders', make(60, 'DEAD'))
  const page = await open('/queues/orders?state=failed&perPage=20')
  const box = (n: number) => page.getByRole('checkbox', { name: `Select DEAD-${n}`, exact: true })
  await box(58).click()
  await box(54).click({ modifiers: ['Shift'] })
  await expect(page.getByText('5 jobs selected')).toBeVisible()
  for (const n of [58, 57, 56, 55, 54]) await expect(box(n)).toBeChecked()
  await expect(box(53)).not.toBeChecked()
  // The other way, and off: a range becomes what its end becomes.
  await box(56).click({ modifiers: ['Shift'] })
  await expect(page.getByText('2 jobs selected')).toBeVisible()

  await page.getByRole('checkbox', { name: 'Select page' }).check()
  await expect(page.getByText('20 jobs selected')).toBeVisible()
  await page.getByRole('button', { name: 'Select all 60' }).click()
  await expect(page.getByText('All 60 jobs selected')).toBeVisible()
  await confirm(page, 'Retry 60 jobs…', 'Retry 60 jobs', /60 failed jobs of orders/)
  await expect.poll(() => queues.waiting('orders')).toBe(60)
})

test('a second click on a job that is gone does nothing and says so', async ({ queues, redis, open }) => {
  await queues.fail('orders', make(1, 'DEAD'))
  const page = await open('/queues/orders?state=failed')
  await page.getByRole('link', { name: /DEAD-1/ }).first().click()
  await expect(page.getByRole('button', { name: 'Retry job' })).toBeVisible()
  await redis.del('queue:orders:failed')
  await page.getByRole('button', { name: 'Retry job' }).click()
  await expect(toasts(page)).toContainText('No job of orders was retried')
  expect(await queues.waiting('orders')).toBe(0)
})
