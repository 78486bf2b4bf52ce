// Story: something is wrong; the overview says what and leads there.
import { make } from './jobs'
import { expect, test } from './support'

test('the overview leads to the failing queue and to its failed job', async ({ queues, open }) => {
  await queues.push('mail', make(3, 'MAIL'))
  await queues.push('orders', make(2, 'ORD'))
  await queues.fail('orders', make(4, 'DEAD'))
  const page = await open('/')

  await page.getByRole('main').getByRole('link', { name: /orders/ }).first().click()
  await expect(page).toHaveURL(/\/queues\/orders/)
  await page.getByRole('navigation', { name: 'States' }).getByRole('link', { name: /Failed/ }).click()
  await expect(page).toHaveURL(/state=failed/)
  await expect(page.getByRole('row').filter({ hasText: 'DEAD-' })).toHaveCount(4)

  await page.getByRole('link', { name: /DEAD-4/ }).first().click()
  await expect(page).toHaveURL(/\/queues\/orders\/jobs\/DEAD-4/)
  await expect(page.getByRole('main')).toContainText('PaymentTimeout: gateway did not answer within 30000 ms')
})

test('the queue table counts every list of a queue as one queue', async ({ queues, open }) => {
  await queues.push('orders', make(3, 'A'))
  await queues.push('orders', make(2, 'B'), 'high')
  await queues.push('orders', make(1, 'C'), 'critical')
  await queues.group('orders', 'customer-7', make(4, 'G'))
  await queues.delay('orders', make(5, 'D'))
  await queues.fail('orders', make(6, 'F'))
  await queues.push('mail:5', make(1, 'M'))
  const page = await open('/queues')

  const row = page.getByRole('row').filter({ has: page.getByRole('link', { name: 'orders', exact: true }) })
  await expect(row).toHaveCount(1)
  // Three base, two high, one critical, one of the group in the list and three behind it.
  await expect(row).toContainText('10')
  await expect(row).toContainText('5')
  await expect(row).toContainText('6')
  await expect(page.getByRole('link', { name: 'mail:5', exact: true })).toBeVisible()
  await expect(page.getByRole('row').filter({ hasText: 'pending' })).toHaveCount(0)
})

test('filter and sort of the queue table are in the address', async ({ queues, open }) => {
  for (const name of ['orders', 'mail', 'reports']) await queues.push(name, make(1, name))
  await queues.fail('reports', make(1, 'R'))
  const page = await open('/queues?filter=failing')
  await expect(page.getByRole('link', { name: 'reports', exact: true })).toBeVisible()
  await expect(page.getByRole('link', { name: 'mail', exact: true })).toHaveCount(0)

  await open('/queues')
  await page.getByRole('searchbox').first().fill('mai')
  await expect(page).toHaveURL(/q=mai/)
  await expect(page.getByRole('link', { name: 'orders', exact: true })).toHaveCount(0)
  await expect(page.getByRole('link', { name: 'mail', exact: true })).toBeVisible()
})
