// Story: something is wrong; the overview says what and leads there.
import type { Page } from '@playwright/test'
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

/** Until the console has counted so many queues: a list that is open holds still. */
async function counted(page: Page, queues: number, timeout = 10_000) {
  const listed = () => page.evaluate(() => fetch('/api/v1/queues').then((r) => r.json()).then((list) => list.queues.length))
  await expect.poll(listed, { timeout }).toBe(queues)
}

test('five thousand queues are paged, sorted and found', async ({ redis, open }) => {
  test.setTimeout(120_000)
  const name = (i: number) => `queue:q-${String(i).padStart(4, '0')}`
  await Promise.all(Array.from({ length: 5_000 }, (_, i) => redis.lPush(name(i + 1), Array.from({ length: (i % 7) + 1 }, () => '{"id":"a"}'))))
  const page = await open('/queues?sort=name')
  await counted(page, 5_000, 45_000) // a tick counts some five hundred of them
  await page.reload()
  const pages = page.getByRole('navigation', { name: 'Pages' })
  await expect(pages).toContainText('1 to 100 of 5,000 queues')
  await expect(page.getByRole('table').getByRole('row')).toHaveCount(101)
  await pages.getByRole('link', { name: 'Next page' }).click()
  await expect(page).toHaveURL(/page=2/)
  await expect(page.getByRole('table').getByRole('row').nth(1)).toContainText('q-0101')
  await page.getByRole('searchbox', { name: 'Filter queues by name' }).fill('q-4999')
  await expect(page.getByRole('table').getByRole('row')).toHaveCount(2)
  await expect(page.getByRole('table').getByRole('row').nth(1)).toContainText('q-4999')
})

test('no queues, and none that matches, are two sentences', async ({ queues, open }) => {
  const page = await open('/queues')
  const main = page.getByRole('main')
  await expect(main).toContainText('They appear here when an application pushes its first job.')
  await expect(main.getByRole('link', { name: 'Clear filters' })).toHaveCount(0)
  await queues.push('orders', make(1, 'ORD'))
  await counted(page, 1)
  await page.getByRole('searchbox', { name: 'Filter queues by name' }).fill('zzz')
  await expect(main).toContainText('No queue matches “zzz”')
  await expect(main).not.toContainText('They appear here')
  await main.getByRole('link', { name: 'Clear filters' }).click()
  await expect(page).toHaveURL(/\/queues$/)
  await expect(page.getByRole('link', { name: 'orders', exact: true })).toBeVisible()
})

test('headers sort: queues by what runs, jobs from the other end', async ({ queues, workers, open }) => {
  await queues.push('quiet', make(5, 'Q'))
  await queues.push('busy', make(1, 'B'))
  await queues.fail('orders', make(3, 'DEAD'))
  const page = await open('/queues')
  await workers.start('shop-1', ['busy'])
  await workers.begin('shop-1', 'B-0')
  const rows = page.getByRole('table').getByRole('row')
  await expect(page.getByRole('row').filter({ hasText: 'busy' }).getByRole('cell').nth(2)).toHaveText(/≥?1/)
  await expect(rows.nth(1)).toContainText('quiet')
  await page.getByRole('columnheader', { name: 'Active' }).getByRole('link').click()
  await expect(page).toHaveURL(/sort=active/)
  await expect(rows.nth(1)).toContainText('busy')
  for (const head of ['In/s', 'Out/s']) await expect(page.getByRole('columnheader', { name: head }).getByRole('link')).toBeVisible()

  await open('/queues/orders?state=failed')
  await expect(rows.nth(1)).toContainText('DEAD-3')
  await page.getByRole('columnheader', { name: 'Failed' }).getByRole('link').click()
  await expect(page).toHaveURL(/order=oldest/)
  await expect(rows.nth(1)).toContainText('DEAD-1')
  await expect(page.getByRole('columnheader', { name: 'Failed' })).toHaveAttribute('aria-sort', 'ascending')
})

test('a filter that finds nothing can be cleared', async ({ queues, open }) => {
  await queues.fail('orders', make(3, 'DEAD'))
  const page = await open('/queues/orders?state=failed&q=nothingofthat')
  await expect(page.getByRole('main')).toContainText('No job matches')
  await page.getByRole('link', { name: 'Clear filters' }).click()
  await expect(page).toHaveURL(/\/queues\/orders\?state=failed$/)
  await expect(page.getByRole('checkbox', { name: 'Select DEAD-3' })).toBeVisible()
})
